/** The plugins that a pipeline may name, by name. */
import { EddyError } from '../errors/index.ts';
import type { Contract } from '../contracts/index.ts';
import { API_VERSION, type Need } from './manifest.ts';
import type { AnyPlugin } from './plugin.ts';

/** The API versions that this engine loads: the current and the previous. */
export const SUPPORTED_APIS: readonly number[] = API_VERSION > 1 ? [API_VERSION - 1, API_VERSION] : [API_VERSION];

/** A set of plugins; it never changes, `with` makes a larger one. */
export interface Registry {
  get(name: string): AnyPlugin | undefined;
  /** All of them, by name. */
  list(): readonly AnyPlugin[];
  names(): readonly string[];
  /** Where a plugin came from: `built in`, or the package or path that `plugins:` names. */
  originOf(name: string): string | undefined;
  /** Plugins that provide this contract in this version. */
  providersOf(contract: Contract<unknown>): readonly AnyPlugin[];
  /** This set and more; throws PLUGIN_NAME_TAKEN, PLUGIN_API_UNSUPPORTED or PLUGIN_INVALID. */
  with(plugins: readonly AnyPlugin[], origin: string): Registry;
}

/** A registry of these plugins; throws as {@link Registry.with} does. */
export function createRegistry(plugins: readonly AnyPlugin[], origin = 'built in'): Registry {
  return make(new Map()).with(plugins, origin);
}

interface Entry {
  readonly plugin: AnyPlugin;
  readonly origin: string;
}

function make(entries: ReadonlyMap<string, Entry>): Registry {
  const names = [...entries.keys()].sort();
  const plugins = names.map((name) => entries.get(name)!.plugin);
  return {
    get: (name) => entries.get(name)?.plugin,
    list: () => plugins,
    names: () => names,
    originOf: (name) => entries.get(name)?.origin,
    providersOf: (contract) => plugins.filter((plugin) => providedBy(plugin, contract) !== undefined),
    with(added, origin) {
      const next = new Map(entries);
      for (const plugin of added) {
        assertPlugin(plugin, origin);
        const { name } = plugin.manifest;
        const taken = next.get(name);
        if (taken && taken.plugin !== plugin) {
          throw new EddyError(
            'PLUGIN_NAME_TAKEN',
            `"${name}" of ${origin} is the name of a plugin that is ${describeOrigin(taken.origin)}`,
          );
        }
        next.set(name, { plugin, origin });
      }
      return make(next);
    },
  };
}

const describeOrigin = (origin: string): string => (origin === 'built in' ? origin : `there from ${origin}`);

/** Throws PLUGIN_INVALID or PLUGIN_API_UNSUPPORTED for what is no plugin that this engine can load. */
export function assertPlugin(value: unknown, origin: string): asserts value is AnyPlugin {
  const plugin = value as Partial<AnyPlugin> | null | undefined;
  const manifest = plugin?.manifest;
  if (typeof manifest !== 'object' || typeof manifest?.name !== 'string' || typeof plugin?.load !== 'function') {
    throw new EddyError('PLUGIN_INVALID', `${origin} does not export a plugin`);
  }
  if (!SUPPORTED_APIS.includes(manifest.api)) {
    const newer = typeof manifest.api === 'number' && manifest.api > API_VERSION;
    throw new EddyError(
      'PLUGIN_API_UNSUPPORTED',
      `"${manifest.name}" of ${origin} is written for plugin API ${manifest.api}; this Eddy takes ${SUPPORTED_APIS.join(' and ')}` +
        (newer ? ' (the plugin is newer than this Eddy)' : ''),
      { details: { plugin: manifest.name, api: manifest.api, supported: SUPPORTED_APIS } },
    );
  }
  // A manifest written as a plain object instead of by defineManifest lacks its empty parts, and every check would fall over.
  for (const part of [
    'config',
    'inputs',
    'outputs',
    'needs',
    'provides',
    'errors',
    'events',
    'requires',
    'claims',
  ] as const) {
    if (typeof manifest[part] !== 'object') {
      throw new EddyError(
        'PLUGIN_INVALID',
        `the manifest of "${manifest.name}" of ${origin} was not made by defineManifest ("${part}" is missing)`,
      );
    }
  }
}

/** The contract behind a need, whether it may stay unmet, and whether it is for several services. */
export function contractOf(need: Need): {
  readonly contract: Contract<unknown>;
  readonly optional: boolean;
  readonly several: boolean;
} {
  if ('optional' in need) return { contract: need.optional, optional: true, several: false };
  if ('several' in need) return { contract: need.several, optional: false, several: true };
  return { contract: need, optional: false, several: false };
}

/** The key in a node's `uses` under which it is bound to the n-th service (from 0) of a need for several. */
export const severalKey = (need: string, n: number): string => `${need}[${n}]`;

/** The key of `provides` under which a plugin provides this contract in this version. */
export function providedBy(plugin: AnyPlugin, contract: Contract<unknown>): string | undefined {
  return Object.entries(plugin.manifest.provides).find(([, provided]) => provided.token === contract.token)?.[0];
}
