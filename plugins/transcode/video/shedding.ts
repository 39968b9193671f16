/**
 * What to do when the machine is full: the ladder with the lowest priority loses its most expensive rung before anything queues up, one at
 * a time, and has it back when there is room again. A rung that had to go again soon after waits twice as long the next time.
 */

/** Looks a second. */
export const LOOK_MS = 1000;
/** A ladder that holds more than this share of what it may is late. */
const LATE = 0.6;
/** Looks in a row at which some ladder was late, before a rung goes. */
const PATIENCE = 2;
/** Looks after a rung went before another may: what that one gave back has to show first. */
const SETTLE = 4;
/** The machine's idle share that a rung wants to come back, and for how many looks. */
const IDLE_SHARE = 0.35;
const IDLE_LOOKS = 10;
/** The shortest and longest time until a rung comes back, in looks; and how soon is too soon. */
const BACK = { first: 20, most: 600, tooSoon: 60 } as const;

/** A ladder as shedding sees it. */
export interface Sheddable {
  /** The lowest goes first; of equals the newest. */
  readonly priority: number;
  /** What it holds of what it may, 0 to 1 and more. */
  readonly fullness: number;
  /** Takes out its most expensive rung; false where it has none that can go. */
  shed(): boolean;
  /** Puts the rung back that went last; false where none is out. */
  restore(): boolean;
  /** How many are out. */
  readonly out: number;
}

/** See the file's head: call {@link Shedding.look} every {@link LOOK_MS}. */
export class Shedding {
  /** The oldest first. */
  readonly #ladders: Sheddable[] = [];
  #late = 0;
  #idle = 0;
  #settling = 0;
  /** Looks since a rung came back, and since one went. */
  #sinceBack = Infinity;
  #sinceGone = Infinity;
  #wait: number = BACK.first;

  add(ladder: Sheddable): () => void {
    this.#ladders.push(ladder);
    return () => {
      const at = this.#ladders.indexOf(ladder);
      if (at >= 0) this.#ladders.splice(at, 1);
    };
  }

  /** `idle`: the share of the machine's processors that had nothing to do since the last look. */
  look(idle: number): void {
    this.#sinceBack += 1;
    this.#sinceGone += 1;
    this.#settling = Math.max(0, this.#settling - 1);
    const isLate = this.#ladders.some(({ fullness }) => fullness > LATE);
    this.#late = isLate ? this.#late + 1 : 0;
    this.#idle = !isLate && idle >= IDLE_SHARE ? this.#idle + 1 : 0;
    // The one that came back has stayed.
    if (this.#sinceBack === BACK.tooSoon) this.#wait = BACK.first;
    if (this.#settling > 0) return;
    if (this.#late >= PATIENCE) this.#shed();
    else if (this.#idle >= IDLE_LOOKS && this.#sinceGone >= this.#wait) this.#restore();
  }

  #shed(): void {
    const byNeed = this.#ladders.map((ladder, age) => ({ ladder, age }));
    byNeed.sort((a, b) => a.ladder.priority - b.ladder.priority || b.age - a.age);
    if (!byNeed.some(({ ladder }) => ladder.shed())) return;
    if (this.#sinceBack < BACK.tooSoon) this.#wait = Math.min(BACK.most, this.#wait * 2);
    this.#sinceGone = 0;
    this.#changed();
  }

  #restore(): void {
    const byNeed = this.#ladders.filter(({ out }) => out > 0).toSorted((a, b) => b.priority - a.priority);
    if (!byNeed.some((ladder) => ladder.restore())) return;
    this.#sinceBack = 0;
    this.#changed();
  }

  #changed(): void {
    this.#late = 0;
    this.#idle = 0;
    this.#settling = SETTLE;
  }
}
