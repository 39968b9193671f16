/** How a viewer gets in, to its first camera or to the next one: allowed by the engine, then the camera's streams. */
import {
  CAMERA_ID_PATTERN,
  EddyError,
  type CameraId,
  type Context,
  type Credentials,
  type HttpRequest,
  type Peer,
  type Session,
} from 'eddy/plugin';
import { withStatus, type Refusals } from '../shared/gateway/refusal.ts';
import { hasMid, takeForWatching, type TakenMedia } from '../shared/sdp/negotiate.ts';
import { parseOffer } from '../shared/sdp/offer.ts';
import type { LiveCamera, LiveCameras } from './live-camera.ts';
import type { manifest } from './plugin.ts';
import type { Qualities } from './quality.ts';
import { Viewer } from './viewer.ts';
import type { ViewerEnd, ViewerOptions } from './viewer-options.ts';

/** A camera that is live may still have to be woken: packetizers and transcoders begin when somebody watches, ms. */
const WAKE = 3000;
/** A camera whose announced streams do not all come is shown without them, ms. */
const STRAGGLERS = 500;
/** A camera tells of its sound and its pictures as each arrives: within this time of its start, ms. */
const NEWCOMER = 1000;

type Kind = TakenMedia['kind'];

/** What joining needs of the gateway. */
export interface JoiningHost {
  readonly cameras: LiveCameras;
  readonly qualities: Qualities;
  readonly refusals: Refusals;
  readonly latency: ViewerOptions['latency'];
  readonly joined: (viewer: Viewer) => void;
  readonly onEnd: (viewer: Viewer, reason: ViewerEnd) => void;
  readonly count: () => number;
}

/** Who asks. */
export interface Asker {
  readonly credentials: Credentials;
  readonly peer: Peer;
  /** Aborted when the asker is gone. */
  readonly signal: AbortSignal;
  /** How long it waits for a camera that nobody publishes, ms; undefined: as configured. */
  readonly wait?: number | undefined;
  /** The session that it leaves. */
  readonly replaces?: Session['id'];
}

/** See the file's head. */
export class Joining {
  readonly #ctx: Context<typeof manifest>;
  readonly #host: JoiningHost;
  #opening = 0;

  constructor(ctx: Context<typeof manifest>, host: JoiningHost) {
    this.#ctx = ctx;
    this.#host = host;
  }

  get refusals(): Refusals {
    return this.#host.refusals;
  }

  /** A new session. Rejects with everything that may stand in its way. */
  async join(request: HttpRequest, sdp: string, asker: Asker): Promise<Viewer> {
    const { refusals, count } = this.#host;
    if (count() + this.#opening >= this.#ctx.config.sessions)
      throw refusals.of('TOO_MANY', 'There are as many viewers as this server takes.', { retryAfter: 10, status: 503 });
    this.#opening += 1;
    try {
      return await this.#join(request, sdp, asker);
    } finally {
      this.#opening -= 1;
    }
  }

  /** Shows another camera in a session. */
  async switch(viewer: Viewer, cameraId: string, asker: Asker): Promise<void> {
    const replaces = viewer.session.id;
    await this.#admitted(cameraId, { ...asker, replaces }, [], (camera, session) => viewer.switchTo(camera, session));
  }

  /** Whether a camera may be watched and is live now; rejects as `join` does. */
  async probe(cameraId: CameraId, { credentials, peer }: Asker): Promise<void> {
    await this.#known(() => this.#ctx.sessions.check({ cameraId, action: 'watch', credentials, peer }));
    if (this.#ctx.cameras.get(cameraId)?.state !== 'live') throw this.#away(cameraId);
  }

  async #join(request: HttpRequest, sdp: string, asker: Asker): Promise<Viewer> {
    const { refusals } = this.#host;
    const { routers } = this.#ctx.services;
    let offer, media;
    try {
      offer = parseOffer(sdp);
      media = takeForWatching(offer, await routers.capabilities());
    } catch (error) {
      throw refusals.ofSdp(error);
    }
    const bound = media.filter((line) => !hasMid(line)).map(({ kind }) => kind);
    return this.#admitted(request.params.camera, asker, bound, async (camera, session) => {
      const { clock, log, config } = this.#ctx;
      const viewer = await Viewer.start({
        routers,
        clock,
        log,
        refusals,
        session,
        camera,
        qualities: this.#host.qualities,
        offer,
        media,
        request,
        latency: this.#host.latency,
        maxBitrate: capOf(request, config['max-bitrate']),
        onEnd: (ended, reason) => this.#host.onEnd(ended, reason),
      });
      if (viewer.ended) throw viewer.reason;
      // Whoever hung up does not know its session's address, and could never end it.
      if (asker.signal.aborted) viewer.end('closed');
      else this.#host.joined(viewer);
      return viewer;
    });
  }

  /**
   * Has the engine's word and the camera's streams for `use`; the session ends where that fails. `bound`: kinds of media whose
   * streams cannot be told of later.
   */
  async #admitted<T>(
    cameraId: string,
    asker: Asker,
    bound: readonly Kind[],
    use: (camera: LiveCamera, session: Session) => Promise<T>,
  ): Promise<T> {
    const session = await this.#open(cameraId, asker);
    const camera = this.#host.cameras.get(session.cameraId);
    const release = camera.hold();
    try {
      const signal = AbortSignal.any([asker.signal, session.signal]);
      const once = async (): Promise<T> => {
        await this.#streams(camera, asker.wait ?? this.#ctx.config.wait, bound, signal);
        session.signal.throwIfAborted();
        return use(camera, session);
      };
      // The stream may end in this very moment, with its SFU worker: then the camera's next one is waited for.
      return await once().catch((error: unknown) => {
        if (isGone(error)) return once();
        throw error;
      });
    } catch (error) {
      session.end();
      throw withStatus(error);
    } finally {
      release();
    }
  }

  async #open(cameraId: string, asker: Asker): Promise<Session> {
    const { credentials, peer, signal, replaces, wait = this.#ctx.config.wait } = asker;
    const place = replaces === undefined ? {} : { replaces };
    const ask = () => this.#ctx.sessions.open({ cameraId, action: 'watch', credentials, peer, ...place });
    try {
      return await this.#known(ask);
    } catch (error) {
      const unknown = error instanceof EddyError && error.code === 'CAMERA_UNKNOWN';
      if (!unknown || wait === 0 || !(await this.#appears(cameraId, wait, signal))) throw error;
      return this.#known(ask);
    }
  }

  /** A camera that has never been published is away like any other: players try again. */
  async #known<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof EddyError) || error.code !== 'CAMERA_UNKNOWN') throw error;
      throw new EddyError(error.code, error.message, { details: { status: 409, retryAfter: 2 } });
    }
  }

  /** Waits for a camera's first publication, at most as long as viewers are to wait. */
  async #appears(cameraId: string, wait: number, signal: AbortSignal): Promise<boolean> {
    const { events, clock } = this.#ctx;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const cancel = clock.after(wait, () => resolve(false));
    const forget = events.on((event) => {
      if (event.type === 'camera.live' && event.cameraId === cameraId) resolve(true);
    });
    const onAbort = (): void => resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    const appeared = await promise;
    cancel();
    forget();
    signal.removeEventListener('abort', onAbort);
    return appeared;
  }

  async #streams(camera: LiveCamera, wait: number, bound: readonly Kind[], signal: AbortSignal): Promise<void> {
    const { cameraId } = camera;
    const live = this.#ctx.cameras.get(cameraId)?.state === 'live';
    const some = (each: LiveCamera): boolean => (each.handle('video') ?? each.handle('audio')) !== undefined;
    const patience = Math.max(live ? WAKE : 0, wait);
    // What cannot come this way is told at once; waiting would not help.
    const refused = live && !camera.live ? this.#whyNot(cameraId) : undefined;
    if (refused !== undefined) throw this.#notOffered(cameraId, refused);
    if (!(await camera.until(some, patience, signal))) {
      const why = this.#whyNot(cameraId);
      throw why === undefined ? this.#away(cameraId) : this.#notOffered(cameraId, why);
    }
    await camera.until(({ ready }) => ready, STRAGGLERS, signal);
    await this.#bindable(camera, bound, signal);
  }

  /** Waits for the streams that a client could not be told of later: of a camera that has just come, or a stage on demand. */
  async #bindable(camera: LiveCamera, bound: readonly Kind[], signal: AbortSignal): Promise<void> {
    const { clock, cameras } = this.#ctx;
    const whole = (each: LiveCamera): boolean => bound.every((kind) => each.handle(kind));
    const age = clock.now() - (cameras.get(camera.cameraId)?.since ?? 0);
    await camera.until(whole, NEWCOMER - Math.max(0, age), signal);
    const made = bound.filter((kind) => this.#isMade(camera.cameraId, kind));
    await camera.until((each) => made.every((kind) => each.handle(kind)), WAKE, signal);
  }

  /** True where the camera has media of the kind that some link carries. */
  #isMade(cameraId: CameraId, kind: Kind): boolean {
    const tracks = this.#ctx.cameras.get(cameraId)?.tracks ?? [];
    return tracks.some(({ caps, links }) => caps['kind'] === kind && links.some(({ active }) => active));
  }

  /** Why a live camera's streams do not come this way, as the engine tells it of its links. */
  #whyNot(cameraId: CameraId): string | undefined {
    const tracks = this.#ctx.cameras.get(cameraId)?.tracks ?? [];
    const refusals = tracks.flatMap(({ track, links }) =>
      links.flatMap(({ active, code, reason, mend }) =>
        !active && code !== undefined ? [`${track}: ${[reason, mend].filter(Boolean).join('; ')}`] : [],
      ),
    );
    return refusals.length > 0 ? [...new Set(refusals)].join('. ') : undefined;
  }

  #notOffered(cameraId: CameraId, why: string): EddyError {
    return this.#host.refusals.own('NOT_OFFERED', 409, `"${cameraId}" is live, but not by WebRTC: ${why}.`);
  }

  #away(cameraId: CameraId): EddyError {
    return new EddyError('CAMERA_AWAY', `"${cameraId}" is known, but nobody publishes it now.`, {
      details: { status: 409, retryAfter: 2 },
    });
  }
}

/** `?maxBitrate=` in bits a second, below what the configuration says. */
function capOf(request: HttpRequest, configured: number | undefined): number | undefined {
  const asked = Number(request.query.get('maxBitrate') ?? NaN);
  if (!(asked >= 30_000 && asked <= 1e9)) return configured;
  return Math.round(Math.min(asked, configured ?? asked));
}

const isGone = (error: unknown): boolean => error instanceof EddyError && error.code === 'WEBRTC_HANDLE_GONE';

/** As JSON bodies name a camera. */
export const isCameraName = (value: unknown): value is string =>
  typeof value === 'string' && new RegExp(`^${CAMERA_ID_PATTERN}$`).test(value);
