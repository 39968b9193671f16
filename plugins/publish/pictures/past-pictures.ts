/** Pictures of the past over HTTP: of any moment, and storyboards of a stretch. */
import {
  credentialsOf,
  peerOf,
  type Access,
  type AccessUnit,
  type CameraId,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
  type Timeline,
  type VideoCaps,
} from 'eddy/plugin';
import { initNameOf, PastMedia } from '../shared/past-media.ts';
import { parseMoment, parseRange } from '../shared/range.ts';
import { pictureAnswer, refusal } from './answers.ts';
import type { JpegMaker, SheetLayout } from './jpeg-maker.ts';
import { PastFrames } from './past-frames.ts';
import type { manifest } from './plugin.ts';
import { Shelf } from './shelf.ts';
import * as storyboard from './storyboard.ts';
import { COLUMNS, PLACES, type SheetName } from './storyboard.ts';

/** What is so old does not change any more, ms: its segments are finished and stored. */
const SETTLED = 30_000;
const LONG = 'max-age=86400, immutable';
/** The most cues of a storyboard. */
const MOST_CUES = 5000;

/** What it needs. */
export interface PastPicturesOptions {
  readonly ctx: Context<typeof manifest>;
  readonly timeline: Timeline;
  readonly maker: JpegMaker;
  /** Tells of key frames that were made into pictures. */
  readonly count: (keyFrames: number) => void;
}

/** See the file's head. */
export class PastPictures {
  readonly #options: PastPicturesOptions;
  readonly #frames: PastFrames;
  readonly #past: PastMedia;
  readonly #shelf: Shelf;

  constructor(options: PastPicturesOptions) {
    const { ctx, timeline } = options;
    this.#options = options;
    this.#frames = new PastFrames(timeline);
    this.#past = new PastMedia(timeline, ctx.clock);
    this.#shelf = new Shelf(ctx.config.cache);
  }

  routes(): HttpRoute[] {
    const route = (
      name: string,
      fromOf: (query: URLSearchParams) => number | 'earliest',
      answer: (request: HttpRequest, access: Access) => Promise<HttpResponse>,
    ): HttpRoute => ({
      method: 'GET',
      path: `/api/v1/cameras/:camera/${name}`,
      cors: true,
      handler: async (request) => {
        const { camera: cameraId } = request.params;
        const peer = peerOf(request, 'pictures');
        const credentials = credentialsOf(request);
        const from = fromOf(request.query);
        const access = await this.#options.ctx.sessions.check({ cameraId, action: 'rewind', from, credentials, peer });
        return answer(request, access);
      },
    });
    return [
      route('thumbnail.jpg', momentOf, (request) => this.#thumbnail(request)),
      route('storyboard.vtt', startOf, (request, { earliest }) => this.#storyboard(request, earliest)),
      route('storyboard.jpg', momentOf, (request) => this.#sheet(request)),
    ];
  }

  async #thumbnail({ params: { camera: cameraId }, query }: HttpRequest): Promise<HttpResponse> {
    const { config, clock } = this.#options.ctx;
    const at = parseMoment(query.get('at') ?? '');
    if (at === undefined) throw refusal('REQUEST_INVALID', '"at" is neither RFC 3339 nor epoch milliseconds.');
    const asked = query.get('width');
    const width = asked === null ? config.width : Number(asked);
    if (!(Number.isInteger(width) && width >= 16 && width <= config.width))
      throw refusal('REQUEST_INVALID', `"width" must be a whole number from 16 to ${config.width}.`);
    const keyFrame = await this.#frames.at(cameraId, at, width);
    if (!keyFrame) throw refusal('NO_PICTURE', `"${cameraId}" has no picture of that moment.`);
    const { quality } = config;
    const picture = await this.#shelf.get(`${keyFrame.name} ${width}`, async () => {
      const [made] = await this.#options.maker.make(keyFrame.caps, [keyFrame.unit], { width, quality });
      this.#options.count(made ? 1 : 0);
      return made;
    });
    if (!picture) throw this.#undecodable(cameraId, keyFrame.caps);
    return pictureAnswer(picture, at < clock.now() - SETTLED ? LONG : 'no-cache', {
      'last-modified': new Date(keyFrame.at).toUTCString(),
      etag: `"${Math.round(keyFrame.at)}-${width}"`,
    });
  }

  async #storyboard({ params: { camera: cameraId }, query }: HttpRequest, earliest: number): Promise<HttpResponse> {
    const { cameras, clock } = this.#options.ctx;
    const range = parseRange(query) ?? 'A storyboard needs a start.';
    if (typeof range === 'string') throw refusal('REQUEST_INVALID', range);
    const end = Math.min(range.end, clock.now());
    const interval = intervalOf(query) ?? storyboard.usualInterval(end - range.start);
    if ((end - range.start) / interval > MOST_CUES)
      throw refusal('REQUEST_INVALID', `That would be more than ${MOST_CUES} pictures: ask for a longer interval.`);
    const live = cameras.get(cameraId)?.state === 'live';
    const { tracks, complete } = await this.#past.load(cameraId, range, live);
    const sizes = new Map<string, VideoSize>();
    const preferred = tracks
      .filter(({ kind, caps }) => kind === 'video' && caps?.width)
      .toSorted((a, b) => a.caps!.width! - b.caps!.width!);
    for (const { id, generations } of preferred)
      for (const [init, { width, height }] of generations)
        if (width && height) sizes.set(`${id} ${init}`, storyboard.sizeOf({ width, height }));
    const nameOf = ({ segment }: storyboard.Cue): string => `${segment.track} ${initNameOf(segment)}`;
    const cues = storyboard
      .cuesOf(
        preferred.map(({ segments }) => segments),
        { start: range.start, end },
        interval,
      )
      // A sheet may begin before the stretch; one that begins before all that is allowed would be refused.
      .filter((cue) => cue.at >= earliest && sizes.has(nameOf(cue)));
    const places = new Map<string, number>();
    for (const cue of cues) places.set(`${cue.at} ${nameOf(cue)}`, cue.place + 1);
    const token = query.get('token');
    const body = storyboard.writeVtt(range.start, cues, (cue) => {
      const { width, height } = sizes.get(nameOf(cue))!;
      const sheet = new URLSearchParams({
        track: cue.segment.track,
        init: initNameOf(cue.segment),
        at: String(cue.at),
        interval: `${interval}ms`,
        places: String(places.get(`${cue.at} ${nameOf(cue)}`)),
        ...(token && { token }),
      });
      const x = (cue.place % COLUMNS) * width;
      const y = Math.floor(cue.place / COLUMNS) * height;
      return `storyboard.jpg?${sheet.toString()}#xywh=${x},${y},${width},${height}`;
    });
    const cacheControl = `private, ${complete ? 'max-age=60' : 'no-cache'}`;
    return { headers: { 'content-type': 'text/vtt; charset=utf-8', 'cache-control': cacheControl }, body };
  }

  async #sheet({ params: { camera: cameraId }, query }: HttpRequest): Promise<HttpResponse> {
    const sheet = sheetNameOf(query);
    const key = [cameraId, sheet.track, sheet.init, sheet.at, sheet.interval, sheet.places].join(' ');
    const picture = await this.#shelf.get(key, () => this.#makeSheet(cameraId, sheet));
    if (!picture) throw refusal('NO_PICTURE', `"${cameraId}" has no pictures for that sheet.`);
    const settled = sheet.at + sheet.interval * sheet.places < this.#options.ctx.clock.now() - SETTLED;
    return pictureAnswer(picture, settled ? LONG : 'max-age=10');
  }

  /** Reads the key frames of a sheet, one segment after the other, and puts them together. */
  async #makeSheet(cameraId: CameraId, sheet: SheetName): Promise<Uint8Array | undefined> {
    const { at, interval, places } = sheet;
    const end = at + interval * places;
    const segments = (await this.#frames.segments(cameraId, at, end, sheet.track)).filter(
      (one) => initNameOf(one) === sheet.init,
    );
    const cues = storyboard.cuesOf([segments], { start: at, end }, interval);
    const caps = cues[0] && (await this.#frames.caps(cameraId, cues[0].segment));
    if (!caps) return undefined;
    const read = new Map<string, AccessUnit | undefined>();
    const keyFrames: (AccessUnit | undefined)[] = Array.from({ length: places });
    for (const { segment, place } of cues) {
      if (!read.has(segment.id)) read.set(segment.id, await this.#frames.first(cameraId, segment));
      keyFrames[place] = read.get(segment.id);
    }
    const rows = Math.ceil(places / COLUMNS);
    const { quality } = this.#options.ctx.config;
    const layout = { columns: COLUMNS, rows, ...storyboard.sizeOf(caps), quality };
    return this.#compose(cameraId, caps, keyFrames, layout);
  }

  async #compose(
    cameraId: CameraId,
    caps: VideoCaps,
    keyFrames: readonly (AccessUnit | undefined)[],
    layout: SheetLayout,
  ): Promise<Uint8Array | undefined> {
    const { maker, ctx, count } = this.#options;
    const filled = fill(keyFrames, layout.columns * layout.rows);
    if (!filled) return undefined;
    const sheet = await maker.sheet(caps, filled, layout);
    if (sheet) {
      count(filled.length);
      return sheet;
    }
    // One of them is damaged: its place is given to its neighbour.
    const made = await maker.make(caps, filled, { width: layout.width, quality: ctx.config.quality });
    const sound = fill(
      filled.map((unit, place) => (made[place] ? unit : undefined)),
      filled.length,
    );
    if (!sound || made.every(Boolean)) throw this.#undecodable(cameraId, caps);
    return maker.sheet(caps, sound, layout);
  }

  #undecodable(cameraId: CameraId, { codecString }: VideoCaps) {
    const message = `key frames of the past of "${cameraId}" (${codecString})`;
    this.#options.ctx.report({ code: 'publish.pictures/NOT_DECODED', message, cameraId });
    return refusal('NO_PICTURE', `What "${cameraId}" shows there cannot be decoded.`);
  }
}

/** `at`, where it is a moment; whoever asks for none is told so by the answer. */
const momentOf = (query: URLSearchParams): number | 'earliest' => parseMoment(query.get('at') ?? '') ?? 'earliest';

const startOf = (query: URLSearchParams): number | 'earliest' => {
  const range = parseRange(query);
  return typeof range === 'object' ? range.start : 'earliest';
};

type VideoSize = ReturnType<typeof storyboard.sizeOf>;

/** Every place has a picture: one without takes that of the place before it, else of the first that has one. */
function fill(units: readonly (AccessUnit | undefined)[], places: number): AccessUnit[] | undefined {
  let last = units.find((unit) => unit !== undefined);
  if (!last) return undefined;
  return Array.from({ length: places }, (_, place) => (last = units[place] ?? last!));
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** `interval=10s`, or a bare number of seconds; undefined where none is asked for. Throws `publish.pictures/REQUEST_INVALID`. */
function intervalOf(query: URLSearchParams): number | undefined {
  const text = query.get('interval');
  if (text === null) return undefined;
  const [, amount, unit = 's'] = /^(\d{1,8})(ms|s|m|h)?$/.exec(text) ?? [];
  const interval = Number(amount) * UNITS[unit]!;
  if (!(interval >= 1000 && interval <= 24 * UNITS.h!))
    throw refusal('REQUEST_INVALID', '"interval" must be from 1s to 24h.');
  return interval;
}

/** The sheet that a storyboard's cue names. Throws `publish.pictures/REQUEST_INVALID`. */
function sheetNameOf(query: URLSearchParams): SheetName {
  const interval = intervalOf(query);
  const at = Number(query.get('at') ?? Number.NaN);
  const places = Number(query.get('places') ?? PLACES);
  const [track, init] = [query.get('track'), query.get('init')];
  if (!track || !init || !interval || !Number.isSafeInteger(at) || at !== storyboard.sheetOf(at, interval))
    throw refusal('REQUEST_INVALID', 'That is no sheet: storyboard.vtt names those that there are.');
  if (!(Number.isInteger(places) && places >= 1 && places <= PLACES))
    throw refusal('REQUEST_INVALID', `A sheet has 1 to ${PLACES} places.`);
  return { track, init, at, interval, places };
}
