/** When to try again after a failure, and when to give up. */
import type { SupervisePolicy } from '../graph/checked.ts';
import type { Clock } from '../plugin/index.ts';

/** Doubles the wait from one failure to the next; calm for as long as the limit's window resets it. */
export class Backoff {
  readonly #policy: SupervisePolicy;
  readonly #clock: Clock;
  #failures: number[] = [];

  constructor(policy: SupervisePolicy, clock: Clock) {
    this.#policy = policy;
    this.#clock = clock;
  }

  /** Takes note of a failure: ms to wait before the restart, or undefined where the policy gives up. */
  next(): number | undefined {
    const { restart, backoff, max } = this.#policy;
    const now = this.#clock.monotonic();
    this.#failures = this.#failures.filter((at) => now - at < max.within);
    this.#failures.push(now);
    if (restart === 'never' || this.#failures.length > max.count) return undefined;
    return Math.min(backoff.max, backoff.min * 2 ** (this.#failures.length - 1));
  }
}
