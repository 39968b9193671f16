/** Stages and services: names, plugins, the engine's keys, the plugin's options. */
import { catalogue, type Code } from '../errors/index.ts';
import { ENGINE_KEYS, type ConfigProblem } from '../plugin/manifest.ts';
import type { AnyPlugin } from '../plugin/plugin.ts';
import type { Registry } from '../plugin/registry.ts';
import type { SupervisePolicy } from './checked.ts';
import { checkFields, type ConfigSubject } from './config.ts';
import type { DraftNode } from './draft.ts';
import { superviseFields } from './envelope-fields.ts';
import { NAME, refuseName, type Envelope } from './envelope.ts';
import { quoteList, type Findings } from './finding.ts';
import { nodeFields } from './node-fields.ts';
import { refuseReference } from './references.ts';
import { suggest } from './suggest.ts';
import { entryOf, ownEntries, type MapEntry, type MapNode } from './tree.ts';

/** The plugins that a pipeline may name; `incomplete` where one of its packages could not be loaded. */
export interface Plugins {
  readonly registry: Registry;
  readonly incomplete: boolean;
}

const NO_ENTRIES: Pick<MapNode, 'kind' | 'entries'> = { kind: 'map', entries: [] };

/** Reads every stage and service. */
export function readNodes(
  envelope: Envelope,
  plugins: Plugins,
  baseDir: string,
  findings: Findings,
): Map<string, DraftNode> {
  const nodes = new Map<string, DraftNode>();
  for (const [kind, section] of [
    ['service', envelope.services],
    ['stage', envelope.stages],
  ] as const) {
    for (const entry of ownEntries(section)) {
      const other = nodes.get(entry.key);
      if (other) {
        const message = `"${entry.key}" is a ${kind} here and a ${other.kind} in line ${findings.source.position(other.at.start).line}; they share one name space`;
        findings.add({ code: 'NAME_TAKEN', at: entry.keySpan, message, nodes: [entry.key] });
        continue;
      }
      nodes.set(entry.key, readNode(entry, kind, envelope, plugins, baseDir, findings));
    }
  }
  if (nodes.size === 0 && !findings.failed) {
    findings.add({
      code: 'PIPELINE_EMPTY',
      at: envelope.root.entries[0]?.keySpan,
      message: 'the pipeline has no stages',
    });
  }
  return nodes;
}

function readNode(
  entry: MapEntry,
  kind: 'stage' | 'service',
  envelope: Envelope,
  plugins: Plugins,
  baseDir: string,
  findings: Findings,
): DraftNode {
  const { key: name, keySpan: at } = entry;
  if (!NAME.test(name)) refuseName(name, at, `a ${kind}`, findings);
  const isMap = entry.value.kind === 'map';
  const map: MapNode = entry.value.kind === 'map' ? entry.value : { ...NO_ENTRIES, span: entry.value.span };
  const plugin = isMap ? pluginOf(name, kind, map, at, plugins, findings) : undefined;
  if (!isMap && (ENGINE_KEYS as readonly string[]).includes(name)) {
    const message = `"${name}" is a key of a stage or service, and stands here as the name of one`;
    const mend = 'Indent it deeper than the name above it, to which it belongs.';
    findings.add({ code: 'NODE_NOT_A_MAP', at, message, mend, nodes: [name] });
  } else if (!isMap && !followedByKey(entry, kind, envelope)) {
    // `rtmp: ingest.rtmp` is a natural slip, and says which plugin is meant.
    const text =
      entry.value.kind === 'scalar' && typeof entry.value.written === 'string' ? entry.value.written : 'family.name';
    findings.add({
      code: 'NODE_NOT_A_MAP',
      at: entry.value.kind === 'scalar' && entry.value.value === null ? at : entry.value.span,
      message: `${kind} "${name}" is a map that names its plugin`,
      mend: `Write ${name}: { plugin: ${text} }`,
      nodes: [name],
    });
  }
  const what = `${kind} "${name}"${plugin ? ` (${plugin.manifest.name})` : ''}`;
  const subject: ConfigSubject = { what, at, baseDir, nodes: [name], alsoKnown: ENGINE_KEYS };
  const engineMap: MapNode = { ...map, entries: map.entries.filter(({ key }) => Object.hasOwn(nodeFields, key)) };
  const engine = checkFields(engineMap, nodeFields, subject, findings) ?? {};
  const use = new Map<string, { target: string; at: { start: number; end: number } }>();
  const useNode = entryOf(map, 'use')?.value;
  if (useNode?.kind === 'map') {
    for (const { key, value } of ownEntries(useNode)) {
      if (value.kind !== 'scalar' || typeof value.written !== 'string') continue;
      if (refuseReference(value.written, value.span, 'the name of a service', findings)) continue;
      use.set(key, { target: value.written, at: value.span });
    }
  }
  return {
    name,
    kind,
    at,
    map,
    plugin,
    config: plugin && configOf(map, plugin, subject, findings),
    use,
    start: (engine.start as DraftNode['start'] | undefined) ?? 'always',
    linger: (engine.linger as number | undefined) ?? 0,
    supervise: superviseOf(map, envelope.supervise, subject, findings),
    log: engine.log as DraftNode['log'],
    allow: allowedCodes(map, what, findings),
    uses: {},
  };
}

/** A name with nothing behind it and a key such as `plugin` beside it: that one is told, as indented too little. */
function followedByKey(entry: MapEntry, kind: 'stage' | 'service', envelope: Envelope): boolean {
  const { entries } = envelope[`${kind}s`];
  const next = entries[entries.indexOf(entry) + 1]?.key;
  const empty = entry.value.kind === 'scalar' && entry.value.value === null;
  return empty && next !== undefined && (ENGINE_KEYS as readonly string[]).includes(next);
}

function pluginOf(
  name: string,
  kind: string,
  map: MapNode,
  at: DraftNode['at'],
  { registry, incomplete }: Plugins,
  findings: Findings,
): AnyPlugin | undefined {
  const entry = entryOf(map, 'plugin');
  const nodes = [name];
  if (!entry) {
    const keys = map.entries.map(({ key }) => key);
    const joined = keys.find((key) => /^plugin\s*=/.test(key));
    const misspelt = joined ?? suggest('plugin', keys);
    const likely = suggest(name, registry.names());
    const place = map.entries.find(({ key }) => key === misspelt)?.keySpan ?? at;
    const message = joined
      ? `${kind} "${name}" writes "${joined}"; a key and its value are joined by ":"`
      : misspelt
        ? `${kind} "${name}" has no key "${misspelt}"; it must name its plugin`
        : `${kind} "${name}" does not name its plugin`;
    findings.add({
      code: 'PLUGIN_MISSING',
      at: place,
      message,
      mend: misspelt
        ? `Write plugin:${joined ? ` ${joined.replace(/^plugin\s*=\s*/, '')}` : ''}`
        : `Add plugin: ${likely ?? `family.name; there are ${quoteList(registry.names())}`}`,
      didYouMean: misspelt && 'plugin',
      nodes,
    });
    return undefined;
  }
  const { value } = entry;
  const written = value.kind === 'scalar' && typeof value.written === 'string' ? value.written : undefined;
  if (written === undefined) {
    findings.add({
      code: 'PLUGIN_MISSING',
      at: value.span,
      message: `the plugin of ${kind} "${name}" is a name such as "ingest.rtmp"`,
      nodes,
    });
    return undefined;
  }
  if (refuseReference(written, value.span, 'the name of a plugin', findings)) return undefined;
  const plugin = registry.get(written);
  if (plugin) return plugin;
  const meant = suggest(written, registry.names());
  // It may well be in a package that could not be loaded, which was told at its own line.
  if (incomplete && meant === undefined) return undefined;
  const family = registry.names().filter((known) => known.startsWith(`${written.split('.')[0]}.`));
  findings.add({
    code: 'PLUGIN_UNKNOWN',
    at: value.span,
    message: `there is no plugin "${written}"`,
    offered: written,
    accepted: quoteList(family.length > 0 ? family : registry.names(), 40),
    didYouMean: meant,
    mend: meant
      ? `Write plugin: ${meant}`
      : 'See "eddy list"; a plugin of a package must be named in "plugins:" at the top.',
    nodes,
  });
  return undefined;
}

function configOf(
  map: MapNode,
  plugin: AnyPlugin,
  subject: ConfigSubject,
  findings: Findings,
): Readonly<Record<string, unknown>> | undefined {
  const isEngines = (key: string): boolean => (ENGINE_KEYS as readonly string[]).includes(key) || key.startsWith('x-');
  const own: MapNode = { ...map, entries: map.entries.filter(({ key }) => !isEngines(key)) };
  const config = checkFields(own, plugin.manifest.config, subject, findings);
  if (config && plugin.manifest.check) {
    const look = plugin.manifest.check as (config: unknown) => readonly ConfigProblem[];
    let refused = false;
    for (const problem of look(config)) {
      const code = plugin.manifest.errors[problem.code];
      const severity = code?.severity ?? 'error';
      if (severity === 'error') refused = true;
      findings.add({
        code: `${plugin.manifest.name}/${problem.code}`,
        severity,
        at: entryOf(map, problem.key)?.value.span ?? subject.at,
        message: `${subject.what}: ${problem.message}`,
        mend: problem.mend ?? code?.mend,
        nodes: subject.nodes,
      });
    }
    // What follows from a refused configuration (its latency, its caps) would be told beside its cause.
    if (refused) return undefined;
  }
  return config;
}

function superviseOf(
  map: MapNode,
  pipelines: MapNode | undefined,
  subject: ConfigSubject,
  findings: Findings,
): SupervisePolicy {
  const entry = entryOf(map, 'supervise');
  const own = entry?.value.kind === 'map' ? entry.value : undefined;
  if (entry && !own) {
    findings.add({
      code: 'CONFIG_VALUE_INVALID',
      at: entry.value.span,
      message: `${subject.what}: "supervise" is a map`,
      mend: 'Write supervise: { restart: on-failure }',
      nodes: subject.nodes,
    });
  }
  if (own) checkFields(own, superviseFields, { ...subject, what: `"supervise" of ${subject.what}` }, findings);
  const value = (key: string): unknown => {
    const field = superviseFields[key as keyof typeof superviseFields];
    for (const source of [own, pipelines]) {
      const node = source && entryOf(source, key)?.value;
      // What does not parse has its finding already.
      const parsed = node?.kind === 'scalar' ? field.parse(node.value) : undefined;
      if (parsed && 'value' in parsed) return parsed.value;
    }
    return (field.parse(field.default) as { value: unknown }).value;
  };
  return {
    restart: value('restart'),
    backoff: value('backoff'),
    max: value('max'),
    then: value('then'),
  } as SupervisePolicy;
}

function allowedCodes(map: MapNode, what: string, findings: Findings): string[] {
  const node = entryOf(map, 'allow')?.value;
  if (node?.kind !== 'list') return [];
  return node.items.flatMap((item) => {
    if (item.kind !== 'scalar' || typeof item.written !== 'string') return [];
    const code = item.written;
    if (refuseReference(code, item.span, 'a code', findings)) return [];
    // A plugin's own code is checked by nobody but its plugin.
    if (code.includes('/')) return [code];
    const known = Object.hasOwn(catalogue, code) ? catalogue[code as Code] : undefined;
    if (known && known.severity !== 'error') return [code];
    const meant = known ? undefined : suggest(code, Object.keys(catalogue));
    const message = known
      ? `${what} allows ${code}, which is an error; only warnings and infos can be allowed`
      : `${what} allows "${code}", and there is no such code`;
    findings.add({
      code: 'ALLOW_UNKNOWN',
      at: item.span,
      message,
      didYouMean: meant,
      mend: meant ? `Write ${meant}` : undefined,
    });
    return [];
  });
}
