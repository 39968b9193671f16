/** Findings for people and machines; graphs as text, Mermaid and Graphviz. */
import type { CheckedGraph, CheckedLink } from './checked.ts';
import type { Finding } from './finding.ts';

/** Options of {@link renderFindings}. */
export interface RenderOptions {
  /** With ANSI colours; default false. */
  readonly colour?: boolean;
}

const STYLES = { error: '31;1', warning: '33;1', info: '36;1', dim: '2', bold: '1', mend: '32' } as const;

type Style = keyof typeof STYLES;

const painter = (colour: boolean) => (style: Style, text: string) =>
  colour ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text;

/** Findings as text: place, code, sentence, code frame, mend; then a line that counts them. */
export function renderFindings(findings: readonly Finding[], { colour = false }: RenderOptions = {}): string {
  const paint = painter(colour);
  const blocks = findings.map((finding) => renderFinding(finding, paint));
  return [...blocks, ...(findings.length > 0 ? [summarise(findings)] : [])].join('\n\n');
}

function renderFinding(finding: Finding, paint: ReturnType<typeof painter>): string {
  const { position } = finding;
  const place = position ? `${position.file}:${position.line}:${position.column}: ` : '';
  const head = `${paint('bold', place)}${paint(finding.severity, finding.severity)} ${paint('dim', finding.code)}`;
  // An info asks for nothing: it takes two lines and leaves the screen to what does.
  if (finding.severity === 'info') return `${head}\n  ${finding.message}. ${finding.mend}`;
  const lines = [head, `  ${finding.message}`];
  if (finding.frame) lines.push(...finding.frame.split('\n').map((line) => `    ${paint('dim', line)}`));
  if (finding.offered) lines.push(`  ${paint('dim', 'offered: ')} ${finding.offered}`);
  if (finding.accepted) lines.push(`  ${paint('dim', 'accepted:')} ${finding.accepted}`);
  if (finding.didYouMean) lines.push(`  did you mean ${paint('bold', finding.didYouMean)}?`);
  if (finding.mend) lines.push(`  ${paint('mend', 'mend:')} ${finding.mend}`);
  return lines.join('\n');
}

/** `2 errors, 1 warning`. */
export function summarise(findings: readonly Finding[]): string {
  const counted = (['error', 'warning', 'info'] as const).flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [`${count} ${severity}${count === 1 ? '' : 's'}`];
  });
  return counted.length > 0 ? counted.join(', ') : 'nothing found';
}

/** Findings as plain JSON: what `--json` prints. Keys without a value are left out. */
export function findingsToJson(findings: readonly Finding[]): unknown[] {
  return JSON.parse(JSON.stringify(findings)) as unknown[];
}

/** How a graph may be drawn. */
export const GRAPH_FORMATS = ['text', 'mermaid', 'dot'] as const;
export type GraphFormat = (typeof GRAPH_FORMATS)[number];

/** A checked graph as text for a terminal, a Mermaid flowchart or a Graphviz digraph. */
export function renderGraph(graph: CheckedGraph, format: GraphFormat = 'text'): string {
  switch (format) {
    case 'text':
      return asText(graph);
    case 'mermaid':
      return asMermaid(graph);
    case 'dot':
      return asDot(graph);
  }
}

const seconds = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`);

const queueOf = (link: CheckedLink): string => (link.type === 'rtp' ? '' : `, ${seconds(link.queue)} ${link.full}`);

function asText(graph: CheckedGraph): string {
  const width = Math.max(0, ...graph.nodes.map(({ name }) => name.length));
  const list = (kind: 'service' | 'stage'): string[] =>
    graph.nodes
      .filter((node) => node.kind === kind)
      .map((node) => {
        const uses = Object.entries(node.uses).flatMap(([need, target]) =>
          target ? [need === target ? target : `${need}: ${target}`] : [],
        );
        return `  ${node.name.padEnd(width)}  ${node.plugin.manifest.name}${uses.length > 0 ? `  (uses ${uses.join(', ')})` : ''}`;
      });
  const section = (title: string, lines: readonly string[]): string[] => (lines.length > 0 ? [title, ...lines] : []);
  return [
    graph.name,
    ...section('services', list('service')),
    ...section('stages', list('stage')),
    ...section(
      'links',
      graph.links.map((link) => `  ${link.id}  (${link.type}${queueOf(link)})`),
    ),
  ].join('\n');
}

/** An edge of a drawing: routes after the first are alternatives. */
const edgesOf = (graph: CheckedGraph) =>
  graph.links.flatMap((link) =>
    link.from.map((from, route) => ({ from, to: link.to, type: link.type, alternative: route > 0 })),
  );

const needsOf = (graph: CheckedGraph) =>
  graph.nodes.flatMap((node) =>
    Object.entries(node.uses).flatMap(([need, target]) => (target ? [{ from: node.name, to: target, need }] : [])),
  );

function asMermaid(graph: CheckedGraph): string {
  // Names such as "end" and "graph" are words of Mermaid's, so every node has an id of its own.
  const id = new Map(graph.nodes.map(({ name }, index) => [name, `n${index}`]));
  const quote = (text: string): string => text.replaceAll('"', '#quot;');
  return [
    'flowchart LR',
    ...graph.nodes.map(({ name, kind, plugin }) => {
      const label = `"${quote(name)}<br/><small>${quote(plugin.manifest.name)}</small>"`;
      return `  ${id.get(name)}${kind === 'service' ? `([${label}])` : `[${label}]`}`;
    }),
    ...edgesOf(graph).map(({ from, to, type, alternative }) => {
      const arrow = alternative ? '-.->' : '-->';
      return `  ${id.get(from.stage)} ${arrow}|"${from.pad} to ${to.pad} (${type})"| ${id.get(to.stage)}`;
    }),
    ...needsOf(graph).map(({ from, to, need }) => `  ${id.get(from)} -. "uses ${quote(need)}" .-o ${id.get(to)}`),
  ].join('\n');
}

function asDot(graph: CheckedGraph): string {
  const text = (value: string): string => `"${value.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
  return [
    `digraph ${text(graph.name)} {`,
    '  rankdir=LR;',
    '  node [shape=box, fontname="sans-serif"];',
    '  edge [fontname="sans-serif", fontsize=10];',
    ...graph.nodes.map(({ name, kind, plugin }) => {
      const label = text(`${name}\n${plugin.manifest.name}`).replaceAll('\n', '\\n');
      return `  ${text(name)} [label=${label}${kind === 'service' ? ', shape=ellipse' : ''}];`;
    }),
    ...edgesOf(graph).map(({ from, to, type, alternative }) => {
      const style = alternative ? ', style=dashed' : '';
      return `  ${text(from.stage)} -> ${text(to.stage)} [label=${text(`${from.pad} → ${to.pad} (${type})`)}${style}];`;
    }),
    ...needsOf(graph).map(
      ({ from, to, need }) => `  ${text(from)} -> ${text(to)} [label=${text(need)}, style=dotted, arrowhead=odot];`,
    ),
    '}',
  ].join('\n');
}
