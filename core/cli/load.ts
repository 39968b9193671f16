/** Loading pipelines for the verbs: plugins, checks, findings. */
import { resolve } from 'node:path';
import type { Finding } from '../graph/finding.ts';
import type { CheckedGraph } from '../graph/checked.ts';
import { secretsOf, withApi } from '../graph/implicit.ts';
import { loadPipeline } from '../graph/load.ts';
import { systemProbe } from '../graph/probe.ts';
import { renderFindings } from '../graph/render.ts';
import { loadExternalPlugins } from '../plugin/discovery.ts';
import { createRegistry, type Registry } from '../plugin/registry.ts';
import { UsageError, type Cli, type Parsed } from './cli.ts';

/** The plugins in the box, and those of packages or folders named on the command line. */
export async function registryFor(cli: Cli, sources: readonly string[]): Promise<Registry> {
  let registry = createRegistry(await cli.builtins());
  for (const source of sources) registry = registry.with(await loadExternalPlugins(source, cli.cwd, cli.cwd), source);
  return registry;
}

/** How to check. */
export interface CheckOptions {
  readonly offline?: boolean;
}

/** Checks a pipeline file, with all plugins in the box. Its secrets are told to the redactor of `cli`. */
export async function check(
  file: string,
  cli: Cli,
  options: CheckOptions = {},
): Promise<{ readonly graph?: CheckedGraph | undefined; readonly findings: readonly Finding[] }> {
  const { graph, findings, secrets, registry } = await loadPipeline(resolve(cli.cwd, file), {
    registry: createRegistry(await cli.builtins()),
    env: cli.env,
    ...(options.offline ? { offline: true } : { probe: systemProbe() }),
  });
  if (!graph) return { findings };
  for (const secret of new Set([...secrets, ...secretsOf(graph)])) cli.redactor?.add(secret);
  return { graph: withApi(graph, registry), findings };
}

/** Prints findings for a person. */
export function printFindings(findings: readonly Finding[], print: (text: string) => void, cli: Cli): void {
  if (findings.length > 0) print(`${renderFindings(findings, { colour: cli.colour })}\n`);
}

/** Where the running engine's socket is: --engine, $EDDY_URL, else the data folder. */
export function socketPath(args: Parsed, cli: Cli): string {
  const { engine, data } = args.values;
  if (typeof engine === 'string') return socketOf(engine, cli);
  if (cli.env['EDDY_URL'] !== undefined && data === undefined) return socketOf(cli.env['EDDY_URL'], cli);
  return resolve(cli.cwd, typeof data === 'string' ? data : 'data', 'eddy.sock');
}

function socketOf(engine: string, cli: Cli): string {
  if (/^https?:/.test(engine))
    throw new UsageError(
      `"${engine}" is no socket: an engine is changed through the one in its data folder, data/eddy.sock`,
    );
  return resolve(cli.cwd, engine.replace(/^unix:/, ''));
}
