/** Links against the pads of their stages: does each end exist, and do both carry the same media type? */
import type { AnyPlugin } from '../plugin/plugin.ts';
import type { InputPad, OutputPad } from '../plugin/pads.ts';
import type { Registry } from '../plugin/registry.ts';
import type { Draft, DraftLink, DraftNode, LinkEnd, PadEnd, WrittenLink } from './draft.ts';
import type { FindingInput, Findings } from './finding.ts';
import { suggest } from './suggest.ts';

type Direction = 'outputs' | 'inputs';

/** Finds the pads of both ends of every link; those that are sound become `draft.links`. */
export function joinPads(written: readonly WrittenLink[], draft: Draft, registry: Registry, findings: Findings): void {
  const resolver = new Resolver(draft, registry, findings);
  draft.links = written.flatMap((link) => resolver.resolve(link));
}

const padsOf = (plugin: AnyPlugin, direction: Direction): Readonly<Record<string, InputPad | OutputPad>> =>
  plugin.manifest[direction];

/** `stage.pad` for a text. */
export const padName = (end: PadEnd): string => `${end.node.name}.${end.pad}`;

class Resolver {
  readonly #draft: Draft;
  readonly #registry: Registry;
  readonly #findings: Findings;

  constructor(draft: Draft, registry: Registry, findings: Findings) {
    this.#draft = draft;
    this.#registry = registry;
    this.#findings = findings;
  }

  resolve(link: WrittenLink): DraftLink[] {
    const sources = link.from.map((end) => this.#draft.nodes.get(end.stage));
    const target = this.#draft.nodes.get(link.to.stage);
    const nodes = sources as DraftNode[];
    // A node whose plugin is not known has its finding, and nothing can be said of its pads; the other ends can be judged.
    if ([...sources, target].some((node) => node?.plugin === undefined)) {
      for (const [index, end] of link.from.entries()) this.#checkKnown(end, sources[index], 'outputs', link);
      this.#checkKnown(link.to, target, 'inputs', link);
      return this.#touchAll(link);
    }
    if (!target) return [];
    const bare = link.from.every((end) => end.pad === undefined) && link.to.pad === undefined;
    if (bare) return this.#byName(link, nodes, target);
    if (this.#turnedRound(link, nodes, target)) return this.#touchAll(link);
    const from = link.from.map((end, index) => this.#pad(end, nodes[index]!, 'outputs', link));
    const to = this.#pad(link.to, target, 'inputs', link);
    if (!to || from.some((end) => end === undefined)) return [];
    return this.#typed(link, from as PadEnd[], to);
  }

  #checkKnown(end: LinkEnd, node: DraftNode | undefined, direction: Direction, link: WrittenLink): void {
    if (node?.plugin && end.pad !== undefined) this.#pad(end, node, direction, link);
  }

  /** A broken link still shows what its author meant to join, so that its pads are not told to be unlinked as well. */
  #touchAll(link: WrittenLink): [] {
    for (const end of [...link.from, link.to]) {
      const stage = this.#draft.nodes.has(end.stage) ? end.stage : suggest(end.stage, this.#draft.nodes.keys());
      if (stage === undefined) this.#draft.endsUnclear = true;
      else if (end.pad === undefined) this.#draft.touched.add(`${stage}.*`);
      else this.#draft.touched.add(`${stage}.${end.pad}`);
    }
    return [];
  }

  #pad(end: LinkEnd, node: DraftNode, direction: Direction, link: WrittenLink): PadEnd | undefined {
    const pads = padsOf(node.plugin!, direction);
    const names = Object.keys(pads);
    if (end.pad !== undefined && Object.hasOwn(pads, end.pad)) {
      this.#draft.touched.add(`${node.name}.${end.pad}`);
      return { node, pad: end.pad, at: end.at };
    }
    this.#touchAll(link);
    const side = direction === 'outputs' ? 'output' : 'input';
    const meant = (end.pad !== undefined && suggest(end.pad, names)) || (names.length === 1 ? names[0] : undefined);
    if (meant !== undefined) this.#draft.touched.add(`${node.name}.${meant}`);
    else this.#draft.touched.add(`${node.name}.*`);
    this.#findings.add(this.#noPad(end, node, direction, side, names, meant));
    return undefined;
  }

  /** Both sides name pads of the other direction: one slip, one finding. */
  #turnedRound(link: WrittenLink, sources: readonly DraftNode[], target: DraftNode): boolean {
    const onlyIn = (end: LinkEnd, node: DraftNode, has: Direction, lacks: Direction): boolean =>
      end.pad !== undefined &&
      Object.hasOwn(padsOf(node.plugin!, has), end.pad) &&
      !Object.hasOwn(padsOf(node.plugin!, lacks), end.pad);
    const sourcesTurned = link.from.every((end, index) => onlyIn(end, sources[index]!, 'inputs', 'outputs'));
    if (!sourcesTurned || !onlyIn(link.to, target, 'outputs', 'inputs')) return false;
    const name = (end: LinkEnd): string => `${end.stage}.${end.pad}`;
    this.#findings.add({
      code: 'LINK_DIRECTION',
      at: { start: link.from[0]!.at.start, end: link.to.at.end },
      message: 'the link is turned round: an output stands on its left, an input on its right',
      mend: `Write - ${name(link.to)} -> ${link.from.map(name).join(', ')}`,
      nodes: [...sources.map((node) => node.name), target.name],
    });
    return true;
  }

  #noPad(
    end: LinkEnd,
    node: DraftNode,
    direction: Direction,
    side: string,
    names: readonly string[],
    meant: string | undefined,
  ): FindingInput {
    const title = `${node.kind} "${node.name}" (${node.plugin!.manifest.name})`;
    const opposite: Direction = direction === 'outputs' ? 'inputs' : 'outputs';
    const wrongWay = end.pad !== undefined && Object.hasOwn(padsOf(node.plugin!, opposite), end.pad);
    const padAt =
      end.pad === undefined
        ? end.at
        : { start: end.at.start + end.stage.length + 1, end: end.at.start + end.stage.length + 1 + end.pad.length };
    const accepted =
      names.length > 0
        ? names.map((name) => `${node.name}.${name}`).join(', ')
        : `none: ${node.plugin!.manifest.name} has no ${side}s`;
    const base = { offered: end.pad, accepted, nodes: [node.name] };
    if (wrongWay) {
      const place = direction === 'outputs' ? 'left' : 'right';
      const message = `"${end.pad}" of ${title} is an ${side === 'output' ? 'input' : 'output'}, and the ${place} side of a link is an ${side}`;
      // Where another pad of this stage goes the right way and carries the same, turning the link round helps nobody.
      const { type } = padsOf(node.plugin!, opposite)[end.pad]!;
      const same = names.filter((name) => padsOf(node.plugin!, direction)[name]!.type === type);
      const mend =
        names.length === 0
          ? `Turn the link round: this stage has no ${side}s.`
          : same.length === 1
            ? `Write ${node.name}.${same[0]}, or turn the link round`
            : `Turn the link round, or use ${accepted}`;
      return { ...base, code: 'LINK_DIRECTION', at: padAt, message, mend };
    }
    const message =
      end.pad === undefined
        ? `the link does not say which ${side} of ${title} it means`
        : `${title} has no ${side} "${end.pad}"`;
    const mend =
      names.length === 0
        ? `Link a stage that has ${side}s.`
        : meant
          ? `Write ${node.name}.${meant}`
          : `Use one of ${accepted}`;
    return {
      ...base,
      code: 'LINK_UNKNOWN_PAD',
      at: padAt,
      message,
      didYouMean: meant && `${node.name}.${meant}`,
      mend,
    };
  }

  /** `a -> b`: every pad that both have by the same name and type. */
  #byName(link: WrittenLink, sources: readonly DraftNode[], target: DraftNode): DraftLink[] {
    const found: DraftLink[] = [];
    const joined = new Set<DraftNode>();
    for (const [pad, input] of Object.entries(target.plugin!.manifest.inputs)) {
      const having = sources.flatMap((node, index) =>
        node.plugin!.manifest.outputs[pad]?.type === input.type ? [{ node, pad, at: link.from[index]!.at }] : [],
      );
      if (having.length === 0) continue;
      for (const { node } of having) {
        joined.add(node);
        this.#draft.touched.add(`${node.name}.${pad}`);
      }
      this.#draft.touched.add(`${target.name}.${pad}`);
      found.push(...this.#typed(link, having, { node: target, pad, at: link.to.at }));
    }
    for (const [index, node] of sources.entries()) {
      if (joined.has(node)) continue;
      const outputs = Object.keys(node.plugin!.manifest.outputs).map((pad) => `${node.name}.${pad}`);
      const inputs = Object.keys(target.plugin!.manifest.inputs).map((pad) => `${target.name}.${pad}`);
      this.#draft.touched.add(`${node.name}.*`).add(`${target.name}.*`);
      this.#findings.add({
        code: 'LINK_NO_COMMON_PAD',
        at: link.from[index]!.at,
        message: `"${node.name}" and "${target.name}" have no pad of the same name and type`,
        offered: outputs.join(', ') || 'no outputs',
        accepted: inputs.join(', ') || 'no inputs',
        mend:
          outputs[0] && inputs[0]
            ? `Name the pads: - ${this.#pair(node, target) ?? `${outputs[0]} -> ${inputs[0]}`}`
            : undefined,
        nodes: [node.name, target.name],
      });
    }
    return found;
  }

  #pair(node: DraftNode, target: DraftNode): string | undefined {
    for (const [output, { type }] of Object.entries(node.plugin!.manifest.outputs)) {
      const input = Object.entries(target.plugin!.manifest.inputs).find(([, pad]) => pad.type === type)?.[0];
      if (input) return `${node.name}.${output} -> ${target.name}.${input}`;
    }
    return undefined;
  }

  #typed(link: WrittenLink, from: readonly PadEnd[], to: PadEnd): DraftLink[] {
    const input = to.node.plugin!.manifest.inputs[to.pad]!;
    let sound = true;
    for (const end of from) {
      const output = end.node.plugin!.manifest.outputs[end.pad]!;
      if (output.type === input.type) continue;
      sound = false;
      this.#findings.add({
        code: 'LINK_TYPE_MISMATCH',
        at: end.at,
        message: `"${padName(end)}" carries ${output.type} and "${padName(to)}" takes ${input.type}`,
        offered: output.type,
        accepted: input.type,
        mend: this.#converterMend(end, output.type, to, input.type),
        nodes: [end.node.name, to.node.name],
      });
    }
    if (!sound) return [];
    const id = `${from.map(padName).join(' | ')} -> ${padName(to)}`;
    return [{ ...link, id, type: input.type, from, to }];
  }

  #converterMend(from: PadEnd, offered: string, to: PadEnd, accepted: string): string {
    // Another pad of the same two stages first: the nearest mend is a mistyped pad.
    const right = Object.entries(from.node.plugin!.manifest.outputs).find(([, pad]) => pad.type === accepted)?.[0];
    if (right) return `Link ${from.node.name}.${right}, which carries ${accepted}`;
    const has = (plugin: AnyPlugin): boolean =>
      Object.values(plugin.manifest.inputs).some((pad) => pad.type === offered) &&
      Object.values(plugin.manifest.outputs).some((pad) => pad.type === accepted);
    const running = [...this.#draft.nodes.values()].find(
      (node) => node.plugin && node !== from.node && node !== to.node && has(node.plugin),
    );
    if (running) return `Put the stage "${running.name}" between the two: it makes ${accepted} of ${offered}`;
    const known = this.#registry.list().find(has)?.manifest.name;
    return known
      ? `Put a stage of ${known} between the two: it makes ${accepted} of ${offered}`
      : `No plugin makes ${accepted} of ${offered}; link pads of one type`;
  }
}
