/** What taps and feeds have in common: a DirectTransport of their own on a router that they hold open. */
import type { types } from 'mediasoup';
import { EddyError, type Logger } from 'eddy/plugin';
import type { CameraRouter } from './camera-router.ts';
import { failure } from './failure.ts';
import { Listeners } from './listeners.ts';
import type { Lease } from './routers.ts';

/** A tap's or feed's place on its router; `Cause` is why it may have ended. */
export class DirectEnd<Cause extends string> {
  readonly router: CameraRouter;
  readonly transport: types.DirectTransport;
  readonly log: Logger;
  readonly #listeners: Listeners<Cause | 'closed' | 'worker-died'>;
  readonly #release: () => void;
  #cause: Cause | 'closed' | 'worker-died' | undefined;

  private constructor({ router, release }: Lease, transport: types.DirectTransport, log: Logger) {
    this.router = router;
    this.transport = transport;
    this.log = log;
    this.#listeners = new Listeners(log);
    const put = router.worker.carry({ weight: 1 });
    this.#release = () => {
      put();
      release();
    };
    transport.observer.once('close', () => this.end(router.end));
  }

  /** Opens the transport and lets `build` make what goes over it; leaves nothing behind where either fails. */
  static async open<Cause extends string, T>(
    lease: Lease,
    log: Logger,
    what: string,
    build: (end: DirectEnd<Cause>) => Promise<T>,
  ): Promise<T> {
    let end: DirectEnd<Cause> | undefined;
    try {
      end = new DirectEnd<Cause>(lease, await lease.router.router.createDirectTransport(), log);
      const built = await build(end);
      if (end.ended) throw new EddyError('WEBRTC_WORKERS_DOWN', `${what}: the SFU worker died meanwhile`);
      return built;
    } catch (error) {
      const died = !lease.router.worker.alive;
      if (end) end.end('closed');
      else lease.release();
      if (died) throw new EddyError('WEBRTC_WORKERS_DOWN', `${what}: the SFU worker died meanwhile`, { cause: error });
      throw failure(error, what, false);
    }
  }

  get ended(): boolean {
    return this.#cause !== undefined;
  }

  /** The first cause counts. Safe to repeat. */
  end(cause: Cause | 'closed' | 'worker-died'): void {
    if (this.#cause !== undefined) return;
    this.#cause = cause;
    this.transport.close();
    this.#release();
    this.#listeners.tell(cause);
    this.#listeners.clear();
  }

  onEnd(listener: (cause: Cause | 'closed' | 'worker-died') => void): () => void {
    if (this.#cause === undefined) return this.#listeners.add(listener);
    listener(this.#cause);
    return () => undefined;
  }
}
