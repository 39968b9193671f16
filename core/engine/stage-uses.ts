/** Stages that run on demand, in one camera's flow: which somebody wants, and which linger after their last use. */
import type { CheckedNode } from '../graph/checked.ts';
import type { Clock } from '../plugin/index.ts';

/** What the uses need of their flow. */
export interface StageUsesHost {
  readonly clock: Clock;
  /** The camera uses the stage, or no longer does. */
  used(stage: string, used: boolean): void;
  /** Nobody has wanted the stage for its `linger`: settles when its part of the flow is closed. */
  retire(stage: string): Promise<void>;
  /** It is forgotten; whoever wants it by now may have it anew. */
  retired(): void;
}

interface Use {
  cancelLinger: (() => void) | undefined;
  retiring: boolean;
}

/** See the file's head. Level-triggered: it is told how things stand as often as anybody likes. */
export class StageUses {
  readonly #host: StageUsesHost;
  readonly #uses = new Map<string, Use>();

  constructor(host: StageUsesHost) {
    this.#host = host;
  }

  /** True while the stage may have a part in this flow. */
  has(stage: string): boolean {
    return this.#uses.get(stage)?.retiring === false;
  }

  /** Whether anybody wants the stage now; `present` where it has a part in this flow. */
  set({ name, linger }: Pick<CheckedNode, 'name' | 'linger'>, wanted: boolean, present: boolean): void {
    let use = this.#uses.get(name);
    if (!use) {
      if (!wanted && !present) return;
      use = { cancelLinger: undefined, retiring: false };
      this.#uses.set(name, use);
      this.#host.used(name, true);
    }
    if (use.retiring) return;
    if (wanted) {
      use.cancelLinger?.();
      use.cancelLinger = undefined;
    } else {
      use.cancelLinger ??= this.#host.clock.after(linger, () => void this.#retire(name, use));
    }
  }

  /** Forgets the stages that the graph no longer has on demand. */
  keepOnly(stages: ReadonlySet<string>): void {
    for (const [name, use] of this.#uses) if (!stages.has(name)) this.#forget(name, use);
  }

  async #retire(name: string, use: Use): Promise<void> {
    use.retiring = true;
    use.cancelLinger = undefined;
    await this.#host.retire(name);
    if (this.#uses.get(name) !== use) return;
    this.#forget(name, use);
    this.#host.retired();
  }

  #forget(name: string, use: Use): void {
    use.cancelLinger?.();
    this.#uses.delete(name);
    this.#host.used(name, false);
  }
}
