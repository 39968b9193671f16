/**
 * The processors that all ladders of a stage share: how much of them is given away, and what this machine makes of the prices in `cost.ts`. It is
 * asked before a ladder begins, so that one that surely does not fit never does; whether what fits by forecast fits in truth is for `shedding.ts`.
 */
import { availableParallelism } from 'node:os';

/** What ladders may have of the processors: the rest is for what receives, packages and sends. */
const SHARE = 0.8;
/** How much of what one look finds is taken over, and how far a machine may be from the one that was measured. */
const LEARN = 0.1;
const MACHINES = { fastest: 0.1, slowest: 8 } as const;

/** A ladder as its budget sees it. */
export interface Costly {
  /** Of what it makes now, or will once it begins, with the prices of `cost.ts`; cores. */
  readonly modelled: number;
  /** What its host takes for a second of media, in cores; undefined while that is not known. */
  readonly measured: number | undefined;
}

/** See the file's head: call {@link CpuBudget.look} every second. */
export class CpuBudget {
  /** What ladders may have, in cores. */
  readonly cores: number;
  readonly #ladders = new Set<Costly>();
  #scale = 1;

  /** `processors`: as many as this process may use at once; those of its cgroup where that has a quota. */
  constructor(processors = availableParallelism()) {
    this.cores = Number((processors * SHARE).toFixed(2));
  }

  /** Counts a ladder until the returned function is called. */
  add(ladder: Costly): () => void {
    this.#ladders.add(ladder);
    return () => this.#ladders.delete(ladder);
  }

  /** What something that costs so much by `cost.ts` will cost here, in cores. */
  here(modelled: number): number {
    return modelled * this.#scale;
  }

  /** What the others leave to this one, in cores: what they take as far as that is known, else what they are expected to. */
  roomFor(ladder: Costly): number {
    let taken = 0;
    for (const other of this.#ladders) if (other !== ladder) taken += other.measured ?? this.here(other.modelled);
    return Math.max(0, this.cores - taken);
  }

  /** Learns from those that run. */
  look(): void {
    for (const { modelled, measured } of this.#ladders) {
      if (measured === undefined || modelled === 0) continue;
      const found = Math.min(MACHINES.slowest, Math.max(MACHINES.fastest, measured / modelled));
      this.#scale += (found - this.#scale) * LEARN;
    }
  }
}
