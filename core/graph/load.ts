/** From a YAML file to a checked graph: the layers in their order. */
import { readFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import type { MediaTypeName } from '../plugin/pads.ts';
import type { Registry } from '../plugin/registry.ts';
import { checkCaps } from './caps-check.ts';
import type { CheckedGraph, CheckedLink, CheckedNode } from './checked.ts';
import { checkCycles } from './cycles.ts';
import type { Draft, DraftLink, DraftNode } from './draft.ts';
import { checkEnvelopeNames, readEnvelope, type Envelope } from './envelope.ts';
import { checkEvents } from './events.ts';
import { Findings, type Finding } from './finding.ts';
import { nodeHash } from './hash.ts';
import { checkBudget } from './latency.ts';
import { readLinks } from './link-grammar.ts';
import { checkLinks, linkDefaults } from './links.ts';
import { lintMedia } from './lints.ts';
import { bindNeeds, orderByNeeds } from './needs.ts';
import { readNodes } from './nodes.ts';
import { checkObserve } from './observe.ts';
import { checkStarts } from './on-demand.ts';
import { joinPads } from './pads.ts';
import { resolveReferences } from './references.ts';
import { checkClaims, checkMachine, type Probe } from './resources.ts';
import { Source } from './source.ts';
import { refuseUnknownStages } from './unknown-stages.ts';
import { parseTree, toPlain, type TreeNode } from './tree.ts';

/** Options of {@link loadPipeline}. */
export interface LoadOptions {
  /** The plugins that the pipeline may name; its own `plugins:` are added to them. */
  readonly registry: Registry;
  /** Looks at the machine for programs and GStreamer elements; absent: not looked at (`--offline`). */
  readonly probe?: Probe;
  /** Where `${env:...}` and secrets are looked up; default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** References whose variable, file or secret is not on this machine are no findings; the graph then cannot run. */
  readonly offline?: boolean;
  /** Where relative paths, `${file:...}` and secrets begin; default: the folder of the file. */
  readonly baseDir?: string;
}

/** A pipeline file, or text that is treated as if it were in the file. */
export type PipelineSource = string | { readonly text: string; readonly file: string };

/** What came of a file. `graph` is there only where no finding is an error. */
export interface LoadedPipeline {
  readonly graph?: CheckedGraph;
  readonly findings: readonly Finding[];
  /** The values of its `${secret:...}` references, for logs to leave out. */
  readonly secrets: readonly string[];
  /** The registry with the plugins that the pipeline's packages brought. */
  readonly registry: Registry;
}

/** Reads and checks a pipeline. Never throws for what is in the file: that is a finding. */
export async function loadPipeline(from: PipelineSource, options: LoadOptions): Promise<LoadedPipeline> {
  const file = typeof from === 'string' ? from : from.file;
  let text: string;
  try {
    text = typeof from === 'string' ? await readFile(from, 'utf8') : from.text;
  } catch (error) {
    return { findings: [unreadable(file, error)], secrets: [], registry: options.registry };
  }
  const findings = new Findings(new Source(text.replace(/^\uFEFF/, ''), file));
  const {
    graph,
    registry,
    nodes,
    secrets = [],
  } = await check(findings, resolve(options.baseDir ?? dirname(file)), options);
  const finished = findings.finish((node, code) => nodes?.get(node)?.allow.includes(code) === true);
  return { ...(graph && !findings.failed ? { graph } : {}), findings: finished, secrets, registry };
}

interface Checked {
  readonly graph?: CheckedGraph;
  readonly registry: Registry;
  readonly nodes?: ReadonlyMap<string, DraftNode>;
  readonly secrets?: readonly string[];
}

async function check(findings: Findings, baseDir: string, options: LoadOptions): Promise<Checked> {
  let { registry } = options;
  const tree = parseTree(findings);
  if (!tree) return { registry };
  const sources = { baseDir, env: options.env ?? process.env, offline: options.offline === true };
  const secrets = valuesIn(tree).flatMap((node) => resolveReferences(node, sources, findings));
  const envelope = readEnvelope(tree, baseDir, findings);
  if (!envelope) return { registry };
  let incomplete = false;
  if (envelope.plugins.length > 0) {
    const { discoverPlugins } = await import('./external.ts');
    const before = findings.count;
    registry = await discoverPlugins(envelope.plugins, registry, baseDir, findings);
    incomplete = findings.count > before;
  }
  const nodes = readNodes(envelope, { registry, incomplete }, baseDir, findings);
  const draft: Draft = { name: envelope.name, nodes, links: [], touched: new Set(), endsUnclear: false };
  const beforeLinks = findings.count;
  const written = readLinks(envelope.links, findings);
  // A link that could not be read at all hides what it would have joined.
  draft.endsUnclear = findings.count > beforeLinks && written.length < linkCount(envelope.links);
  const unknown = refuseUnknownStages(written, draft, findings);
  checkEnvelopeNames(envelope, nodes, unknown, findings);
  joinPads(written, draft, registry, findings);
  checkLinks(draft, findings);
  bindNeeds(draft, registry, findings);
  checkObserve(envelope, draft, findings);
  checkStarts(draft, findings);
  const order = orderByNeeds(draft, findings);
  const cyclic = checkCycles(draft, findings);
  checkCaps(draft, registry, findings);
  if (!cyclic) {
    checkBudget(envelope, draft, findings);
    lintMedia(draft, findings);
  }
  checkClaims(draft, registry, findings);
  // The events of a plugin that could not be loaded are not known.
  if (!incomplete) checkEvents(draft, registry, findings);
  if (options.probe) await checkMachine(draft, options.probe, findings);
  if (findings.failed) return { registry, nodes, secrets };
  return { graph: finish(envelope, draft, order, findings.source, baseDir), registry, nodes, secrets };
}

/** Sections whose scalars may be references; links and plugins are names. */
function valuesIn(tree: TreeNode): readonly TreeNode[] {
  if (tree.kind !== 'map') return [];
  const skipped = new Set(['links', 'plugins', 'version', 'name']);
  return tree.entries.flatMap(({ key, value }) => {
    if (skipped.has(key) || key.startsWith('x-')) return [];
    return (key === 'stages' || key === 'services') && value.kind === 'map'
      ? value.entries.flatMap((node) => valuesOfNode(node.value))
      : [value];
  });
}

function valuesOfNode(node: TreeNode): readonly TreeNode[] {
  const names = new Set(['plugin', 'use', 'allow']);
  return node.kind === 'map' ? node.entries.filter(({ key }) => !names.has(key)).map(({ value }) => value) : [node];
}

const linkCount = (node: TreeNode | undefined): number => (node?.kind === 'list' ? node.items.length : 1);

function finish(
  envelope: Envelope,
  draft: Draft,
  order: readonly DraftNode[],
  source: Source,
  baseDir: string,
): CheckedGraph {
  return {
    name: envelope.name,
    file: source.file,
    baseDir,
    cameras: {
      secondPublisher: envelope.cameras['second-publisher'] as CheckedGraph['cameras']['secondPublisher'],
      linger: envelope.cameras.linger as number,
    },
    sessions: {
      carry: envelope.sessions.carry as CheckedGraph['sessions']['carry'],
      life: envelope.sessions.life as number,
      key: envelope.sessions.key as string | undefined,
      atLimit: envelope.sessions['at-limit'] as CheckedGraph['sessions']['atLimit'],
    },
    nodes: order.map((node) => finishNode(node, source.position(node.at.start))),
    links: draft.links.map((link) => finishLink(link, source.position(link.at.start))),
    budget: Object.fromEntries(envelope.budget.map(({ stage, ms }) => [stage, ms])),
    observe: {
      http: envelope.observe.http as string | undefined,
      log: envelope.observe.log as CheckedGraph['observe']['log'],
    },
    drain: envelope.drain,
  };
}

function finishNode(node: DraftNode, position: CheckedNode['position']): CheckedNode {
  const { manifest } = node.plugin!;
  const config = node.config!;
  return {
    name: node.name,
    kind: node.kind,
    plugin: node.plugin!,
    config,
    written: toPlain(node.map, 'written') as Record<string, unknown>,
    hash: nodeHash(manifest.name, manifest.version, config),
    start: node.start,
    linger: node.linger,
    supervise: node.supervise,
    log: node.log,
    uses: node.uses,
    position,
  };
}

function finishLink(link: DraftLink, position: CheckedLink['position']): CheckedLink {
  const defaults = linkDefaults(link.type);
  return {
    id: link.id,
    from: link.from.map(({ node, pad }) => ({ stage: node.name, pad })),
    to: { stage: link.to.node.name, pad: link.to.pad },
    type: link.type as MediaTypeName,
    queue: link.queue ?? defaults.queue,
    full: link.full ?? defaults.full,
    optional: link.optional,
    position,
  };
}

function unreadable(file: string, error: unknown): Finding {
  const code = (error as NodeJS.ErrnoException).code ?? String(error);
  const why =
    code === 'ENOENT' ? 'there is no such file' : code === 'EISDIR' ? 'it is a folder' : `it cannot be read (${code})`;
  const probe = new Findings(new Source('', file));
  probe.add({ code: 'PIPELINE_UNREADABLE', message: `${file}: ${why}` });
  return probe.finish(() => false)[0]!;
}
