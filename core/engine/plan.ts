/** What `apply` will do: the difference between two checked graphs, as plain data. */
import type { CheckedGraph, CheckedNode } from '../graph/checked.ts';

/** The steps from one graph to the next; names in the order of the next graph (removals: of the one before). */
export interface ApplyPlan {
  readonly keep: readonly string[];
  /** The configuration differs: offered to the plugin in place, else the node is replaced. */
  readonly change: readonly string[];
  /** Another plugin, version or binding: stopped and started anew. */
  readonly replace: readonly string[];
  readonly add: readonly string[];
  readonly remove: readonly string[];
  readonly links: { readonly add: readonly string[]; readonly remove: readonly string[] };
}

const sameBinding = (a: CheckedNode, b: CheckedNode): boolean => JSON.stringify(a.uses) === JSON.stringify(b.uses);

const sameCode = (a: CheckedNode, b: CheckedNode): boolean =>
  a.kind === b.kind &&
  a.plugin.manifest.name === b.plugin.manifest.name &&
  a.plugin.manifest.version === b.plugin.manifest.version;

/** Compares two graphs; a missing one is empty. */
export function planApply(from: CheckedGraph | undefined, to: CheckedGraph | undefined): ApplyPlan {
  const before = new Map((from?.nodes ?? []).map((node) => [node.name, node]));
  const after = new Map((to?.nodes ?? []).map((node) => [node.name, node]));
  const keep: string[] = [];
  const change: string[] = [];
  const replace: string[] = [];
  const add: string[] = [];
  for (const node of after.values()) {
    const known = before.get(node.name);
    if (!known) add.push(node.name);
    else if (!sameCode(known, node) || !sameBinding(known, node)) replace.push(node.name);
    else if (known.hash !== node.hash) change.push(node.name);
    else keep.push(node.name);
  }
  const linksBefore = new Set((from?.links ?? []).map((link) => link.id));
  const linksAfter = new Set((to?.links ?? []).map((link) => link.id));
  return {
    keep,
    change,
    replace,
    add,
    remove: [...before.keys()].filter((name) => !after.has(name)),
    links: {
      add: [...linksAfter].filter((id) => !linksBefore.has(id)),
      remove: [...linksBefore].filter((id) => !linksAfter.has(id)),
    },
  };
}

/** Stages in the order in which data passes them: a link's source before its target. */
export function dataOrder(graph: CheckedGraph): string[] {
  const stages = graph.nodes.filter((node) => node.kind === 'stage').map((node) => node.name);
  const order: string[] = [];
  const visited = new Set<string>();
  const visit = (stage: string): void => {
    if (visited.has(stage)) return;
    visited.add(stage);
    for (const link of graph.links) {
      if (link.to.stage === stage) for (const from of link.from) visit(from.stage);
    }
    order.push(stage);
  };
  for (const stage of stages) visit(stage);
  return order;
}

/** These names as data passes them by `order`, then those that are not in it: services. */
export function inDataOrder(order: readonly string[], names: readonly string[]): string[] {
  const stages = order.filter((name) => names.includes(name));
  return [...stages, ...names.filter((name) => !stages.includes(name))];
}
