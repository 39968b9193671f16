/** How viewers fare, for the sessions API: bit rate, loss, round trip. */
import type { Clock } from 'eddy/plugin';
import type { Viewer } from './viewer.ts';

/** How old a viewer's figures are at most while there are few, ms. */
const EVERY = 5000;
/**
 * Each viewer's figures cost its worker and this process a request or two, which are better spent on pictures: with many viewers
 * each is looked at more seldom, so that there are at most 10 looks a second in all. ms.
 */
const APART = 100;

/** See the file's head. */
export class Figures {
  readonly #clock: Pick<Clock, 'after' | 'monotonic'>;
  #followed = 0;

  constructor(clock: Pick<Clock, 'after' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** Keeps a viewer's figures up to date until it ends. */
  follow(viewer: Viewer): void {
    let before = { bytes: 0, at: this.#clock.monotonic() };
    const look = async (): Promise<void> => {
      try {
        const { bytesOut, lossOut, roundTrip, availableOutgoingBitrate, remote } = await viewer.transport.stats();
        const at = this.#clock.monotonic();
        const bitrate = at > before.at ? Math.round(((bytesOut - before.bytes) * 8000) / (at - before.at)) : undefined;
        before = { bytes: bytesOut, at };
        if (viewer.ended) return;
        viewer.session.update({
          bitrate,
          loss: lossOut,
          roundTrip,
          availableBitrate: availableOutgoingBitrate && Math.round(availableOutgoingBitrate),
          remote,
        });
        viewer.events.tell('viewercount', { viewercount: viewer.camera.viewers });
        await viewer.tellLayers();
      } catch {
        // The transport has closed: its end is told elsewhere.
      }
      // After the answer: a worker that is busy is not asked more often than it answers.
      if (!viewer.ended) wait();
    };
    let cancel = (): void => undefined;
    const wait = (): void => {
      cancel = this.#clock.after(Math.max(EVERY, this.#followed * APART), () => void look());
    };
    if (viewer.ended) return;
    this.#followed += 1;
    const leave = (): void => {
      this.#followed -= 1;
      cancel();
    };
    viewer.signal.addEventListener('abort', leave, { once: true });
    wait();
  }
}
