/** Answers requests for playlists of a stretch of the past. */
import type { Access, HttpRequest, HttpResponse } from 'eddy/plugin';
import type { PastMedia, PastRange, PastTrack } from '../shared/past-media.ts';
import { assertWithin, limitsKey, within, type Rendition } from '../shared/quality.ts';
import { parseRange, rangeQuery, type WantedRange } from '../shared/range.ts';
import { type Stretch, stretchesOf } from '../shared/stretches.ts';
import { playlistAnswer, refusal } from './answers.ts';
import { parseDirectives } from './directives.ts';
import { type OfferedTrack, multivariantText } from './multivariant.ts';
import { rangePlaylist, startTag } from './range-playlist.ts';

/** How long any cache may keep a playlist that is complete, s: it only changes with retention. */
const COMPLETE_AGE = 60;

interface Written {
  readonly stretches: readonly Stretch[];
  readonly bodies: Map<string, Uint8Array>;
}

/** See the file's head. */
export class RangePlaylists {
  readonly #past: PastMedia;
  readonly #isLive: (cameraId: string) => boolean;
  readonly #written = new WeakMap<PastRange, Written>();

  constructor(past: PastMedia, isLive: (cameraId: string) => boolean) {
    this.#past = past;
    this.#isLive = isLive;
  }

  /** The multivariant playlist. */
  multivariant(request: HttpRequest, range: WantedRange, access: Access): Promise<HttpResponse> {
    return this.#answer(request, range, `index${limitsKey(access)}`, (past, stretches) => {
      const query = `?${rangeQuery(range)}`;
      const tracks = within(access, past.tracks.map(offered), renditionOf);
      return multivariantText(tracks, (id) => `${encodeURIComponent(id)}/range.m3u8${query}`, [
        startTag(past, stretches),
      ]);
    });
  }

  /** The media playlist of the request's track. */
  media(request: HttpRequest, range: WantedRange, access: Access): Promise<HttpResponse> {
    const { track = '' } = request.params;
    const { skip } = parseDirectives(request.query);
    return this.#answer(request, range, `${track}\n${skip}${limitsKey(access)}`, (past, stretches) => {
      const wanted = past.tracks.find(({ id }) => id === track);
      if (!wanted) throw refusal('MEDIA_UNKNOWN', `There is no track "${track}" there.`);
      assertWithin(access, renditionOf(offered(wanted)));
      return rangePlaylist(past, stretches, track, { skip });
    });
  }

  async #answer(
    request: HttpRequest,
    range: WantedRange,
    key: string,
    write: (past: PastRange, stretches: readonly Stretch[]) => string,
  ): Promise<HttpResponse> {
    const cameraId = request.params.camera;
    const past = await this.#past.load(cameraId, range, this.#isLive(cameraId));
    let written = this.#written.get(past);
    if (!written) this.#written.set(past, (written = { stretches: stretchesOf(past.tracks), bodies: new Map() }));
    if (written.stretches.length === 0) throw refusal('RANGE_EMPTY', `"${cameraId}" has no media there.`);
    let body = written.bodies.get(key);
    if (!body) written.bodies.set(key, (body = Buffer.from(write(past, written.stretches))));
    return playlistAnswer(body, past.complete ? COMPLETE_AGE : undefined);
  }
}

const renditionOf = ({ kind, width, height, rates }: OfferedTrack): Rendition => ({
  kind,
  width,
  height,
  bitrate: rates.average,
});

/** Reads the wanted stretch from a request; undefined for the live playlist. Throws `publish.hls/RANGE_INVALID` (400). */
export function rangeOf(request: HttpRequest): WantedRange | undefined {
  const range = parseRange(request.query);
  if (typeof range === 'string') throw refusal('RANGE_INVALID', range);
  return range;
}

/** A track of the past as the multivariant playlist tells of it. */
export function offered({ id, kind, caps, segments }: PastTrack): OfferedTrack {
  let peak = 0;
  let bits = 0;
  let lasts = 0;
  const codecs = new Set<string>();
  for (const { bytes, duration, codecString } of segments) {
    // A last bit of a publication says little of its rate.
    if (duration >= 500) peak = Math.max(peak, (bytes * 8000) / duration);
    bits += bytes * 8;
    lasts += duration;
    codecs.add(codecString);
  }
  const average = (bits * 1000) / Math.max(1, lasts);
  const { language, channels, width, height, frameRate } = caps ?? {};
  return {
    id,
    kind,
    rates: { peak: Math.max(peak, average), average },
    codecs: [...codecs],
    independent: segments.every(({ independent }) => independent),
    ...(language === undefined ? {} : { language }),
    ...(channels === undefined ? {} : { channels }),
    ...(width === undefined || height === undefined ? {} : { width, height }),
    ...(frameRate === undefined ? {} : { frameRate }),
  };
}
