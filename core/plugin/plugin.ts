/** Plugins: a manifest and a loader for the code behind it. */
import type { Context, Running } from './context.ts';
import type { Manifest } from './manifest.ts';

/** The module that a plugin's loader imports. */
export interface PluginModule<M> {
  create(context: Context<M>): Running<M> | Promise<Running<M>>;
}

/** A plugin as a package exports it: `export default definePlugin(manifest, () => import('./ring.ts'))`. */
export interface Plugin<M = unknown> {
  readonly manifest: M;
  readonly load: () => Promise<PluginModule<M>>;
}

/** A plugin whose manifest type is not known here: what the registry holds. */
export interface AnyPlugin {
  readonly manifest: Manifest;
  readonly load: () => Promise<{ create(context: never): unknown }>;
}

/** Joins a manifest with its code. The code is imported only when a pipeline that uses the plugin starts. */
export function definePlugin<const M>(manifest: M, load: () => Promise<PluginModule<M>>): Plugin<M> {
  return { manifest, load };
}
