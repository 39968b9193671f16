/** The latency budget: what the stages on the way to a stage hold back, summed along the worst path. */
import type { Envelope } from './envelope.ts';
import { latencyOf } from './config-refs.ts';
import type { Draft, DraftLink, DraftNode } from './draft.ts';
import type { Findings } from './finding.ts';

interface Step {
  readonly stage: string;
  readonly min: number;
  readonly max: number;
}

/** A way from a source to a stage. */
interface Path {
  readonly steps: readonly Step[];
  readonly min: number;
  readonly max: number;
}

const NOTHING: Path = { steps: [], min: 0, max: 0 };

/** Judges every stage of `budget`. Call only for a graph without cycles. */
export function checkBudget(envelope: Envelope, draft: Draft, findings: Findings): void {
  if (envelope.budget.length === 0) return;
  const paths = new Paths(draft);
  for (const { stage, ms, at } of envelope.budget) {
    const node = draft.nodes.get(stage);
    if (!node?.plugin || node.kind !== 'stage') continue;
    const quickest = paths.into(node, 'min');
    const slowest = paths.into(node, 'max');
    const impossible = quickest.min > ms;
    if (!impossible && slowest.max <= ms) continue;
    const path = impossible ? quickest : slowest;
    const which = impossible ? 'min' : 'max';
    const worst = [...path.steps].sort((a, b) => b[which] - a[which])[0];
    const way = path.steps
      .filter((step) => step[which] > 0)
      .map((step) => `${step.stage} ${ms_(step[which])}`)
      .join(' + ');
    findings.add({
      code: impossible ? 'BUDGET_IMPOSSIBLE' : 'BUDGET_EXCEEDED',
      at,
      message: `a picture reaches the viewer of "${stage}" ${impossible ? 'at best' : 'at worst'} after ${ms_(path[which])} (${way}); the budget is ${ms_(ms)}`,
      mend: worst ? `Raise the budget, or shorten "${worst.stage}", which holds it the longest` : undefined,
      nodes: [stage],
    });
  }
}

const ms_ = (ms: number): string => (ms >= 1000 ? `${Math.round(ms / 10) / 100}s` : `${Math.round(ms)}ms`);

class Paths {
  readonly #entering = new Map<string, DraftLink[]>();
  readonly #known = new Map<string, Path>();

  constructor(draft: Draft) {
    for (const link of draft.links) {
      const key = `${link.to.node.name}.${link.to.pad}`;
      this.#entering.set(key, [...(this.#entering.get(key) ?? []), link]);
    }
  }

  /** The worst way into a stage and through it, by the least (`min`) or the most (`max`) that its stages hold. */
  into(node: DraftNode, by: 'min' | 'max'): Path {
    const { inputs, outputs } = node.plugin!.manifest;
    const ways = Object.entries(inputs).map(([pad, input]) => {
      const own = latencyOf(input.latency, node.config);
      return extend(this.#toInput(node, pad, by), node.name, own);
    });
    // A source in the budget means what itself holds back.
    for (const output of ways.length === 0 ? Object.values(outputs) : [])
      ways.push(extend(NOTHING, node.name, latencyOf(output.latency, node.config)));
    return worst(ways, by);
  }

  #toInput(node: DraftNode, pad: string, by: 'min' | 'max'): Path {
    const links = this.#entering.get(`${node.name}.${pad}`) ?? [];
    return worst(
      links.flatMap((link) => link.from.map((end) => this.#toOutput(end.node, end.pad, by))),
      by,
    );
  }

  #toOutput(node: DraftNode, pad: string, by: 'min' | 'max'): Path {
    const key = `${by} ${node.name}.${pad}`;
    const known = this.#known.get(key);
    if (known) return known;
    const output = node.plugin!.manifest.outputs[pad]!;
    const inputs = Object.keys(node.plugin!.manifest.inputs).filter(
      (name) => output.reachedBy?.includes(name) !== false,
    );
    const before = worst(
      inputs.map((name) => this.#toInput(node, name, by)),
      by,
    );
    const path = extend(before, node.name, latencyOf(output.latency, node.config));
    this.#known.set(key, path);
    return path;
  }
}

const extend = (path: Path, stage: string, own: { min: number; max: number }): Path => ({
  steps: [...path.steps, { stage, ...own }],
  min: path.min + own.min,
  max: path.max + own.max,
});

const worst = (paths: readonly Path[], by: 'min' | 'max'): Path =>
  paths.reduce((slowest, path) => (path[by] > slowest[by] || slowest === NOTHING ? path : slowest), NOTHING);
