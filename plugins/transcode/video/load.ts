/** What one ladder costs, and whether there is room for it: between its plan and the budget that all ladders share. */
import type { VideoCaps } from 'eddy/plugin';
import type { OutputCodec } from './codecs.ts';
import { ladderCost, type LadderCost } from './cost.ts';
import type { Costly, CpuBudget } from './cpu-budget.ts';
import { softwareEncoder, type Encoder, type EncoderSet } from './encoders.ts';
import type { LadderPlan } from './plan.ts';
import type { Config } from './plugin.ts';
import type { PlannedRung } from './rungs.ts';
import type { Runs } from './runs.ts';

/** A host that is slower than this against real time stands: what it takes tells nothing. */
const LEAST_SPEED = 0.2;

/** What it is about. */
export interface LoadSurroundings {
  readonly caps: VideoCaps;
  readonly plan: LadderPlan;
  readonly config: Pick<Config, 'mode' | 'preset' | 'encoder'>;
  readonly budget: CpuBudget;
  readonly runs: Pick<Runs, 'use' | 'encoders'>;
}

/** See the file's head. */
export class LadderLoad implements Costly {
  readonly #around: LoadSurroundings;
  /** Its host runs or starts: it counts among those that take some. */
  #admitted = false;

  constructor(around: LoadSurroundings) {
    this.#around = around;
  }

  get modelled(): number {
    return this.#admitted ? this.#costOf(this.#around.plan.toMake).total : 0;
  }

  get measured(): number | undefined {
    const { cores, speed } = this.#around.runs.use?.usage ?? {};
    // By time of media, not of the clock: a recording that is fed faster, or a full machine, tells the same.
    return cores === undefined || speed === undefined || speed < LEAST_SPEED ? undefined : cores / speed;
  }

  /** A host is about to start. A plan of Eddy's own leaves out what there is no room for: answers with those rungs. */
  admit(encoders: EncoderSet): readonly PlannedRung[] {
    const { plan, budget } = this.#around;
    this.#admitted = true;
    if (!plan.isAuto) return [];
    return plan.fitInto(budget.roomFor(this), (rungs) => budget.here(this.#costOf(rungs, encoders).total));
  }

  /** Nothing runs any more. */
  release(): void {
    this.#admitted = false;
  }

  /** True where the plan may take back a rung: a list is made as it was written, a plan of Eddy's own would only leave it out again. */
  get fitsOneMore(): boolean {
    const { plan, budget } = this.#around;
    const more = plan.withOneMore;
    if (!more) return false;
    return !plan.isAuto || budget.here(this.#costOf(more).total) <= budget.roomFor(this);
  }

  /** What these rungs are expected to take on this machine, in cores. */
  here(rungs: readonly PlannedRung[]): LadderCost {
    const { budget } = this.#around;
    const { decode, rungs: each, total } = this.#costOf(rungs);
    return { decode: budget.here(decode), rungs: each.map((cost) => budget.here(cost)), total: budget.here(total) };
  }

  /** What its host takes, what the other ladders leave to it, and what there is for all of them; cores. */
  get figures(): { readonly measured: number | undefined; readonly room: number; readonly ladders: number } {
    const { budget } = this.#around;
    return { measured: this.measured, room: budget.roomFor(this), ladders: budget.cores };
  }

  #costOf(rungs: readonly PlannedRung[], encoders = this.#around.runs.encoders): LadderCost {
    const { mode, preset, encoder: wanted } = this.#around.config;
    // Of a codec that none was chosen for yet it is one in software.
    const encoderOf = (codec: OutputCodec): Encoder => encoders?.find(codec) ?? softwareEncoder(codec, wanted);
    return ladderCost(this.#around.caps, rungs, { encoderOf, mode, preset });
  }
}
