/** Notices that something which ought to happen again and again has stopped happening. */

/** How many looks a timeout is divided into: a stall is told at most a quarter of the timeout late. */
const LOOKS = 4;

/**
 * Calls back once when `touch` was not called for `timeout` ms. A process whose own loop was held up (a long garbage
 * collection, a laptop's sleep) has not seen what was sent to it: a look that comes late starts the time anew.
 */
export class Watchdog {
  readonly #timeout: number;
  readonly #timer: NodeJS.Timeout;
  #touched = performance.now();
  #looked = performance.now();

  constructor(timeout: number, onStall: () => void) {
    this.#timeout = timeout;
    const period = timeout / LOOKS;
    this.#timer = setInterval(() => {
      const now = performance.now();
      const late = now - this.#looked > 2 * period;
      this.#looked = now;
      if (late) this.#touched = now;
      if (now - this.#touched < this.#timeout) return;
      this.stop();
      onStall();
    }, period);
    this.#timer.unref();
  }

  /** It has happened. */
  touch(): void {
    this.#touched = performance.now();
  }

  /** No more looks; safe to repeat. */
  stop(): void {
    clearInterval(this.#timer);
  }
}
