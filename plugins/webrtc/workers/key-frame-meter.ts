/** How often publishers were asked for key frames: what a storm of viewers costs everybody who watches. */
import type { types } from 'mediasoup';
import type { Metrics } from 'eddy/plugin';
import type { CameraRouter } from './camera-router.ts';

/** See the file's head. */
export class KeyFrameMeter {
  readonly #counter: ReturnType<Metrics['counter']>;
  /** What the worker has counted by now, by the publisher's SSRC; it goes with its producer. */
  readonly #counted = new WeakMap<types.Producer, Map<number, number>>();
  #reading = false;

  constructor(metrics: Pick<Metrics, 'counter'>) {
    this.#counter = metrics.counter(
      'sfu_publisher_key_frame_requests_total',
      'Key frames asked of publishers (PLI and FIR), by camera and layer.',
    );
  }

  /** Asks the workers; does nothing while the last answers are still awaited. Never rejects. */
  async read(routers: Iterable<CameraRouter>): Promise<void> {
    if (this.#reading) return;
    this.#reading = true;
    const videos = [...routers].flatMap(({ cameraId, producers }) =>
      [...producers.values()].filter(({ kind }) => kind === 'video').map((producer) => ({ cameraId, producer })),
    );
    await Promise.all(videos.map(({ cameraId, producer }) => this.#readOne(cameraId, producer)));
    this.#reading = false;
  }

  async #readOne(camera: string, producer: types.Producer): Promise<void> {
    // A producer that has closed meanwhile has been counted as far as it could.
    const stats = await producer.getStats().catch(() => []);
    const counted = this.#counted.get(producer) ?? new Map<number, number>();
    this.#counted.set(producer, counted);
    for (const { ssrc, rid, pliCount, firCount } of stats) {
      const asked = pliCount + firCount;
      this.#counter.add(asked - (counted.get(ssrc) ?? 0), { camera, layer: rid ?? '' });
      counted.set(ssrc, asked);
    }
  }
}
