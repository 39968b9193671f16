/** Media lints: graphs that start well and then disappoint. */
import { kindsOf } from './caps.ts';
import type { Draft, DraftLink, DraftNode } from './draft.ts';
import { quoteList, type Findings } from './finding.ts';

/** Call only for a graph without cycles. */
export function lintMedia(draft: Draft, findings: Findings): void {
  const origins = new Origins(draft);
  for (const node of draft.nodes.values()) {
    if (node.plugin) lintTogether(node, origins, findings);
  }
}

/** Audio and video of one publication never part: a stage that takes both must get both from the same sources. */
function lintTogether(node: DraftNode, origins: Origins, findings: Findings): void {
  const byKind = new Map<string, { pad: string; sources: Set<string>; links: readonly DraftLink[] }>();
  for (const [pad, input] of Object.entries(node.plugin!.manifest.inputs)) {
    const kinds = new Set((input.accepts ?? []).flatMap((pattern) => kindsOf(pattern) ?? ['any']));
    const [kind] = kinds;
    const links = origins.into(node, pad);
    // One pad each for video and audio; a pad for both cannot tear them apart.
    if (kinds.size !== 1 || (kind !== 'video' && kind !== 'audio') || links.length === 0 || byKind.has(kind)) continue;
    byKind.set(kind, { pad, links, sources: origins.ofInput(node, pad) });
  }
  const video = byKind.get('video');
  const audio = byKind.get('audio');
  if (!video || !audio) return;
  const shared = [...video.sources].filter((source) => audio.sources.has(source));
  if (shared.length === 0) {
    findings.add({
      code: 'MEDIA_SOURCES_APART',
      at: audio.links[0]!.at,
      message: `"${node.name}" gets its video from ${quoteList(video.sources)} and its audio from ${quoteList(audio.sources)}, never from the same publication`,
      nodes: [node.name],
    });
    return;
  }
  for (const [has, lacks, kind] of [
    [video, audio, 'audio'],
    [audio, video, 'video'],
  ] as const) {
    const missing = [...has.sources].filter((source) => !lacks.sources.has(source));
    if (missing.length === 0) continue;
    findings.add({
      code: 'MEDIA_TRACK_MISSING',
      at: lacks.links[0]!.at,
      message: `cameras of ${quoteList(missing)} have no ${kind} in "${node.name}": no route brings it to "${node.name}.${lacks.pad}"`,
      nodes: [node.name],
    });
  }
}

/** Which sources reach which pads. */
class Origins {
  readonly #entering = new Map<string, DraftLink[]>();
  readonly #known = new Map<string, Set<string>>();

  constructor(draft: Draft) {
    for (const link of draft.links) {
      const key = `${link.to.node.name}.${link.to.pad}`;
      this.#entering.set(key, [...(this.#entering.get(key) ?? []), link]);
    }
  }

  into(node: DraftNode, pad: string): readonly DraftLink[] {
    return this.#entering.get(`${node.name}.${pad}`) ?? [];
  }

  ofInput(node: DraftNode, pad: string): Set<string> {
    const key = `${node.name}.${pad}`;
    let known = this.#known.get(key);
    if (!known) {
      known = new Set(
        this.into(node, pad).flatMap((link) => link.from.flatMap((end) => [...this.#ofOutput(end.node, end.pad)])),
      );
      this.#known.set(key, known);
    }
    return known;
  }

  #ofOutput(node: DraftNode, pad: string): Set<string> {
    const { inputs, outputs } = node.plugin!.manifest;
    const reaching = Object.keys(inputs).filter((name) => outputs[pad]!.reachedBy?.includes(name) !== false);
    if (reaching.length === 0) return new Set([node.name]);
    return new Set(reaching.flatMap((name) => [...this.ofInput(node, name)]));
  }
}
