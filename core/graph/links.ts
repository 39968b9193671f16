/** Rules over the links of a pipeline: who may have several, what must be linked, which queue suits which media. */
import type { InputPad } from '../plugin/pads.ts';
import { gradeLink } from './caps.ts';
import type { FullPolicy } from './checked.ts';
import { offersOf } from './config-refs.ts';
import type { Draft, DraftLink } from './draft.ts';
import type { Findings } from './finding.ts';
import { padName } from './pads.ts';

/** Queue (ms) and policy where a link says nothing. */
export function linkDefaults(type: string): { readonly queue: number; readonly full: FullPolicy } {
  switch (type) {
    case 'frames':
      return { queue: 1000, full: 'drop-to-keyframe' };
    case 'chunks':
      return { queue: 2000, full: 'block' };
    case 'rtp':
      // Handles, not media: the packets are in the SFU's workers.
      return { queue: 0, full: 'block' };
    default:
      return { queue: 30_000, full: 'spill' };
  }
}

/** What a full queue of each media type can do: only frames and chunks have key frames, only stored items can spill. */
const POLICIES: Readonly<Record<string, readonly FullPolicy[]>> = {
  frames: ['block', 'drop-to-keyframe', 'drop-newest'],
  chunks: ['block', 'drop-to-keyframe', 'drop-newest'],
};
const STORED: readonly FullPolicy[] = ['block', 'drop-newest', 'spill'];

/** All rules over links. */
export function checkLinks(draft: Draft, findings: Findings): void {
  checkDuplicates(draft, findings);
  checkSeveralIntoOne(draft, findings);
  for (const link of draft.links) checkQueue(link, draft, findings);
  if (!draft.endsUnclear) checkUnlinked(draft, findings);
}

function checkDuplicates(draft: Draft, findings: Findings): void {
  const seen = new Map<string, DraftLink>();
  draft.links = draft.links.filter((link) => {
    for (const end of link.from) {
      const key = `${padName(end)} -> ${padName(link.to)}`;
      const first = seen.get(key);
      if (first) {
        const where =
          first === link ? 'twice in this link' : `already in line ${findings.source.position(first.at.start).line}`;
        findings.add({
          code: 'LINK_DUPLICATE',
          at: end.at,
          message: `the link ${key} is ${where}`,
          nodes: [end.node.name, link.to.node.name],
        });
        return false;
      }
      seen.set(key, link);
    }
    return true;
  });
}

function checkSeveralIntoOne(draft: Draft, findings: Findings): void {
  const byTarget = new Map<string, DraftLink[]>();
  for (const link of draft.links) byTarget.set(padName(link.to), [...(byTarget.get(padName(link.to)) ?? []), link]);
  for (const [target, links] of byTarget) {
    const [first, second] = links;
    if (!first || !second || first.to.node.plugin!.manifest.inputs[first.to.pad]!.from === 'all') continue;
    const sources = links.flatMap((link) => link.from.map(padName));
    findings.add({
      code: 'LINK_SEVERAL_INTO_ONE',
      at: second.at,
      message: `"${target}" takes one link, and ${links.length} end there (the first in line ${findings.source.position(first.at.start).line})`,
      offered: sources.join(', '),
      mend: `For "the first that fits" write one link: - ${sources.join(' | ')} -> ${target}`,
      nodes: [first.to.node.name],
    });
  }
}

function checkQueue(link: DraftLink, draft: Draft, findings: Findings): void {
  const nodes = [...link.from.map((end) => end.node.name), link.to.node.name];
  if (link.type === 'rtp') {
    const at = link.queueAt ?? link.fullAt;
    if (at)
      findings.add({
        code: 'LINK_QUEUE_ON_RTP',
        at,
        message: `the link ${link.id} carries rtp handles, which are not queued`,
        nodes,
      });
    return;
  }
  const full = link.full ?? linkDefaults(link.type).full;
  const known = POLICIES[link.type] ?? STORED;
  if (!known.includes(full)) {
    findings.add({
      code: 'LINK_POLICY_UNFIT',
      at: link.fullAt,
      message: `a link of ${link.type} cannot ${full}`,
      offered: full,
      accepted: known.join(', '),
      mend: `Write full: ${known.find((policy) => policy !== 'block')}, or one of ${known.join(', ')}`,
      nodes,
    });
  } else if (full === 'block' && link.fullAt) checkBlock(link, draft, findings, nodes);
}

/** Asked for in so many words: a `block` link that can hold back a live source and with it its other branches. */
function checkBlock(link: DraftLink, draft: Draft, findings: Findings, nodes: readonly string[]): void {
  for (const end of link.from) {
    if (Object.keys(end.node.plugin!.manifest.inputs).length > 0) continue;
    const others = draft.links.filter(
      (other) => other !== link && other.from.some((source) => source.node === end.node && source.pad === end.pad),
    );
    if (others.length === 0) continue;
    findings.add({
      code: 'LINK_BLOCKS_SOURCE',
      at: link.fullAt,
      message: `when this link is full it holds back the live source "${padName(end)}" and with it ${others.map((other) => `"${padName(other.to)}"`).join(', ')}`,
      nodes,
    });
  }
}

const touched = (draft: Draft, node: string, pad: string): boolean => draft.touched.has(`${node}.${pad}`);

function checkUnlinked(draft: Draft, findings: Findings): void {
  for (const node of draft.nodes.values()) {
    if (!node.plugin || draft.touched.has(`${node.name}.*`)) continue;
    const { inputs, outputs } = node.plugin.manifest;
    const title = `${node.kind} "${node.name}" (${node.plugin.manifest.name})`;
    for (const [pad, input] of Object.entries(inputs)) {
      if (input.optional || touched(draft, node.name, pad)) continue;
      const source = sourceFor(draft, node.name, input);
      const message = `the input "${pad}" of ${title} is not linked`;
      findings.add({
        code: 'INPUT_UNLINKED',
        at: node.at,
        message,
        mend: `Add the link - ${source ?? 'stage.output'} -> ${node.name}.${pad}`,
        nodes: [node.name],
      });
    }
    const names = Object.keys(outputs);
    const unheard =
      Object.keys(inputs).length === 0 && names.length > 0 && !names.some((pad) => touched(draft, node.name, pad));
    if (unheard && names.every((pad) => outputs[pad]!.optional)) {
      findings.add({
        code: 'OUTPUT_UNUSED',
        at: node.at,
        message: `no output of ${title} is linked: nothing uses what it brings`,
        mend: `Link ${node.name}.${names[0]}, or say that it is meant: allow: [OUTPUT_UNUSED]`,
        nodes: [node.name],
      });
    }
    for (const [pad, { optional }] of Object.entries(outputs)) {
      if (optional || touched(draft, node.name, pad)) continue;
      findings.add({
        code: 'OUTPUT_UNUSED',
        at: node.at,
        message: `the output "${pad}" of ${title} is not linked: nothing uses it`,
        mend: `Link ${node.name}.${pad}, or say that it is meant: allow: [OUTPUT_UNUSED]`,
        nodes: [node.name],
      });
    }
  }
}

/** The output that an unlinked input was probably meant for: one that nothing uses yet before one that has its links. */
function sourceFor(draft: Draft, target: string, input: InputPad): string | undefined {
  const fitting = [...draft.nodes.values()].flatMap((node) =>
    node.name === target || !node.plugin
      ? []
      : Object.entries(node.plugin.manifest.outputs)
          .filter(([, { type }]) => type === input.type)
          .filter(([, output]) => gradeLink(offersOf(output, node.config), input.accepts).grade !== 'never')
          .map(([pad, { optional }]) => ({ name: `${node.name}.${pad}`, optional })),
  );
  const waiting = fitting.find(({ name, optional }) => !optional && !draft.touched.has(name));
  return (waiting ?? fitting[0])?.name;
}
