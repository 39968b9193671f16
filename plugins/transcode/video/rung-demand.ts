/** Which rungs of a ladder nobody wants: told after a grace time, so that viewers who come and go do not cost a start each time. */
import type { Clock } from 'eddy/plugin';

/** A rung that nobody wants is made for so long, in ms: a few GOPs. */
export const RUNG_UNWANTED_MS = 10_000;

/** See the file's head. */
export class RungDemand<Rung> {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #changed: (rung: Rung, wanted: boolean) => void;
  /** Of those that are still made. */
  readonly #graces = new Map<Rung, () => void>();
  readonly #unwanted: Set<Rung>;

  /** Keeps `unwanted`: rungs that are to be made no longer. `changed` is told of each that goes in or out. */
  constructor(clock: Pick<Clock, 'after'>, unwanted: Set<Rung>, changed: (rung: Rung, wanted: boolean) => void) {
    this.#clock = clock;
    this.#unwanted = unwanted;
    this.#changed = changed;
  }

  /** Somebody wants it, or nobody does any more. */
  set(rung: Rung, wanted: boolean): void {
    this.#graces.get(rung)?.();
    this.#graces.delete(rung);
    if (wanted) {
      if (this.#unwanted.delete(rung)) this.#changed(rung, true);
    } else if (!this.#unwanted.has(rung)) {
      const told = (): void => {
        this.#graces.delete(rung);
        this.#unwanted.add(rung);
        this.#changed(rung, false);
      };
      this.#graces.set(rung, this.#clock.after(RUNG_UNWANTED_MS, told));
    }
  }

  /** There is nothing to want or not to want any more. */
  forget(rung: Rung): void {
    this.#graces.get(rung)?.();
    this.#graces.delete(rung);
    if (this.#unwanted.delete(rung)) this.#changed(rung, true);
  }

  stop(): void {
    for (const cancel of this.#graces.values()) cancel();
    this.#graces.clear();
  }
}
