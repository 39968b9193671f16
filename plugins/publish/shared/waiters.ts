/** Requests that wait for something to come true. */
import type { Clock } from 'eddy/plugin';

interface Waiter {
  readonly holds: () => boolean;
  readonly settle: (held: boolean) => void;
}

export class Waiters {
  readonly #clock: Clock;
  readonly #waiting = new Set<Waiter>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** How many wait now. */
  get size(): number {
    return this.#waiting.size;
  }

  /** Looks at every condition again. */
  notify(): void {
    for (const waiter of this.#waiting) if (waiter.holds()) waiter.settle(true);
  }

  /** True once `holds()` does; false after `timeout` ms, or as soon as the signal aborts. */
  wait(holds: () => boolean, timeout: number, signal?: AbortSignal): Promise<boolean> {
    if (holds()) return Promise.resolve(true);
    if (signal?.aborted) return Promise.resolve(false);
    return new Promise((resolve) => {
      const onAbort = () => waiter.settle(false);
      const cancel = this.#clock.after(timeout, () => waiter.settle(false));
      const waiter: Waiter = {
        holds,
        settle: (held) => {
          cancel();
          signal?.removeEventListener('abort', onAbort);
          this.#waiting.delete(waiter);
          resolve(held);
        },
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(waiter);
    });
  }
}
