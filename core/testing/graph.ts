/** Checked graphs without a file: from plugins, options as YAML would write them, and links as text. */
import { createHash } from 'node:crypto';
import { Ajv } from 'ajv';
import type { CheckedGraph, CheckedLink, CheckedNode, FullPolicy, PadRef, SupervisePolicy } from '../graph/checked.ts';
import { linkDefaults } from '../graph/links.ts';
import { objectSchema, parseFields, type AnyPlugin, type MediaTypeName } from '../plugin/index.ts';
import { contractOf, severalKey } from '../plugin/registry.ts';
import { parseDuration } from '../plugin/units.ts';

/** A stage or service of {@link GraphSpec}. */
export interface NodeSpec {
  readonly plugin: AnyPlugin;
  /** Options as a pipeline file writes them: `{ window: '2m' }`. */
  readonly config?: Readonly<Record<string, unknown>>;
  /** Who meets which need; only where more than one node could. */
  readonly use?: Readonly<Record<string, string>>;
  readonly supervise?: Partial<SupervisePolicy>;
  readonly start?: 'always' | 'on-demand';
  /** ms that it goes on after its last use, where it runs on demand; default 10,000. */
  readonly linger?: number;
}

/** A link: its text, or its text with options. */
export type LinkSpec =
  string | { readonly link: string; readonly queue?: string; readonly full?: FullPolicy; readonly optional?: boolean };

/** What {@link graphOf} makes a graph of. */
export interface GraphSpec {
  readonly name?: string;
  readonly services?: Readonly<Record<string, NodeSpec | AnyPlugin>>;
  readonly stages?: Readonly<Record<string, NodeSpec | AnyPlugin>>;
  /** `a.x -> b.y`, with alternatives (`a.x | b.y -> c.z`) and several targets (`a.x -> b.y, c.z`). */
  readonly links?: readonly LinkSpec[];
  /** Default: a second publisher takes over; flows linger for 30 s. */
  readonly cameras?: Partial<CheckedGraph['cameras']>;
  /** Default: carried in the path, 12 h, a key of the process's own, and no more than the limit. */
  readonly sessions?: Partial<CheckedGraph['sessions']>;
  /** For every node that says nothing itself. Default: on-failure, 500 ms to 30 s, 5 in 2 min, then degrade. */
  readonly supervise?: Partial<SupervisePolicy>;
  /** ms that a drain may take; default 5000. */
  readonly drain?: number;
  readonly baseDir?: string;
}

const SUPERVISE: SupervisePolicy = {
  restart: 'on-failure',
  backoff: { min: 500, max: 30_000 },
  max: { count: 5, within: 120_000 },
  then: 'degrade',
};

/**
 * Makes a checked graph. Throws TypeError with a plain sentence for what the graph's checks would refuse: an unknown
 * stage, pad or option, a need that nobody or more than one node meets. Caps, budgets and lints are not looked at.
 */
export function graphOf(spec: GraphSpec): CheckedGraph {
  const written = [...entries(spec.services, 'service'), ...entries(spec.stages, 'stage')];
  const plugins = new Map(written.map((node) => [node.name, node.plugin]));
  const nodes = inOrderOfNeeds(written.map((node) => checkedNode(node, plugins, spec.supervise)));
  return {
    name: spec.name ?? 'test',
    file: 'test.yaml',
    baseDir: spec.baseDir ?? process.cwd(),
    sessions: { carry: 'path', life: 12 * 3_600_000, key: undefined, atLimit: 'refuse', ...spec.sessions },
    cameras: { secondPublisher: 'take-over', linger: 30_000, ...spec.cameras },
    nodes,
    links: (spec.links ?? []).flatMap((link) => checkedLinks(link, plugins)),
    budget: {},
    observe: { http: undefined, log: 'debug' },
    drain: spec.drain ?? 5000,
  };
}

interface Written extends NodeSpec {
  readonly name: string;
  readonly kind: 'stage' | 'service';
}

function entries(nodes: GraphSpec['stages'], kind: Written['kind']): Written[] {
  return Object.entries(nodes ?? {}).map(([name, node]) => ({
    name,
    kind,
    ...('manifest' in node ? { plugin: node } : node),
  }));
}

/** The typed configuration, as the graph's checks would make it. Throws TypeError for what the schema refuses. */
export function configOf(plugin: AnyPlugin, written: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { name, config } = plugin.manifest;
  const ajv = new Ajv({ strict: false, allErrors: true });
  if (!ajv.validate(objectSchema(config), written)) {
    throw new TypeError(`configuration of ${name}: ${ajv.errorsText(ajv.errors, { dataVar: 'config' })}`);
  }
  const parsed = parseFields(config, written);
  if ('error' in parsed) throw new TypeError(`configuration of ${name}: ${parsed.error}`);
  return parsed.value;
}

function checkedNode(
  node: Written,
  plugins: ReadonlyMap<string, AnyPlugin>,
  supervise: Partial<SupervisePolicy> | undefined,
): CheckedNode {
  const { manifest } = node.plugin;
  const written = node.config ?? {};
  const config = configOf(node.plugin, written);
  const uses: Record<string, string | undefined> = {};
  for (const [need, wanted] of Object.entries(manifest.needs)) {
    const { contract, optional, several } = contractOf(wanted);
    if (several) {
      for (const [n, name] of (config[need] as string[]).entries()) uses[severalKey(need, n)] = name;
      continue;
    }
    const providers = [...plugins].filter(([, plugin]) =>
      Object.values(plugin.manifest.provides).some((provided) => provided.token === contract.token),
    );
    uses[need] = node.use?.[need] ?? providers[0]?.[0];
    if (node.use?.[need] === undefined && providers.length > 1)
      throw new TypeError(`"${node.name}" needs ${contract.name}, and several nodes provide it: say which in "use"`);
    if (uses[need] === undefined && !optional)
      throw new TypeError(`"${node.name}" needs ${contract.name}, and no node provides it`);
  }
  const hash = createHash('sha256')
    .update(JSON.stringify([manifest.name, manifest.version, config]))
    .digest('hex');
  return {
    name: node.name,
    kind: node.kind,
    plugin: node.plugin,
    config,
    written,
    hash,
    start: node.start ?? 'always',
    linger: node.linger ?? 10_000,
    supervise: { ...SUPERVISE, ...supervise, ...node.supervise },
    log: undefined,
    uses,
    position: { file: 'test.yaml', line: 1, column: 1 },
  };
}

function inOrderOfNeeds(nodes: readonly CheckedNode[]): CheckedNode[] {
  const byName = new Map(nodes.map((node) => [node.name, node]));
  const ordered = new Set<CheckedNode>();
  const visit = (node: CheckedNode, path: readonly string[]): void => {
    if (path.includes(node.name)) throw new TypeError(`a cycle of needs: ${[...path, node.name].join(' -> ')}`);
    for (const provider of Object.values(node.uses)) {
      const known = provider === undefined ? undefined : byName.get(provider);
      if (known && !ordered.has(known)) visit(known, [...path, node.name]);
    }
    ordered.add(node);
  };
  for (const node of nodes) visit(node, []);
  return [...ordered];
}

function checkedLinks(spec: LinkSpec, plugins: ReadonlyMap<string, AnyPlugin>): CheckedLink[] {
  const { link, ...options } = typeof spec === 'string' ? { link: spec } : spec;
  const [left, right, more] = link.split('->').map((side) => side.trim());
  if (!left || !right || more !== undefined) throw new TypeError(`"${link}" is no link: write "a.x -> b.y"`);
  const refs = (text: string): PadRef[] => text.split(/[|,]/).map((ref) => padRef(ref.trim(), link));
  const from = refs(left);
  return refs(right).map((to) => {
    const types = from.map((ref) => typeOf(plugins, ref, 'outputs', link));
    const type = typeOf(plugins, to, 'inputs', link);
    if (types.some((other) => other !== type)) throw new TypeError(`"${link}" joins ${types.join(', ')} with ${type}`);
    const queue = options.queue === undefined ? undefined : parseDuration(options.queue);
    if (queue && 'error' in queue) throw new TypeError(`"${link}": ${queue.error}`);
    return {
      id: `${from.map(printed).join(' | ')} -> ${printed(to)}`,
      from,
      to,
      type,
      queue: queue?.value ?? linkDefaults(type).queue,
      full: options.full ?? linkDefaults(type).full,
      optional: options.optional ?? false,
      position: { file: 'test.yaml', line: 1, column: 1 },
    };
  });
}

const printed = (ref: PadRef): string => `${ref.stage}.${ref.pad}`;

function padRef(text: string, link: string): PadRef {
  const [stage, pad, more] = text.split('.');
  if (!stage || !pad || more !== undefined) throw new TypeError(`"${text}" in "${link}" is no pad: write "stage.pad"`);
  return { stage, pad };
}

function typeOf(
  plugins: ReadonlyMap<string, AnyPlugin>,
  ref: PadRef,
  side: 'inputs' | 'outputs',
  link: string,
): MediaTypeName {
  const plugin = plugins.get(ref.stage);
  if (!plugin) throw new TypeError(`"${link}" names "${ref.stage}", and there is no such stage`);
  const pad = plugin.manifest[side][ref.pad];
  if (pad) return pad.type;
  const known = Object.keys(plugin.manifest[side]).join(', ') || 'none';
  throw new TypeError(`"${link}": "${ref.stage}" has no ${side.slice(0, -1)} "${ref.pad}" (it has: ${known})`);
}
