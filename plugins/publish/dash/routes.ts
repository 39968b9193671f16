/** The DASH routes: manifests, init segments, segments, and the time of day. */
import type { Clock, HttpRequest, HttpResponse, HttpServer, Session } from 'eddy/plugin';
import type { LiveCamera } from '../shared/live-camera.ts';
import type { LiveSegment } from '../shared/live-segment.ts';
import type { LiveTrack } from '../shared/live-track.ts';
import type { PastMedia } from '../shared/past-media.ts';
import { parseRange } from '../shared/range.ts';
import { assertWithin, limitsKey, liveRendition } from '../shared/quality.ts';
import { RenderCache } from '../shared/render-cache.ts';
import type { Viewer, Viewers } from '../shared/viewers.ts';
import { cameraAway, manifestAnswer, mediaAnswer, refusal } from './answers.ts';
import { limitMpd } from './limits.ts';
import { liveMpd } from './live-mpd.ts';
import { writeMpd } from './mpd.ts';
import { parseName, type SegmentKey } from './names.ts';
import { Periods } from './periods.ts';
import { RangeManifests } from './range-manifests.ts';
import { streamSegment } from './segment-stream.ts';

/** How long a request for a camera that has just begun waits for its first segment, ms. */
const FIRST_SEGMENT = 10_000;
/** Any cache may keep a live manifest for this long, s. */
const LIVE_AGE = 1;

/** What the routes need. */
export interface DashOptions {
  readonly prefix: string;
  /** Seconds. */
  readonly latency: number;
  readonly clock: Clock;
  readonly viewers: Viewers;
  readonly past: PastMedia | undefined;
  camera(cameraId: string): LiveCamera | undefined;
  /** Whether more of a camera may come. */
  readonly isLive: (cameraId: string) => boolean;
}

export class DashRoutes {
  readonly #options: DashOptions;
  readonly #rendered = new RenderCache();
  readonly #periods = new WeakMap<LiveCamera, Periods>();
  readonly #ranges: RangeManifests | undefined;

  constructor(options: DashOptions) {
    this.#options = options;
    this.#ranges = options.past && new RangeManifests(options.past, (cameraId) => this.#now(cameraId), options.isLive);
  }

  /** Mounts them; the returned function unmounts them. */
  mount(http: HttpServer): () => void {
    const { prefix, viewers } = this.#options;
    const unmount = [
      http.route({
        method: 'GET',
        path: `${prefix}/:camera/now`,
        handler: ({ params }) => ({
          headers: { 'content-type': 'text/plain', 'cache-control': 'no-store' },
          body: new Date(this.#now(params.camera)).toISOString(),
        }),
      }),
      http.route({
        method: 'GET',
        path: `${prefix}/:camera/manifest.mpd`,
        handler: (request) => {
          const range = parseRange(request.query);
          if (typeof range === 'string') throw refusal('RANGE_INVALID', range);
          if (!range) return viewers.serve(request, (viewer) => this.#live(request, viewer));
          const ranges = this.#ranges;
          if (!ranges) throw refusal('RANGE_EMPTY', 'Nothing of the past is kept here.');
          const wish = { action: 'rewind', from: range.start } as const;
          return viewers.serve(request, ({ session }) => ranges.answer(request, range, session), wish);
        },
      }),
      http.route({
        method: 'GET',
        path: `${prefix}/:camera/:track/:name`,
        handler: (request) => viewers.serve(request, (viewer) => this.#media(request, viewer), 'media'),
      }),
    ];
    return () => unmount.forEach((undo) => undo());
  }

  /** Periods are kept from a camera's first segment on, whether anybody watches or not: what began when is part of them. */
  watch(camera: LiveCamera): void {
    if (!this.#periods.has(camera)) this.#periods.set(camera, new Periods(camera));
  }

  async #live(request: HttpRequest, { session }: Viewer): Promise<HttpResponse> {
    const camera = this.#options.camera(request.params.camera);
    if (!camera) throw cameraAway(request.params.camera);
    this.watch(camera);
    if (!camera.ready) await camera.wait(() => camera.ready || camera.ended, FIRST_SEGMENT, signalOf(request, session));
    const body = this.#rendered.get(camera, `live${limitsKey(session)}`, () => {
      const { latency } = this.#options;
      const mpd = liveMpd(camera, this.#periods.get(camera)!, { now: camera.now, latency });
      if (!mpd) throw refusal('NOT_READY', `"${camera.cameraId}" has no whole segment yet.`);
      return writeMpd(limitMpd(mpd, session));
    });
    return manifestAnswer(body, LIVE_AGE);
  }

  async #media(request: HttpRequest, { session, reach }: Viewer): Promise<HttpResponse> {
    const { camera: cameraId, track: id = '', name = '' } = request.params;
    const camera = this.#options.camera(cameraId);
    const track = camera?.tracks.get(id);
    const key = parseName(name);
    if (track) assertWithin(session, liveRendition(track));
    if (!key) {
      const init = track?.findInit(name);
      if (init) return mediaAnswer(init.caps.kind, init.caps.init);
      const past = await this.#options.past?.init(cameraId, id, name);
      if (past) return mediaAnswer(past.kind, past.data);
      throw unknownMedia(name);
    }
    if (camera && track) {
      const segment = await this.#segment(camera, track, key, signalOf(request, session));
      if (segment) await reach(segment.startTs);
      if (segment && !segment.released) return this.#send(camera, track, segment, signalOf(request, session));
      if (segment) {
        const past = await this.#options.past?.read(cameraId, id, segment.name);
        if (past) return mediaAnswer(past.kind, past.data);
      }
    }
    const past = key.by === 'time' ? await this.#options.past?.find(cameraId, id, key) : undefined;
    if (!past) throw unknownMedia(name);
    assertWithin(session, past);
    await reach(past.startTs);
    return mediaAnswer(past.kind, past.data);
  }

  /** The segment of this name; the next one, and one that a manifest says is there by now, is waited for. */
  async #segment(
    camera: LiveCamera,
    track: LiveTrack,
    key: SegmentKey,
    signal: AbortSignal,
  ): Promise<LiveSegment | undefined> {
    if (key.by === 'time') return track.findBy(key.writer, 'baseTime', key.time);
    const { writer, number } = key;
    const last = track.last;
    // While the publisher is away players count on by the clock, and dash.js seeks to where the camera would be by now. To refuse that
    // would end the playback there; once it comes, its media time says where it belongs.
    const told = (): boolean => this.#periods.get(camera)?.tells(writer, number, camera.now) ?? false;
    if (
      last &&
      last.writer === writer &&
      !track.ended &&
      (number === last.number + 1 || (number > last.number && told()))
    ) {
      const came = (): boolean => track.last!.number >= number || track.ended;
      await camera.wait(came, 3 * track.targetDuration * 1000, signal);
    }
    return track.findBy(writer, 'number', number);
  }

  /** The time by which players reckon with this camera, epoch ms. */
  #now(cameraId: string): number {
    return this.#options.camera(cameraId)?.now ?? this.#options.clock.now();
  }

  #send(camera: LiveCamera, track: LiveTrack, segment: LiveSegment, signal: AbortSignal): HttpResponse {
    if (segment.complete && segment.parts.every(({ data }) => data)) {
      return mediaAnswer(track.kind, Buffer.concat(segment.data()));
    }
    return mediaAnswer(track.kind, streamSegment(camera, segment, 3 * track.targetDuration * 1000, signal));
  }
}

const unknownMedia = (name: string) => refusal('MEDIA_UNKNOWN', `"${name}" is not kept, or never was.`);

/** Whoever waits stops waiting when the client is gone or may no longer watch. */
const signalOf = (request: HttpRequest, session: Session): AbortSignal =>
  AbortSignal.any([request.signal, session.signal]);
