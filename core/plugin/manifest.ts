/** Manifests: what a plugin is, as plain data, so that validate, list, schema and editors need none of its code. */
import type { Contract } from '../contracts/index.ts';
import type { CodeDefinition } from '../errors/index.ts';
import { engineEventFamilies } from './engine-events.ts';
import type { EventDefinitions } from './events.ts';
import type { Fields } from './fields.ts';
import type { InputPad, OutputPad } from './pads.ts';

/** The version of this plugin API. Additions keep it, removals raise it; the engine loads the current and the previous. */
export const API_VERSION = 1;

/** A need that may stay unmet. */
export interface OptionalContract<T> {
  readonly optional: Contract<T>;
}

/** Marks a need as optional: the live handle is undefined where the pipeline has no such service. */
export function optional<T>(contract: Contract<T>): OptionalContract<T> {
  return { optional: contract };
}

/** A need of several services of one contract. */
export interface SeveralContracts<T> {
  readonly several: Contract<T>;
}

/**
 * Asks for several services of one contract, as a list of live handles. Which ones, and in which order, the pipeline names in the plugin's
 * own option of that name: `of: [jwt, keys]` for `needs: { of: several(Authorizer) }` with `config: { of: ListOf(Text(...)) }`.
 */
export function several<T>(contract: Contract<T>): SeveralContracts<T> {
  return { several: contract };
}

/** What a plugin asks of others: a contract, one that may stay unmet, or several of one. */
export type Need = Contract<unknown> | OptionalContract<unknown> | SeveralContracts<unknown>;

/** What the machine must have for a plugin to run; checked before start and by `eddy doctor`. */
export interface Requirements {
  /** GStreamer elements, by name. */
  readonly gstreamer?: readonly string[];
  /** GStreamer elements that are used where the machine has a device for them; without any it goes on in software. */
  readonly devices?: readonly string[];
  /** Programs looked up in PATH. */
  readonly binaries?: readonly string[];
}

/** What a manifest's `check` found in a configuration whose every option is valid by itself. */
export interface ConfigProblem {
  /** A code of the manifest's `errors`, without the plugin's name: `PART_TOO_SHORT`. */
  readonly code: string;
  /** The option that it is about. */
  readonly key: string;
  readonly message: string;
  /** Default: the code's. */
  readonly mend?: string;
}

/** A server that a plugin connects to, as `node:net` takes it. */
export type ServerAddress = { readonly host: string; readonly port: number } | { readonly path: string };

/** A plugin's manifest. */
export interface Manifest {
  /** `family.name`, as pipelines write it: `timeshift.ring`. */
  readonly name: string;
  /** Semantic version of the plugin. */
  readonly version: string;
  /** The plugin API it was written for. */
  readonly api: number;
  /** One sentence that says what it does for its user. */
  readonly summary: string;
  readonly config: Fields;
  readonly inputs: Readonly<Record<string, InputPad>>;
  readonly outputs: Readonly<Record<string, OutputPad>>;
  readonly needs: Readonly<Record<string, Need>>;
  readonly provides: Readonly<Record<string, Contract<unknown>>>;
  /** Its own error codes; they print as `family.name/CODE`. */
  readonly errors: Readonly<Record<string, CodeDefinition>>;
  /** The events that it emits, by type: `acme.blurred`. */
  readonly events: EventDefinitions;
  readonly requires: Requirements;
  /** GStreamer elements that this configuration needs besides those that every one does: pure and without I/O, as `check`. */
  readonly elements?: (config: never) => readonly string[];
  /**
   * Looks at options together (a part longer than its segment): pure, quick, without I/O. The values are typed as
   * `config` says; the code's severity decides whether the pipeline is refused.
   */
  readonly check?: (config: never) => readonly ConfigProblem[];
  /** The servers that it connects to with this configuration, for `eddy doctor`: pure and without I/O, as `check`. */
  readonly reaches?: (config: never) => readonly ServerAddress[];
  /** Config keys of {@link Listen} fields and route prefixes that it claims, for the resource check. */
  readonly claims: {
    readonly listens?: readonly string[];
    /** `/hls`, or `{prefix}` for the value of the config key `prefix`. */
    readonly routes?: readonly string[];
    /** Config keys of {@link FilePath} fields that name a folder or file which it writes: is there room, may it? */
    readonly storage?: readonly string[];
  };
}

/** What an author writes: empty parts may be left out. */
export type ManifestInput = Pick<Manifest, 'name' | 'version' | 'api' | 'summary'> &
  Partial<Omit<Manifest, 'config'>> & {
    readonly config?: Fields & { readonly [K in (typeof ENGINE_KEYS)[number]]?: never };
  };

type Part<M, K extends keyof Manifest> = M extends Readonly<Record<K, infer P>> ? P : Record<never, never>;

/** A manifest with its empty parts filled in, keeping the exact type of each part. */
export type Complete<M extends ManifestInput> = Omit<
  Manifest,
  'config' | 'inputs' | 'outputs' | 'needs' | 'provides' | 'events'
> & {
  readonly config: Part<M, 'config'>;
  readonly inputs: Part<M, 'inputs'>;
  readonly outputs: Part<M, 'outputs'>;
  readonly needs: Part<M, 'needs'>;
  readonly provides: Part<M, 'provides'>;
  readonly events: Part<M, 'events'>;
};

/** Config keys that are the engine's on every stage and service. */
export const ENGINE_KEYS = ['plugin', 'use', 'start', 'linger', 'supervise', 'process', 'log', 'allow'] as const;

const NAME = /^[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)+$/;
const PAD_NAME = /^[a-z][a-z0-9-]*$/;
const EVENT_TYPE = /^[a-z][a-z0-9-]*\.[a-z][a-z0-9-]*$/;

/**
 * Checks and completes a manifest. Throws TypeError with a plain message for a mistake that types cannot hold: a bad
 * name, a config key or an event of the engine's, a `reachedBy` that names no input.
 */
export function defineManifest<const M extends ManifestInput>(manifest: M): Complete<M> {
  const fail = (what: string): never => {
    throw new TypeError(`manifest of "${manifest.name}": ${what}`);
  };
  if (!NAME.test(manifest.name)) fail('the name must be family.name in lower case, such as "ingest.srt"');
  for (const key of Object.keys(manifest.config ?? {})) {
    if ((ENGINE_KEYS as readonly string[]).includes(key) || key.startsWith('x-'))
      fail(`the config key "${key}" is the engine's`);
  }
  for (const [need, wanted] of Object.entries(manifest.needs ?? {})) {
    if ('several' in wanted && manifest.config?.[need]?.schema.type !== 'array')
      fail(`the need "${need}" is several(...): it must have a config option "${need}" that lists their names`);
  }
  const inputs = Object.keys(manifest.inputs ?? {});
  for (const pad of [...inputs, ...Object.keys(manifest.outputs ?? {})]) {
    if (!PAD_NAME.test(pad)) fail(`the pad name "${pad}" must be lower case letters, digits and "-"`);
  }
  for (const [pad, spec] of Object.entries(manifest.outputs ?? {})) {
    for (const from of spec.reachedBy ?? []) {
      if (!inputs.includes(from)) fail(`output "${pad}" is reachedBy "${from}", which is no input`);
    }
  }
  for (const type of Object.keys(manifest.events ?? {})) {
    if (!EVENT_TYPE.test(type)) fail(`the event "${type}" must be family.what in lower case, such as "acme.blurred"`);
    const family = type.slice(0, type.indexOf('.'));
    if (engineEventFamilies.has(family)) fail(`events "${family}.*" are the engine's`);
  }
  return {
    config: {},
    inputs: {},
    outputs: {},
    needs: {},
    provides: {},
    errors: {},
    events: {},
    requires: {},
    claims: {},
    ...manifest,
  } as unknown as Complete<M>;
}
