/**
 * A camera's time never goes back: where the server's clock is set back, new media follows on from what there is, at its
 * own pace, until the clock has caught up. Without this an hour of media would stand at one moment.
 */
import type { SyncClock } from 'eddy/plugin';

/** Less than this many ms is the order of frames, the delay of one track behind another, or the mapping's own slewing. */
const STEP_MS = 10_000;

/** See the file's head. One a camera. */
export class ForwardClock {
  readonly #wrapped = new WeakMap<SyncClock, SyncClock>();
  /** The newest moment given out, epoch ms. */
  #newest: number;
  /** How far what is given out is ahead of the server's clock, ms. */
  #ahead = 0;

  /** `newest`: the end of the camera's media of earlier runs, epoch ms. */
  constructor(newest = -Infinity) {
    this.#newest = newest;
  }

  /** The same clock, never back; the same one for all tracks of a publication, as it is itself. */
  wrap(clock: SyncClock): SyncClock {
    let wrapped = this.#wrapped.get(clock);
    if (!wrapped) {
      wrapped = {
        toWall: (ticks, timescale) => {
          const wall = clock.toWall(ticks, timescale);
          return wall === undefined ? undefined : this.#forward(wall);
        },
        get settled() {
          return clock.settled ?? true;
        },
      };
      this.#wrapped.set(clock, wrapped);
    }
    return wrapped;
  }

  #forward(wall: number): number {
    const step = wall + this.#ahead - this.#newest;
    // Set back: what is given out goes on from the newest. Set ahead again: the lead is used up first.
    if (step < -STEP_MS) this.#ahead -= step;
    else if (step > STEP_MS) this.#ahead = Math.max(0, this.#ahead - step);
    const time = wall + this.#ahead;
    this.#newest = Math.max(this.#newest, time);
    return time;
  }
}
