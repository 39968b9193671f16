/** `start: on-demand`: only what others can ask for may wait to be asked. */
import { Authorizer } from '../contracts/index.ts';
import type { Manifest } from '../plugin/manifest.ts';
import type { Draft } from './draft.ts';
import type { Findings } from './finding.ts';
import { entryOf } from './tree.ts';

/** Looks at the `start` and `linger` of every node. */
export function checkStarts(draft: Draft, findings: Findings): void {
  for (const node of draft.nodes.values()) {
    const nodes = [node.name];
    if (node.start === 'always') {
      const linger = entryOf(node.map, 'linger');
      if (!linger) continue;
      findings.add({
        code: 'START_UNFIT',
        at: linger.keySpan,
        message: `"${node.name}" runs all the time, so that nothing of it lingers`,
        mend: `Add start: on-demand to "${node.name}", or take "linger" out`,
        nodes,
      });
      continue;
    }
    const why = node.plugin && refusesDemand(node.plugin.manifest);
    if (why === undefined) continue;
    findings.add({
      code: 'START_UNFIT',
      at: entryOf(node.map, 'start')?.value.span ?? node.at,
      message: `"${node.name}" (${node.plugin!.manifest.name}) cannot run on demand: ${why}`,
      nodes,
    });
  }
}

/** Why a plugin cannot run on demand; undefined where it can. */
export function refusesDemand({ inputs, outputs, provides }: Manifest): string | undefined {
  const pads = Object.values(inputs);
  if (Object.values(provides).some(({ token }) => token === Authorizer.token))
    return 'the engine asks it about everybody who comes';
  if (pads.length === 0 && Object.keys(outputs).length > 0) return 'a source must run to let publishers in';
  if (pads.some((pad) => pad.demand === 'manual'))
    return 'it must run to let viewers in; what feeds it may run on demand';
  if (pads.length === 0 && Object.keys(provides).length === 0) return 'no other node can ask for it';
  return undefined;
}
