/** Resources: addresses and routes claimed twice, an open door, programs and GStreamer elements that are not there. */
import { Authorizer, HttpServer } from '../contracts/index.ts';
import { isLoopback } from '../plugin/addresses.ts';
import type { Fields } from '../plugin/fields.ts';
import { contractOf, type Registry } from '../plugin/registry.ts';
import { authorizersOf } from './authorizers.ts';
import { routeOf } from './config-refs.ts';
import type { Draft, DraftNode } from './draft.ts';
import { quoteList, type Findings } from './finding.ts';
import type { Span } from './source.ts';
import { checkStorage, type StorageState } from './storage.ts';
import { entryOf, nodeAt } from './tree.ts';

/** Looks at the machine; injected, so that checks run anywhere. */
export interface Probe {
  /** True where the GStreamer on this machine has the element; undefined where nobody can tell. */
  element(name: string): Promise<boolean | undefined>;
  /** True where the program is in the PATH. */
  binary(name: string): Promise<boolean>;
  /** What is there where a folder or file is to be written; absent: not looked at. */
  storage?(path: string): Promise<StorageState>;
}

interface Listener {
  readonly node: DraftNode;
  readonly key: string;
  readonly host: string;
  readonly port: number;
  readonly at: Span;
}

const nodesOf = (draft: Draft): readonly DraftNode[] => [...draft.nodes.values()];

/** What the file alone tells. */
export function checkClaims(draft: Draft, registry: Registry, findings: Findings): void {
  const listeners = nodesOf(draft).flatMap(listenersOf);
  checkAddresses(listeners, findings);
  checkRoutes(draft, findings);
  checkAuth(draft, listeners, registry, findings);
}

function listenersOf(node: DraftNode): Listener[] {
  if (!node.plugin || !node.config) return [];
  const { config, claims } = node.plugin.manifest;
  return [...new Set([...listenFields(config), ...(claims.listens ?? [])])].flatMap((key) => {
    const path = key.split('.');
    const value = path.reduce<unknown>(
      (from, step) => (from as Record<string, unknown> | undefined)?.[step],
      node.config,
    );
    const { host, port } = (value ?? {}) as { host?: string; port?: number };
    if (host === undefined || typeof port !== 'number') return [];
    return [{ node, key, host, port, at: nodeAt(node.map, path)?.node.span ?? node.at }];
  });
}

/** The options that are addresses to listen on, those of groups as `tls.listen`. */
function listenFields(fields: Fields): string[] {
  return Object.entries(fields).flatMap(([key, { parts, schema }]) => {
    if (parts && 'fields' in parts) return listenFields(parts.fields).map((inner) => `${key}.${inner}`);
    return schema['x-unit'] === 'listen' ? [key] : [];
  });
}

const ANY = new Set(['0.0.0.0', '::', '*']);

function checkAddresses(listeners: readonly Listener[], findings: Findings): void {
  const byPort = new Map<number, Listener[]>();
  for (const listener of listeners) {
    // Port 0 asks the system for a free one.
    if (listener.port === 0) continue;
    const others = byPort.get(listener.port) ?? [];
    const first = others.find(({ host }) => host === listener.host || ANY.has(host) || ANY.has(listener.host));
    byPort.set(listener.port, [...others, listener]);
    if (!first) continue;
    const line = findings.source.position(first.at.start).line;
    const message = `${listener.node.kind} "${listener.node.name}" listens on ${address(listener)}, which ${first.node.kind} "${first.node.name}" has already (line ${line})`;
    const free = Math.max(...byPort.keys()) + 1;
    findings.add({
      code: 'LISTEN_TAKEN',
      at: listener.at,
      message,
      mend: `Give one of them another port: ${listener.key}: ${address({ host: listener.host, port: Math.min(free, 65_535) })}`,
      nodes: [listener.node.name],
    });
  }
}

const address = ({ host, port }: { host: string; port: number }): string =>
  `${host.includes(':') ? `[${host}]` : host}:${port}`;

function checkRoutes(draft: Draft, findings: Findings): void {
  const taken = new Map<string, DraftNode>();
  for (const node of nodesOf(draft)) {
    if (!node.plugin || !node.config) continue;
    const need = Object.entries(node.plugin.manifest.needs).find(
      ([, needed]) => contractOf(needed).contract.token === HttpServer.token,
    )?.[0];
    const server = (need && node.uses[need]) ?? '';
    for (const claim of node.plugin.manifest.claims.routes ?? []) {
      const route = routeOf(claim, node.config);
      if (route === undefined) continue;
      const first = taken.get(`${server} ${route}`);
      if (!first || first === node) {
        taken.set(`${server} ${route}`, node);
        continue;
      }
      const key = /\{([a-z0-9-]+)\}/i.exec(claim)?.[1];
      findings.add({
        code: 'ROUTE_TAKEN',
        at: (key && entryOf(node.map, key)?.value.span) || node.at,
        message: `"${node.name}" claims the route ${route}${server ? ` on "${server}"` : ''}, which "${first.name}" has already (line ${findings.source.position(first.at.start).line})`,
        mend: key ? `Give it another ${key}: ${key}: ${route}-2` : undefined,
        nodes: [node.name],
      });
    }
  }
}

function checkAuth(draft: Draft, listeners: readonly Listener[], registry: Registry, findings: Findings): void {
  const nodes = nodesOf(draft);
  const { all, roots } = authorizersOf(nodes);
  // A node of an unknown plugin might join them, and so might a name that was not understood.
  const isClear = nodes.every((node) => node.plugin !== undefined) && !all.some(namesUnknown);
  if (roots.length > 1 && isClear) {
    const names = roots.map(({ name }) => name);
    findings.add({
      code: 'AUTH_AMBIGUOUS',
      at: roots[1]!.at,
      message: `${quoteList(names)} all say who may publish and watch; the engine asks one`,
      mend: mendSeveral(roots),
      nodes: names,
    });
  }
  // A node of an unknown plugin might be the authorizer.
  if (all.length > 0 || nodes.some((node) => node.plugin === undefined)) return;
  const known = registry.providersOf(Authorizer).map((plugin) => plugin.manifest.name);
  // The one that asks for the least to begin with.
  const first = known.includes('auth.static') ? 'auth.static' : known.find((name) => name !== 'auth.none');
  for (const listener of listeners) {
    if (isLoopback(listener.host)) continue;
    findings.add({
      code: 'AUTH_OPEN',
      at: listener.at,
      message: `${listener.node.kind} "${listener.node.name}" listens on ${address(listener)}, beyond this machine, and no service decides who may publish and watch`,
      accepted: `127.0.0.1, or a service of ${known.join(', ') || 'an authorizer'}`,
      mend: `Add below "services:" auth: { plugin: ${first ?? 'auth.static'}, ... }, or bind 127.0.0.1:${listener.port}; auth: { plugin: auth.none } says openly that anyone may.`,
      nodes: [listener.node.name],
    });
  }
}

/** The GStreamer elements that a node needs with its configuration. */
function elementsOf({ plugin, config }: DraftNode): readonly string[] {
  if (!plugin) return [];
  const { requires, elements } = plugin.manifest;
  const own = elements as ((config: unknown) => readonly string[]) | undefined;
  return [...(requires.gstreamer ?? []), ...(config && own ? own(config) : [])];
}

/** The option in which a node names several authorizers. */
function listOfAuthorizers({ plugin }: DraftNode): string | undefined {
  const needs = Object.entries(plugin?.manifest.needs ?? {});
  return needs.find(
    ([, need]) => contractOf(need).several && contractOf(need).contract.token === Authorizer.token,
  )?.[0];
}

/** True where it names some that were not found, which was told already. */
function namesUnknown(node: DraftNode): boolean {
  const key = listOfAuthorizers(node);
  if (key === undefined) return false;
  const list = entryOf(node.map, key)?.value;
  return (
    list?.kind !== 'list' ||
    list.items.length !== Object.keys(node.uses).filter((use) => use.startsWith(`${key}[`)).length
  );
}

/** What joins authorizers: one that joins some already, or a new one. */
function mendSeveral(roots: readonly DraftNode[]): string {
  const joining = roots.find((node) => listOfAuthorizers(node) !== undefined);
  const others = roots.filter((node) => node !== joining).map(({ name }) => name);
  if (joining)
    return `Name ${quoteList(others)} in "${listOfAuthorizers(joining)!}" of "${joining.name}" too, or take it out.`;
  return `Keep one of them, or join them: ${freeName(roots)}: { plugin: auth.any, of: [${others.join(', ')}] }; auth.all is for "each must let in".`;
}

const freeName = (roots: readonly DraftNode[]): string => (roots.some(({ name }) => name === 'auth') ? 'door' : 'auth');

/** What the machine tells. */
export async function checkMachine(draft: Draft, probe: Probe, findings: Findings): Promise<void> {
  if (probe.storage) await checkStorage(draft, (path) => probe.storage!(path), findings);
  const wanted = new Map<
    string,
    { code: 'GSTREAMER_ELEMENT_MISSING' | 'BINARY_MISSING'; name: string; nodes: DraftNode[] }
  >();
  const want = (code: 'GSTREAMER_ELEMENT_MISSING' | 'BINARY_MISSING', name: string, node: DraftNode): void => {
    const entry = wanted.get(`${code} ${name}`) ?? { code, name, nodes: [] };
    entry.nodes.push(node);
    wanted.set(`${code} ${name}`, entry);
  };
  for (const node of nodesOf(draft)) {
    for (const name of elementsOf(node)) want('GSTREAMER_ELEMENT_MISSING', name, node);
    for (const name of node.plugin?.manifest.requires.binaries ?? []) want('BINARY_MISSING', name, node);
  }
  const answers = await Promise.all(
    [...wanted.values()].map(async (entry) => ({
      ...entry,
      there: await (entry.code === 'BINARY_MISSING' ? probe.binary(entry.name) : probe.element(entry.name)),
    })),
  );
  for (const { code, name, nodes, there } of answers) {
    if (there !== false) continue;
    const users = quoteList(nodes.map((node) => node.name));
    const what = code === 'BINARY_MISSING' ? `the program "${name}"` : `the GStreamer element "${name}"`;
    findings.add({
      code,
      at: entryOf(nodes[0]!.map, 'plugin')?.value.span ?? nodes[0]!.at,
      message: `${users} (${nodes[0]!.plugin!.manifest.name}) needs ${what}, which this machine does not have`,
      nodes: nodes.map((node) => node.name),
    });
  }
}
