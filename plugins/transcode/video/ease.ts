/**
 * What those who read a rung keep up with: while its link fills, its bit rate goes down step by step, and comes back step by step once the link has been
 * empty for a while. Like a sender on a line of unknown width: down at once, up with patience, and with more of it where up was wrong.
 */

/** A link that holds more than this share of its queue is falling behind; less than that, it keeps up. */
const FULL = 0.5;
const EMPTY = 0.1;
/** Looks in a row at which it was full, before the rate goes down; looks until that shows. */
const PATIENCE = 2;
const SETTLE = 3;
/** Each step down leaves so much of the rate; less than the last is of no use to anyone. */
const STEP = 0.7;
const LEAST = 0.3;
/** Empty looks until a step up: the first time, and at most; and how many at the whole rate make up for what went wrong. */
const BACK = { first: 10, most: 160, forgiven: 60 } as const;

/** See the file's head: call {@link Ease.look} every second. */
export class Ease {
  #share = 1;
  #full = 0;
  #empty = 0;
  #settling = 0;
  #wait: number = BACK.first;
  #steppedUp = false;

  /** Of the planned bit rate. */
  get share(): number {
    return this.#share;
  }

  /** `pressure`: how full the link is, 0 to 1 and more. True where the share has changed. */
  look(pressure: number): boolean {
    this.#full = pressure >= FULL ? this.#full + 1 : 0;
    this.#empty = pressure <= EMPTY ? this.#empty + 1 : 0;
    this.#settling = Math.max(0, this.#settling - 1);
    if (this.#settling > 0) return false;
    if (this.#full >= PATIENCE) return this.#down();
    if (this.#share === 1 && this.#empty === BACK.forgiven) {
      this.#wait = BACK.first;
      this.#steppedUp = false;
    }
    return this.#share < 1 && this.#empty >= this.#wait && this.#become(Math.min(1, this.#share / STEP), true);
  }

  #down(): boolean {
    if (this.#steppedUp) this.#wait = Math.min(BACK.most, this.#wait * 2);
    return this.#become(Math.max(LEAST, this.#share * STEP), false);
  }

  #become(share: number, steppedUp: boolean): boolean {
    const changed = share !== this.#share;
    this.#share = share;
    this.#steppedUp = steppedUp;
    this.#full = this.#empty = 0;
    this.#settling = SETTLE;
    return changed;
  }
}
