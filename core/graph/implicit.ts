/** Services that a pipeline has without naming them. */
import { HttpServer } from '../contracts/index.ts';
import { parseFields, type Field, type Fields } from '../plugin/fields.ts';
import type { AnyPlugin } from '../plugin/plugin.ts';
import { contractOf, providedBy, type Registry } from '../plugin/registry.ts';
import type { CheckedGraph, CheckedNode } from './checked.ts';
import { nodeHash } from './hash.ts';

/** The plugin that serves health, metrics and the API. */
const API_PLUGIN = 'web.api';

/**
 * The graph with health, metrics and the API on its HTTP server (the one that `observe.http` names, else the first),
 * unless it names them itself or has no HTTP server.
 */
export function withApi(graph: CheckedGraph, registry: Registry): CheckedGraph {
  const plugin = registry.get(API_PLUGIN);
  const servers = graph.nodes.filter((node) => providedBy(node.plugin, HttpServer) !== undefined);
  const server = servers.find((node) => node.name === graph.observe.http) ?? servers[0];
  if (!plugin || !server || graph.nodes.some((node) => node.plugin.manifest.name === API_PLUGIN)) return graph;
  const config = parseFields(plugin.manifest.config, {});
  if ('error' in config) return graph;
  const api: CheckedNode = {
    name: freeName('api', graph),
    kind: 'service',
    plugin,
    config: config.value,
    written: {},
    hash: nodeHash(API_PLUGIN, plugin.manifest.version, config.value),
    start: 'always',
    linger: 0,
    supervise: server.supervise,
    log: undefined,
    uses: { ...firstProviders(graph, plugin), http: server.name },
    position: server.position,
  };
  const after = graph.nodes.indexOf(server) + 1;
  return { ...graph, nodes: [...graph.nodes.slice(0, after), api, ...graph.nodes.slice(after)] };
}

/** Its optional needs are met where they can be; of several providers the first. */
function firstProviders(graph: CheckedGraph, plugin: AnyPlugin): Record<string, string | undefined> {
  const needs = Object.entries(plugin.manifest.needs);
  return Object.fromEntries(
    needs.map(([key, need]) => {
      const { contract } = contractOf(need);
      return [key, graph.nodes.find((node) => providedBy(node.plugin, contract) !== undefined)?.name];
    }),
  );
}

function freeName(wish: string, graph: CheckedGraph): string {
  let name = wish;
  for (let n = 2; graph.nodes.some((node) => node.name === name); n++) name = `${wish}-${n}`;
  return name;
}

/** Every secret of the configuration, for logs to leave out. */
export function secretsOf(graph: CheckedGraph): string[] {
  return graph.nodes.flatMap((node) => secretsIn(node.plugin.manifest.config, node.config));
}

function secretsIn(fields: Fields, config: Readonly<Record<string, unknown>>): string[] {
  return Object.entries(fields).flatMap(([key, field]) => (field.secret ? secretsOfField(field, config[key]) : []));
}

/** Only the secret leaves: the subject and the cameras beside a token are what logs are for. */
function secretsOfField({ parts }: Field<unknown>, value: unknown): string[] {
  if (value === undefined || value === null) return [];
  if (parts && 'fields' in parts) return secretsIn(parts.fields, value as Record<string, unknown>);
  if (parts) return Object.values(value).flatMap((item) => secretsOfField(parts.item, item));
  return typeof value === 'string' && value !== '' ? [value] : [];
}
