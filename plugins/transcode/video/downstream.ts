/** Whether those who read a ladder's rungs keep up: rungs that fill their links get fewer bits for a while. */
import { Ease } from './ease.ts';
import type { LadderPlan } from './plan.ts';
import type { PlannedRung } from './rungs.ts';

/** What it needs of its ladder. */
export interface DownstreamSurroundings {
  readonly plan: LadderPlan;
  /** How full the fullest link of a rung is, 0 to 1 and more. */
  readonly pressureOf: (rung: PlannedRung) => number;
  /** The plan has another bit rate for the rung: from what to what, bits a second. */
  readonly changed: (rung: PlannedRung, before: number, now: number) => void;
}

/** See the file's head: call {@link Downstream.look} every second while rungs are made. */
export class Downstream {
  readonly #around: DownstreamSurroundings;
  readonly #eases = new Map<PlannedRung, Ease>();

  constructor(around: DownstreamSurroundings) {
    this.#around = around;
  }

  look(): void {
    const { plan, pressureOf, changed } = this.#around;
    for (const rung of plan.toMake) {
      const ease = this.#eases.get(rung) ?? new Ease();
      this.#eases.set(rung, ease);
      if (!ease.look(pressureOf(rung))) continue;
      const before = plan.bitrateOf(rung);
      plan.ease(rung, ease.share);
      changed(rung, before, plan.bitrateOf(rung));
    }
  }
}
