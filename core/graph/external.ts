/** `plugins:` of a pipeline: packages and paths, with their mistakes as findings at their line. */
import { EddyError } from '../errors/index.ts';
import { loadExternalPlugins } from '../plugin/discovery.ts';
import type { Registry } from '../plugin/registry.ts';
import type { Findings } from './finding.ts';
import { refuseReference } from './references.ts';
import type { Span } from './source.ts';

/** The registry with the plugins of every package that could be loaded. */
export async function discoverPlugins(
  packages: readonly { readonly name: string; readonly at: Span }[],
  registry: Registry,
  baseDir: string,
  findings: Findings,
): Promise<Registry> {
  let all = registry;
  for (const { name, at } of packages) {
    if (refuseReference(name, at, 'a package in "plugins:"', findings)) continue;
    try {
      all = all.with(await loadExternalPlugins(name, baseDir), name);
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      const { mend } = error.details as { mend?: string };
      findings.add({ code: error.code, at, message: error.message, mend });
    }
  }
  return all;
}
