/** `supervise:`: when to start again after a failure, and when to give up. */
import type { SupervisePolicy } from '../graph/checked.ts';
import type { Clock } from '../plugin/index.ts';
import { delayAfter } from '../process/backoff.ts';

/** Counts the failures of a node, or of a camera's part of it; calm for as long as the limit's window forgets them. */
export class RestartRule {
  readonly #clock: Clock;
  #failures: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Takes note of a failure: ms to wait before the restart, or undefined where the policy gives up. */
  next({ restart, backoff, max }: SupervisePolicy): number | undefined {
    const now = this.#clock.monotonic();
    this.#failures = this.#failures.filter((at) => now - at < max.within);
    this.#failures.push(now);
    if (restart === 'never' || this.#failures.length > max.count) return undefined;
    return delayAfter(this.#failures.length, backoff);
  }
}
