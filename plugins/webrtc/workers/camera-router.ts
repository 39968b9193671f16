/** One router: a camera's place on one worker. It closes with the last thing that uses it. */
import type { types } from 'mediasoup';
import { EddyError, type CameraId } from 'eddy/plugin';
import { MEDIA_CODECS } from './codecs.ts';
import type { SfuWorker } from './sfu-worker.ts';

/** Why something on a router ended by itself. */
export type RouterEnd = 'closed' | 'worker-died';

/** What a router carries, for `describe()`. */
export interface RouterCounts {
  transports: number;
  producers: number;
  consumers: number;
  piped: number;
}

/** See the file's head. */
export class CameraRouter {
  readonly cameraId: CameraId;
  readonly worker: SfuWorker;
  readonly counts: RouterCounts = { transports: 0, producers: 0, consumers: 0, piped: 0 };
  /** The producers that live here; those that are piped in are not among them. */
  readonly producers = new Map<string, types.Producer>();
  readonly #opening: Promise<types.Router>;
  readonly #onUnused: () => void;
  #router: types.Router | undefined;
  #uses = 0;
  #closed = false;

  constructor(cameraId: CameraId, worker: SfuWorker, onUnused: () => void) {
    this.cameraId = cameraId;
    this.worker = worker;
    this.#onUnused = onUnused;
    this.#opening = worker.process.createRouter({ mediaCodecs: [...MEDIA_CODECS] });
    this.#opening.then(
      (router) => {
        this.#router = router;
        // Whoever opened it has left meanwhile.
        if (this.#closed) router.close();
      },
      () => undefined,
    );
  }

  /** Only after {@link use} has settled. */
  get id(): string {
    return this.router.id;
  }

  get router(): types.Router {
    if (!this.#router) throw new EddyError('INTERNAL', 'the router has not been opened');
    return this.#router;
  }

  get opened(): boolean {
    return this.#router !== undefined;
  }

  /** Why whatever lived here has ended, once it has. */
  get end(): RouterEnd {
    return this.worker.died ? 'worker-died' : 'closed';
  }

  /** Holds the router open until the returned function is called. Counts at once, settles when the router is there. */
  async use(): Promise<() => void> {
    this.#uses++;
    try {
      await this.#opening;
    } catch (error) {
      this.#release();
      throw error;
    }
    let released = false;
    return () => {
      if (!released) this.#release();
      released = true;
    };
  }

  /** Safe to repeat; with the worker it has closed already. */
  close(): void {
    this.#closed = true;
    this.#router?.close();
  }

  #release(): void {
    if (--this.#uses > 0 || this.#closed) return;
    this.close();
    this.#onUnused();
  }
}
