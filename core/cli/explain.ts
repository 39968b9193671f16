/** `eddy explain CODE`: what a code means and what to do about it. */
import { catalogue, EddyError, type CodeDefinition } from '../errors/index.ts';
import { suggest } from '../graph/suggest.ts';
import { EXIT, onePositional, type Cli, type Verb } from './cli.ts';
import { registryFor } from './load.ts';

async function codes(cli: Cli, sources: readonly string[]): Promise<Record<string, CodeDefinition>> {
  const all: Record<string, CodeDefinition> = { ...catalogue };
  const registry = await registryFor(cli, sources);
  for (const name of registry.names()) {
    for (const [code, definition] of Object.entries(registry.get(name)!.manifest.errors))
      all[`${name}/${code}`] = definition;
  }
  return all;
}

export const verb: Verb = {
  summary: 'Says what an error code means and how to mend it.',
  usage: 'CODE [--plugins SOURCE]... [--json]',
  options: { json: { type: 'boolean' }, plugins: { type: 'string', multiple: true } },
  help: { plugins: 'a package or folder with plugins of your own', json: 'as JSON' },
  async run(args, cli) {
    const code = onePositional(args, 'CODE');
    const all = await codes(cli, (args.values['plugins'] ?? []) as string[]);
    const definition = all[code];
    if (!definition) {
      const meant = suggest(code.toUpperCase(), Object.keys(all)) ?? suggest(code, Object.keys(all));
      throw new EddyError('CODE_UNKNOWN', `there is no code "${code}"${meant ? `; did you mean "${meant}"?` : ''}`);
    }
    if (args.values['json']) cli.out(`${JSON.stringify({ code, ...definition }, null, 2)}\n`);
    else
      cli.out(
        `${code} (${definition.severity}, ${definition.kind})\n\n${definition.meaning}\n\nmend:    ${definition.mend}\nexample: ${definition.example}\n`,
      );
    return EXIT.ok;
  },
};
