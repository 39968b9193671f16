/** Events that could not be passed on: counted, and told now and then rather than each. */
import { defineEvents, type Clock } from 'eddy/plugin';

export const lostEvents = defineEvents({
  'events.lost': {
    meaning: 'Events could not be passed on, and never will be.',
    data: {
      count: { type: 'number', doc: 'How many since the last time this was told.' },
      reason: { type: 'string', doc: 'Why: full, old, refused, gone or stopped.' },
    },
  },
});

/** Why events were lost. */
export type LossReason = 'full' | 'old' | 'refused' | 'gone' | 'stopped';

/** Losses are told this often, ms. */
const TELL_EVERY = 10_000;

/** Sums losses up; `tell` is called at the first, and then with the sum every ten seconds while there are more. */
export class Losses {
  readonly #clock: Clock;
  readonly #tell: (count: number, reason: LossReason) => void;
  readonly #untold = new Map<LossReason, number>();
  #waiting = false;

  constructor(clock: Clock, tell: (count: number, reason: LossReason) => void) {
    this.#clock = clock;
    this.#tell = tell;
  }

  add(count: number, reason: LossReason): void {
    this.#untold.set(reason, (this.#untold.get(reason) ?? 0) + count);
    if (!this.#waiting) this.#tellAll();
  }

  #tellAll(): void {
    // Before telling: what is told may be lost as well.
    this.#waiting = true;
    const all = [...this.#untold];
    this.#untold.clear();
    for (const [reason, count] of all) this.#tell(count, reason);
    this.#clock.after(TELL_EVERY, () => {
      this.#waiting = false;
      if (this.#untold.size > 0) this.#tellAll();
    });
  }
}
