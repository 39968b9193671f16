/**
 * Time by which the past is deleted. A wall clock that steps an hour ahead must not delete an hour too early: this one
 * follows a step ahead at twice the pace of time, and a step back at once, which deletes nothing; back to a time that it had
 * before, it goes at once too.
 */
import type { Clock } from 'eddy/plugin';

/** A wall clock that is off by more than this many ms has stepped; less is slewed, or the resolution of timers. */
const STEP_MS = 30_000;

export class SteadyClock {
  readonly #clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly #onStep: (ms: number) => void;
  #time: number;
  #at: number;
  #offset: number;
  /** The most that this clock was ever ahead of monotonic time, ms. */
  #furthest: number;
  #stepped = false;

  /** `onStep` is told once a step by how many ms the wall clock went; 0 once the two agree again. */
  constructor(clock: Pick<Clock, 'now' | 'monotonic'>, onStep: (ms: number) => void) {
    this.#clock = clock;
    this.#onStep = onStep;
    this.#time = clock.now();
    this.#at = clock.monotonic();
    this.#offset = this.#furthest = this.#time - this.#at;
  }

  /** True until this clock has caught up with a step. */
  get stepped(): boolean {
    return this.#stepped;
  }

  /** Epoch ms. Ask regularly: a step is found by asking. */
  now(): number {
    const wall = this.#clock.now();
    const monotonic = this.#clock.monotonic();
    const offset = wall - monotonic;
    const step = offset - this.#offset;
    this.#offset = offset;
    const elapsed = monotonic - this.#at;
    this.#at = monotonic;
    const ahead = wall - Math.max(this.#time + elapsed, this.#furthest + monotonic);
    this.#time = ahead > STEP_MS ? this.#time + 2 * elapsed : wall;
    this.#furthest = Math.max(this.#furthest, this.#time - monotonic);
    const behind = wall - this.#time > STEP_MS;
    if (Math.abs(step) > STEP_MS) this.#onStep(step);
    else if (this.#stepped && !behind) this.#onStep(0);
    // A step back is over at once: the past is kept by the new time.
    this.#stepped = behind || Math.abs(step) > STEP_MS;
    return this.#time;
  }
}
