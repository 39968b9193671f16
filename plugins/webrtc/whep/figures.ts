/** How viewers fare, for the sessions API: bit rate, loss, round trip. */
import type { Clock } from 'eddy/plugin';
import type { Viewer } from './viewer.ts';

/** Each viewer's figures cost a request to its worker. */
const EVERY = 5000;

/** See the file's head. */
export class Figures {
  readonly #clock: Pick<Clock, 'every' | 'monotonic'>;

  constructor(clock: Pick<Clock, 'every' | 'monotonic'>) {
    this.#clock = clock;
  }

  /** Keeps a viewer's figures up to date until it ends. */
  follow(viewer: Viewer): void {
    let before = { bytes: 0, at: this.#clock.monotonic() };
    let busy = false;
    const look = async (): Promise<void> => {
      if (busy) return;
      busy = true;
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
      } finally {
        busy = false;
      }
    };
    const cancel = this.#clock.every(EVERY, () => void look());
    viewer.signal.addEventListener('abort', cancel, { once: true });
    if (viewer.ended) cancel();
  }
}
