/** Cycles of media, judged pad by pad: a stage whose input does not reach an output may well stand on both sides. */
import type { Draft, DraftLink, DraftNode } from './draft.ts';
import type { Findings } from './finding.ts';

/** The outputs that an input's items reach. */
export function reachedOutputs(node: DraftNode, input: string): string[] {
  return Object.entries(node.plugin!.manifest.outputs).flatMap(([pad, spec]) =>
    spec.reachedBy === undefined || spec.reachedBy.includes(input) ? [pad] : [],
  );
}

/** The links that leave each output, by `stage.pad`. */
export function linksByOutput(draft: Draft): Map<string, DraftLink[]> {
  const leaving = new Map<string, DraftLink[]>();
  for (const link of draft.links) {
    for (const { node, pad } of link.from) {
      const key = `${node.name}.${pad}`;
      const links = leaving.get(key);
      if (links) links.push(link);
      else leaving.set(key, [link]);
    }
  }
  return leaving;
}

/** Tells each cycle once, at the link that closes it. Returns true where there is one. */
export function checkCycles(draft: Draft, findings: Findings): boolean {
  const leaving = linksByOutput(draft);
  const state = new Map<DraftLink, 'open' | 'done'>();
  let found = false;
  const visit = (link: DraftLink, path: readonly DraftLink[]): void => {
    if (state.get(link) === 'done') return;
    if (state.get(link) === 'open') {
      found = true;
      const cycle = path.slice(path.indexOf(link));
      const steps = cycle.map(({ id }) => id).join(', ');
      const nodes = cycle.map(({ to }) => to.node.name);
      findings.add({ code: 'LINK_CYCLE', at: path.at(-1)!.at, message: `media would go round: ${steps}`, nodes });
      return;
    }
    state.set(link, 'open');
    for (const output of reachedOutputs(link.to.node, link.to.pad)) {
      for (const next of leaving.get(`${link.to.node.name}.${output}`) ?? []) visit(next, [...path, link]);
    }
    state.set(link, 'done');
  };
  for (const link of draft.links) visit(link, []);
  return found;
}
