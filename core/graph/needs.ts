/** Needs of services: which node meets which need, and in which order they start. */
import type { Contract } from '../contracts/index.ts';
import { contractOf, severalKey, type Registry } from '../plugin/registry.ts';
import type { Draft, DraftNode } from './draft.ts';
import { quoteList, type Findings } from './finding.ts';
import { refuseReference } from './references.ts';
import type { Span } from './source.ts';
import { suggest } from './suggest.ts';
import { entryOf, ownEntries } from './tree.ts';

/** Binds every need; fills `uses` of every node in. */
export function bindNeeds(draft: Draft, registry: Registry, findings: Findings): void {
  // A node of an unknown plugin might provide anything: then nothing is told to be missing.
  const unclear = [...draft.nodes.values()].some((node) => node.plugin === undefined);
  const providers = providersByContract(draft);
  for (const node of draft.nodes.values()) {
    if (!node.plugin) continue;
    checkUse(node, findings);
    const uses: Record<string, string | undefined> = {};
    for (const [key, need] of Object.entries(node.plugin.manifest.needs)) {
      if (contractOf(need).several) Object.assign(uses, bindSeveral(node, key, draft, providers, findings));
      else uses[key] = bind(node, key, draft, providers, registry, unclear, findings);
    }
    node.uses = uses;
  }
}

function checkUse(node: DraftNode, findings: Findings): void {
  const needs = Object.entries(node.plugin!.manifest.needs).flatMap(([key, need]) =>
    contractOf(need).several ? [] : [key],
  );
  const written = entryOf(node.map, 'use')?.value;
  if (written?.kind !== 'map') return;
  for (const { key, keySpan } of ownEntries(written)) {
    if (needs.includes(key)) continue;
    const meant = suggest(key, needs);
    findings.add({
      code: 'NEED_UNKNOWN',
      at: keySpan,
      message: `${title(node)} has no need "${key}"`,
      accepted: needs.length > 0 ? needs.join(', ') : 'none',
      didYouMean: meant,
      mend: meant ? `Write ${meant}` : needs.length > 0 ? `Use one of ${quoteList(needs)}` : 'Take "use" out',
      nodes: [node.name],
    });
  }
}

const title = (node: DraftNode): string => `${node.kind} "${node.name}" (${node.plugin!.manifest.name})`;

/** The names of the nodes that provide each contract: a pipeline may have hundreds of nodes. */
function providersByContract(draft: Draft): Map<symbol, string[]> {
  const providers = new Map<symbol, string[]>();
  for (const { name, plugin } of draft.nodes.values()) {
    for (const { token } of Object.values(plugin?.manifest.provides ?? {})) {
      const names = providers.get(token);
      if (names) names.push(name);
      else providers.set(token, [name]);
    }
  }
  return providers;
}

function bind(
  node: DraftNode,
  key: string,
  draft: Draft,
  providers: ReadonlyMap<symbol, readonly string[]>,
  registry: Registry,
  unclear: boolean,
  findings: Findings,
): string | undefined {
  const { contract, optional } = contractOf(node.plugin!.manifest.needs[key]!);
  const names = (providers.get(contract.token) ?? []).filter((name) => name !== node.name);
  const chosen = node.use.get(key);
  if (chosen) return fitting(chosen, { node, contract, names, write: `${key}: ` }, draft, findings);
  if (names.length === 1) return names[0];
  if (names.length > 1) {
    const message = `${title(node)} needs ${contract.name}, and ${quoteList(names)} provide it`;
    findings.add({
      code: 'NEED_AMBIGUOUS',
      at: node.at,
      message,
      accepted: names.join(', '),
      mend: `Say which: use: { ${key}: ${names[0]} }`,
      nodes: [node.name],
    });
  } else if (!optional && !unclear) {
    const known = registry.providersOf(contract).map((plugin) => plugin.manifest.name);
    const family = known[0]?.split('.')[0];
    findings.add({
      code: 'NEED_UNMET',
      at: entryOf(node.map, 'plugin')?.value.span ?? node.at,
      message: `${title(node)} needs a service that provides ${contract.name} (${contract.summary.replace(/\.$/, '')}), and there is none`,
      accepted: quoteList(known),
      mend: known[0]
        ? `Add below "services:" a line such as ${family}: { plugin: ${known[0]} }`
        : `No plugin at hand provides ${contract.name}@${contract.version}; name its package in "plugins:".`,
      nodes: [node.name],
    });
  }
  return undefined;
}

/** A need for several: their names stand in the option of its name. */
function bindSeveral(
  node: DraftNode,
  key: string,
  draft: Draft,
  providers: ReadonlyMap<symbol, readonly string[]>,
  findings: Findings,
): Record<string, string> {
  const { contract } = contractOf(node.plugin!.manifest.needs[key]!);
  const list = entryOf(node.map, key)?.value;
  // What is no list of names has its finding already.
  if (list?.kind !== 'list') return {};
  const names = (providers.get(contract.token) ?? []).filter((name) => name !== node.name);
  const bound = list.items.flatMap((item) => {
    if (item.kind !== 'scalar' || typeof item.written !== 'string') return [];
    if (refuseReference(item.written, item.span, 'the name of a service', findings)) return [];
    const chosen = { target: item.written, at: item.span };
    return fitting(chosen, { node, contract, names, write: '' }, draft, findings) ?? [];
  });
  if (list.items.length === 0) {
    findings.add({
      code: 'NEED_UNMET',
      at: list.span,
      message: `${title(node)} needs services that provide ${contract.name}, and "${key}" names none`,
      accepted: quoteList(names),
      mend: names.length > 0 ? `Write ${key}: [${names.join(', ')}]` : undefined,
      nodes: [node.name],
    });
  }
  return Object.fromEntries(bound.map((name, n) => [severalKey(key, n), name]));
}

interface Wanted {
  readonly node: DraftNode;
  readonly contract: Contract<unknown>;
  /** Who provides it. */
  readonly names: readonly string[];
  /** Before the name in a mend: `store: `. */
  readonly write: string;
}

/** The name that was chosen, where it provides what is wanted. */
function fitting(
  chosen: { readonly target: string; readonly at: Span },
  { node, contract, names, write }: Wanted,
  draft: Draft,
  findings: Findings,
): string | undefined {
  if (names.includes(chosen.target)) return chosen.target;
  const target = draft.nodes.get(chosen.target);
  if (target && !target.plugin) return undefined;
  const meant = suggest(chosen.target, names) ?? (names.length === 1 ? names[0] : undefined);
  const message =
    target === node
      ? `${title(node)} cannot use itself`
      : target
        ? `"${chosen.target}" (${target.plugin!.manifest.name}) does not provide ${contract.name}, which ${title(node)} needs`
        : `there is no service "${chosen.target}"`;
  findings.add({
    code: 'NEED_TARGET_UNFIT',
    at: chosen.at,
    message,
    accepted: quoteList(names),
    didYouMean: meant,
    mend: meant ? `Write ${write}${meant}` : undefined,
    nodes: [node.name],
  });
  return undefined;
}

/** Nodes so that every need is met by one before it, in the order of the file where needs allow; finds cycles. */
export function orderByNeeds(draft: Draft, findings: Findings): DraftNode[] {
  const order: DraftNode[] = [];
  const state = new Map<DraftNode, 'open' | 'done'>();
  const visit = (node: DraftNode, path: readonly DraftNode[]): void => {
    if (state.get(node) === 'done') return;
    if (state.get(node) === 'open') {
      const cycle = [...path.slice(path.indexOf(node)), node].map(({ name }) => name);
      const message = `these need each other, so none can start first: ${cycle.join(' needs ')}`;
      findings.add({ code: 'NEED_CYCLE', at: node.at, message, nodes: cycle });
      return;
    }
    state.set(node, 'open');
    for (const target of Object.values(node.uses)) {
      const used = target === undefined ? undefined : draft.nodes.get(target);
      if (used) visit(used, [...path, node]);
    }
    state.set(node, 'done');
    order.push(node);
  };
  for (const node of draft.nodes.values()) visit(node, []);
  return order;
}
