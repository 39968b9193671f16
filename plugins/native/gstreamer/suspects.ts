/**
 * Which launches are to be kept apart from others: those that were in children that crashed or hung. One of them may be the
 * cause, the others were just there; halving their company each time finds out which, at a bounded cost to both.
 */

/** Slots of the host that a launch gets after so many failures. */
const COMPANY = [16, 16, 4, 1] as const;
/** A launch without a failure for so long has cleared itself, in ms. */
const CLEARED_MS = 10 * 60_000;
/** A bound for labels that never come back. */
const MAX = 1000;

/** See the file's head. */
export class Suspects {
  readonly #failures = new Map<string, { count: number; at: number }>();
  readonly #now: () => number;

  /** `now`: monotonic ms. */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** How many slots the host of this launch is to have. */
  slotsFor(label: string): number {
    return COMPANY[Math.min(this.#count(label), COMPANY.length - 1)]!;
  }

  /** A child with these launches has crashed, or they hung in one. */
  failed(labels: readonly string[]): void {
    for (const label of labels) this.#note(label, this.#count(label) + 1);
  }

  #count(label: string): number {
    const known = this.#failures.get(label);
    return known && this.#now() - known.at < CLEARED_MS ? known.count : 0;
  }

  #note(label: string, count: number): void {
    this.#failures.delete(label);
    this.#failures.set(label, { count, at: this.#now() });
    if (this.#failures.size > MAX) this.#failures.delete(this.#failures.keys().next().value!);
  }
}
