/** Cameras as viewers see them: what they send now, and who waits for it. */
import type { CameraId, Clock, FlowInput, InputTrack, RtpHandle, TrackReader } from 'eddy/plugin';

/** How long a camera that nobody watches is kept awake, ms: players that reconnect find it running. */
const KEEP_AWAKE = 10_000;

type Track = InputTrack<'rtp'>;

/** One camera's streams. It outlives its flow while viewers hold it, so that they stay when it comes back. */
export class LiveCamera {
  readonly cameraId: CameraId;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #onUnused: () => void;
  readonly #tracks = new Map<Track, RtpHandle | undefined>();
  readonly #listeners = new Set<() => void>();
  #input: FlowInput<'rtp'> | undefined;
  #holders = 0;
  #cancelSleep: (() => void) | undefined;

  /** `onUnused`: nobody holds it any more and it has no flow. */
  constructor(cameraId: CameraId, clock: Pick<Clock, 'after'>, onUnused: () => void) {
    this.cameraId = cameraId;
    this.#clock = clock;
    this.#onUnused = onUnused;
  }

  /** How many viewers there are. */
  get viewers(): number {
    return this.#holders;
  }

  /** True while something is published that comes this way. */
  get live(): boolean {
    return this.#tracks.size > 0;
  }

  /** True once every stream that is announced can be had. */
  get ready(): boolean {
    return this.live && [...this.#tracks.values()].every((handle) => handle !== undefined);
  }

  /** The stream of a kind; of several the one that came first. */
  handle(kind: 'audio' | 'video'): RtpHandle | undefined {
    for (const [track, handle] of this.#tracks) if (track.caps.kind === kind && handle) return handle;
    return undefined;
  }

  /** A stream turned out to have ended: until its track tells of the next one there is none. */
  forget({ producerId }: RtpHandle): void {
    for (const [track, handle] of this.#tracks)
      if (handle?.producerId === producerId) this.#tracks.set(track, undefined);
  }

  /** Reads a flow's input from now on; the returned function lets go of it. */
  attach(input: FlowInput<'rtp'>): () => void {
    this.#input = input;
    input.want(this.#holders > 0);
    input.onTrack((track) => this.#read(track));
    return () => {
      if (this.#input !== input) return;
      this.#input = undefined;
      this.#tracks.clear();
      this.#changed();
      this.#forgetIfUnused();
    };
  }

  /** Keeps it awake until the returned function is called. */
  hold(): () => void {
    this.#holders += 1;
    this.#cancelSleep?.();
    this.#cancelSleep = undefined;
    this.#input?.want(true);
    let released = false;
    return () => {
      if (released) return;
      released = true;
      this.#holders -= 1;
      if (this.#holders > 0) return;
      if (!this.#input) return this.#forgetIfUnused();
      this.#cancelSleep = this.#clock.after(KEEP_AWAKE, () => this.#input?.want(false));
    };
  }

  /** Calls back at each change of its streams; returns the unsubscribing function. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Settles when `enough` holds, or after `timeout` ms, or when the signal aborts; says whether it holds. */
  async until(enough: (camera: this) => boolean, timeout: number, signal: AbortSignal): Promise<boolean> {
    if (enough(this) || timeout <= 0 || signal.aborted) return enough(this);
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(timeout, resolve);
    const forget = this.onChange(() => {
      if (enough(this)) resolve();
    });
    const onAbort = (): void => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    await promise;
    cancel();
    forget();
    signal.removeEventListener('abort', onAbort);
    return enough(this);
  }

  #read(track: Track): TrackReader<'rtp'> {
    this.#tracks.set(track, undefined);
    this.#changed();
    return {
      item: (handle) => {
        // A link that is wanted again tells how things stand, which is often as before.
        if (!this.#tracks.has(track) || this.#tracks.get(track)?.producerId === handle.producerId) return;
        this.#tracks.set(track, handle);
        this.#changed();
      },
      end: () => {
        if (this.#tracks.delete(track)) this.#changed();
      },
    };
  }

  #forgetIfUnused(): void {
    if (this.#holders === 0 && !this.#input) this.#onUnused();
  }

  #changed(): void {
    for (const listener of [...this.#listeners]) listener();
  }
}

/** All cameras that have a flow or a viewer. */
export class LiveCameras {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #cameras = new Map<CameraId, LiveCamera>();

  constructor(clock: Pick<Clock, 'after'>) {
    this.#clock = clock;
  }

  /** The camera, made where it is new: hold or attach it at once. */
  get(cameraId: CameraId): LiveCamera {
    let camera = this.#cameras.get(cameraId);
    if (!camera) {
      camera = new LiveCamera(cameraId, this.#clock, () => this.#cameras.delete(cameraId));
      this.#cameras.set(cameraId, camera);
    }
    return camera;
  }
}
