/** The HLS routes: multivariant playlist, media playlists, init segments, segments and parts. */
import type { HttpRequest, HttpResponse, HttpServer, Session, ViewerWish } from 'eddy/plugin';
import type { LiveCamera } from '../shared/live-camera.ts';
import { parsePartName } from '../shared/live-segment.ts';
import type { LiveTrack } from '../shared/live-track.ts';
import type { PastMedia } from '../shared/past-media.ts';
import type { WantedRange } from '../shared/range.ts';
import type { Purpose, Viewer, Viewers } from '../shared/viewers.ts';
import { cameraAway, mediaAnswer, playlistAnswer, refusal } from './answers.ts';
import { checkReach, parseDirectives } from './directives.ts';
import { mediaPlaylist, partHoldBackOf } from './media-playlist.ts';
import { multivariantPlaylist } from './multivariant.ts';
import { rangeOf, RangePlaylists } from './range-routes.ts';
import { assertWithin, limitsKey, liveRendition, within } from '../shared/quality.ts';
import { RenderCache } from '../shared/render-cache.ts';

/** How long a request for a camera that has just begun waits for its first segment, ms. */
const FIRST_SEGMENT = 10_000;

/** What the routes need. */
export interface HlsOptions {
  readonly prefix: string;
  /** Seconds; undefined for three parts. */
  readonly partHoldBack: number | undefined;
  readonly viewers: Viewers;
  readonly past: PastMedia | undefined;
  camera(cameraId: string): LiveCamera | undefined;
  /** Whether more of a camera may come. */
  readonly isLive: (cameraId: string) => boolean;
}

type Answer = (
  request: HttpRequest,
  viewer: Viewer,
  range: WantedRange | undefined,
) => HttpResponse | Promise<HttpResponse>;

export class HlsRoutes {
  readonly #options: HlsOptions;
  readonly #rendered = new RenderCache();
  readonly #ranges: RangePlaylists | undefined;

  constructor(options: HlsOptions) {
    this.#options = options;
    this.#ranges = options.past && new RangePlaylists(options.past, options.isLive);
  }

  /** Mounts them; the returned function unmounts them. */
  mount(http: HttpServer): () => void {
    const { prefix, viewers } = this.#options;
    const wish = (range: WantedRange | undefined): ViewerWish =>
      range ? { action: 'rewind', from: range.start } : { action: 'watch' };
    const route = (path: string, answer: Answer, purpose?: Purpose) =>
      http.route({
        method: 'GET',
        path: `${prefix}/:camera/${path}`,
        handler: (request) => {
          const range = purpose === undefined ? rangeOf(request) : undefined;
          return viewers.serve(request, (viewer) => answer(request, viewer, range), purpose ?? wish(range));
        },
      });
    const unmount = [
      route('index.m3u8', (request, viewer, range) =>
        range ? this.#past().multivariant(request, range, viewer.session) : this.#multivariant(request, viewer),
      ),
      route(':track/live.m3u8', (request, viewer) => this.#playlist(request, viewer), { action: 'watch' }),
      route(':track/range.m3u8', (request, { session }, range) => {
        if (!range) throw refusal('RANGE_INVALID', 'A start is missing.');
        return this.#past().media(request, range, session);
      }),
      route(':track/:name', (request, viewer) => this.#media(request, viewer), 'media'),
    ];
    return () => unmount.forEach((undo) => undo());
  }

  async #multivariant(request: HttpRequest, { session }: Viewer): Promise<HttpResponse> {
    const camera = this.#camera(request);
    if (camera.ended) throw cameraAway(camera.cameraId);
    if (!camera.ready) await camera.wait(() => camera.ready || camera.ended, FIRST_SEGMENT, signalOf(request, session));
    const tracks = within(session, camera.offered, liveRendition);
    if (tracks.length === 0) throw refusal('NOT_READY', `"${camera.cameraId}" has no whole segment yet.`);
    const body = this.#rendered.get(camera, `index${limitsKey(session)}`, () =>
      multivariantPlaylist(tracks, this.#options.partHoldBack),
    );
    return playlistAnswer(body);
  }

  async #playlist(request: HttpRequest, { session }: Viewer): Promise<HttpResponse> {
    const camera = this.#camera(request);
    const track = this.#track(camera, request);
    assertWithin(session, liveRendition(track));
    const directives = parseDirectives(request.query);
    const { msn, part, skip } = directives;
    if (!track.lastWhole) {
      await camera.wait(() => track.lastWhole !== undefined || track.ended, FIRST_SEGMENT, signalOf(request, session));
      if (!track.lastWhole)
        throw refusal('NOT_READY', `"${camera.cameraId}" has no whole segment of "${track.id}" yet.`);
    }
    if (msn !== undefined && !track.ended && !track.has(msn, part)) {
      checkReach(track, directives);
      const timeout = 3 * track.targetDuration * 1000;
      const came = await camera.wait(() => track.has(msn, part) || track.ended, timeout, signalOf(request, session));
      if (!came) throw refusal('UPDATE_TIMEOUT', `Segment ${msn} of "${track.id}" did not come in time.`);
    }
    const body = this.#rendered.get(camera, `${track.id}\n${skip}`, () =>
      mediaPlaylist(track, {
        skip,
        partHoldBack: partHoldBackOf(track, this.#options.partHoldBack),
        others: camera.listed.filter((other) => other !== track),
      }),
    );
    return playlistAnswer(body, msn === undefined ? undefined : 6 * track.targetDuration);
  }

  #media(request: HttpRequest, { session, reach }: Viewer): HttpResponse | Promise<HttpResponse> {
    const { name = '' } = request.params;
    const startTs = startOf(name);
    const reached = startTs === undefined ? undefined : reach(startTs);
    return reached ? reached.then(() => this.#reached(request, name, session)) : this.#reached(request, name, session);
  }

  #reached(request: HttpRequest, name: string, session: Session): HttpResponse | Promise<HttpResponse> {
    const camera = this.#options.camera(request.params.camera);
    const track = camera?.tracks.get(request.params.track ?? '');
    if (camera && track) {
      assertWithin(session, liveRendition(track));
      const partOf = parsePartName(name);
      if (partOf) {
        const part = track.findPart(partOf.stem, partOf.index);
        if (part?.data) return mediaAnswer(track.kind, part.data);
        if (track.hint === name) return this.#hinted(camera, track, name, request, session);
        throw unknownMedia(name);
      }
      const init = track.findInit(name);
      if (init) return mediaAnswer(track.kind, init.caps.init);
      const segment = track.find(name);
      if (segment?.complete && !segment.gap && !segment.released)
        return mediaAnswer(track.kind, Buffer.concat(segment.data()));
    }
    return this.#stored(request, name, session);
  }

  /** EXT-X-PRELOAD-HINT: a part that is asked for before it exists is sent as soon as it does. */
  async #hinted(
    camera: LiveCamera,
    track: LiveTrack,
    name: string,
    request: HttpRequest,
    session: Session,
  ): Promise<HttpResponse> {
    const { stem, index } = parsePartName(name)!;
    const timeout = 3 * track.targetDuration * 1000;
    await camera.wait(() => track.hint !== name, timeout, signalOf(request, session));
    const part = track.findPart(stem, index);
    if (!part?.data) throw unknownMedia(name);
    return mediaAnswer(track.kind, part.data);
  }

  /** Segments that left the playlist are the timeline's, where the pipeline has one. */
  async #stored(request: HttpRequest, name: string, session: Session): Promise<HttpResponse> {
    const { camera, track = '' } = request.params;
    const { past } = this.#options;
    const found = (await past?.read(camera, track, name)) ?? (await past?.init(camera, track, name));
    if (!found) throw unknownMedia(name);
    assertWithin(session, found);
    return mediaAnswer(found.kind, found.data);
  }

  #past(): RangePlaylists {
    if (!this.#ranges) throw refusal('RANGE_EMPTY', 'Nothing of the past is kept here.');
    return this.#ranges;
  }

  #camera(request: HttpRequest): LiveCamera {
    const camera = this.#options.camera(request.params.camera);
    if (!camera) throw cameraAway(request.params.camera);
    return camera;
  }

  #track(camera: LiveCamera, request: HttpRequest): LiveTrack {
    const track = camera.tracks.get(request.params.track ?? '');
    if (!track) throw refusal('MEDIA_UNKNOWN', `"${camera.cameraId}" has no track "${request.params.track}".`);
    return track;
  }
}

/** The moment at which media begins is the first thing in its name; an init segment has none. */
const startOf = (name: string): number | undefined => {
  const [, start] = /^(\d{1,16})-\d/.exec(name) ?? [];
  return start === undefined ? undefined : Number(start);
};

const unknownMedia = (name: string) => refusal('MEDIA_UNKNOWN', `"${name}" is not kept, or never was.`);

/** Whoever waits stops waiting when the client is gone or may no longer watch. */
const signalOf = (request: HttpRequest, session: Session): AbortSignal =>
  AbortSignal.any([request.signal, session.signal]);
