/** Answers requests for a stretch of the past. */
import type { Access, HttpRequest, HttpResponse } from 'eddy/plugin';
import type { PastMedia, PastRange } from '../shared/past-media.ts';
import { limitsKey } from '../shared/quality.ts';
import { rangeQuery, type WantedRange } from '../shared/range.ts';
import { manifestAnswer, refusal } from './answers.ts';
import { limitMpd } from './limits.ts';
import { writeMpd } from './mpd.ts';
import { rangeMpd } from './range-mpd.ts';

/** How long any cache may keep a manifest, s: one that is complete only changes with retention. */
const MAX_AGE = { complete: 60, growing: 1 } as const;

/** See the file's head. */
export class RangeManifests {
  readonly #past: PastMedia;
  readonly #now: (cameraId: string) => number;
  readonly #isLive: (cameraId: string) => boolean;
  readonly #written = new WeakMap<PastRange, Map<string, Uint8Array>>();

  /** `now`: the time by which players reckon with a camera, epoch ms. */
  constructor(past: PastMedia, now: (cameraId: string) => number, isLive: (cameraId: string) => boolean) {
    this.#past = past;
    this.#now = now;
    this.#isLive = isLive;
  }

  async answer(request: HttpRequest, range: WantedRange, access: Access): Promise<HttpResponse> {
    const cameraId = request.params.camera;
    const past = await this.#past.load(cameraId, range, this.#isLive(cameraId));
    const now = this.#now(cameraId);
    const asked = Number(/^\d{1,15}$/.exec(request.query.get('asked') ?? '')?.[0] ?? Math.round(now));
    // Only a manifest that grows depends on when it was asked for.
    const key = `${past.complete ? '' : asked}${limitsKey(access)}`;
    let written = this.#written.get(past);
    if (!written) this.#written.set(past, (written = new Map<string, Uint8Array>()));
    let body = written.get(key);
    if (!body) {
      const again = `manifest.mpd?${rangeQuery(range)}&asked=${asked}`;
      const mpd = rangeMpd(past, { now, asked, location: again });
      if (!mpd) throw refusal('RANGE_EMPTY', `"${cameraId}" has no media there.`);
      written.set(key, (body = Buffer.from(writeMpd(limitMpd(mpd, access)))));
    }
    return manifestAnswer(body, past.complete ? MAX_AGE.complete : MAX_AGE.growing);
  }
}
