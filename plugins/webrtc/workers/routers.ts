/** Every camera's routers: opened where there is room, found by handle, forgotten with their worker. */
import { EddyError, type CameraId, type RtpHandle } from 'eddy/plugin';
import type { types } from 'mediasoup';
import { CameraRouter } from './camera-router.ts';
import { place } from './placement.ts';
import type { WorkerPool } from './pool.ts';
import type { SfuWorker } from './sfu-worker.ts';

/** A router that is held open. */
export interface Lease {
  readonly router: CameraRouter;
  readonly release: () => void;
}

/** See the file's head. */
export class Routers {
  readonly #pool: WorkerPool;
  readonly #full: number;
  /** In the order of their opening: the first one is where publishers go. */
  readonly #cameras = new Map<CameraId, CameraRouter[]>();

  constructor(pool: WorkerPool, full: number) {
    this.#pool = pool;
    this.#full = full;
  }

  /** Rejects with WEBRTC_WORKERS_DOWN. */
  async lease(cameraId: CameraId, role: 'publisher' | 'viewer'): Promise<Lease> {
    // Once more where the chosen worker died while its router was being opened.
    for (let attempt = 1; ; attempt++) {
      const router = this.#place(cameraId, role, await this.#pool.ready());
      try {
        return { router, release: await router.use() };
      } catch (error) {
        if (router.worker.alive || attempt === 3)
          throw new EddyError('WEBRTC_WORKERS_DOWN', `no router could be opened: ${(error as Error).message}`, {
            cause: error,
          });
      }
    }
  }

  /** The router that a handle's producer lives on, held open. Rejects with WEBRTC_HANDLE_GONE. */
  async leaseOf(handle: RtpHandle): Promise<Lease & { readonly producer: types.Producer }> {
    const { router, producer } = this.find(handle);
    return { router, producer, release: await router.use() };
  }

  /** The producer of a handle. Throws WEBRTC_HANDLE_GONE. */
  find(handle: RtpHandle): { readonly router: CameraRouter; readonly producer: types.Producer } {
    for (const router of this.all()) {
      if (!router.opened || router.id !== handle.routerId) continue;
      const producer = router.producers.get(handle.producerId);
      if (producer) return { router, producer };
    }
    throw new EddyError('WEBRTC_HANDLE_GONE', `the stream ${handle.producerId} has ended`);
  }

  *all(): IterableIterator<CameraRouter> {
    for (const routers of this.#cameras.values()) yield* routers;
  }

  /** Forgets the routers of a worker that has died. */
  forget(worker: SfuWorker): void {
    for (const router of [...this.all()]) if (router.worker === worker) this.#remove(router);
  }

  /** Closes what is left, at the end of the service. */
  close(): void {
    for (const router of [...this.all()]) router.close();
    this.#cameras.clear();
  }

  #place(cameraId: CameraId, role: 'publisher' | 'viewer', workers: readonly SfuWorker[]): CameraRouter {
    const routers = this.#cameras.get(cameraId) ?? [];
    const used = routers.map(({ worker }) => worker).filter((worker) => worker.alive);
    const worker = place({ role, used, workers, full: this.#full });
    const found = routers.find((router) => router.worker === worker);
    if (found) return found;
    const router: CameraRouter = new CameraRouter(cameraId, worker, () => this.#remove(router));
    this.#cameras.set(cameraId, [...routers, router]);
    return router;
  }

  #remove(router: CameraRouter): void {
    const left = this.#cameras.get(router.cameraId)?.filter((other) => other !== router) ?? [];
    if (left.length > 0) this.#cameras.set(router.cameraId, left);
    else this.#cameras.delete(router.cameraId);
  }
}
