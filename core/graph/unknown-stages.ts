/** Stages that are named and not there: one finding a name, however often it is used. */
import type { Draft, DraftNode, LinkEnd, WrittenLink } from './draft.ts';
import { NAME } from './envelope.ts';
import { quoteList, type Findings } from './finding.ts';
import { suggest } from './suggest.ts';

/** Tells every stage that links name and that does not exist. Returns these names. */
export function refuseUnknownStages(
  written: readonly WrittenLink[],
  draft: Draft,
  findings: Findings,
): ReadonlySet<string> {
  const uses = new Map<string, LinkEnd[]>();
  const named = new Set<string>();
  for (const end of written.flatMap((link) => [...link.from, link.to])) {
    named.add(end.stage);
    if (!draft.nodes.has(end.stage)) uses.set(end.stage, [...(uses.get(end.stage) ?? []), end]);
  }
  const names = [...draft.nodes.values()].filter(hasPads).map(({ name }) => name);
  for (const [name, ends] of uses) {
    const meant = suggest(name, names);
    // Its definition is misspelt and was told already: the links are right.
    if (meant !== undefined && !NAME.test(meant)) continue;
    const [first, ...more] = ends as [LinkEnd, ...LinkEnd[]];
    const lines = [...new Set(more.map((end) => findings.source.position(end.at.start).line))];
    const definition = meant !== undefined && !named.has(meant) ? draft.nodes.get(meant) : undefined;
    findings.add({
      code: 'LINK_UNKNOWN_STAGE',
      at: { start: first.at.start, end: first.at.start + name.length },
      message: `there is no stage "${name}"${lines.length > 0 ? ` (also named in line ${lines.join(', ')})` : ''}`,
      offered: name,
      accepted: quoteList(names, 40),
      didYouMean: meant,
      mend: mendOf(first, meant, definition, names, findings),
    });
  }
  return new Set(uses.keys());
}

function mendOf(
  end: LinkEnd,
  meant: string | undefined,
  definition: DraftNode | undefined,
  names: readonly string[],
  findings: Findings,
): string {
  if (meant === undefined) return `Add it below "stages:", or use one of ${quoteList(names, 40)}`;
  const write = `rite ${meant}${end.pad === undefined ? '' : `.${end.pad}`}`;
  // A stage that no link names is more likely misspelt where it is defined.
  if (definition === undefined) return `W${write}`;
  const { line } = findings.source.position(definition.at.start);
  return `Rename the stage "${meant}" in line ${line} to "${end.stage}", or w${write}`;
}

const hasPads = ({ plugin }: DraftNode): boolean =>
  plugin === undefined || Object.keys(plugin.manifest.inputs).length + Object.keys(plugin.manifest.outputs).length > 0;
