/** `eddy explain CODE`: what a code means and what to do about it. */
import { catalogue, EddyError, type CodeDefinition } from '../errors/index.ts';
import { suggest } from '../graph/suggest.ts';
import { EXIT, onePositional, type Cli, type Verb } from './cli.ts';

async function codes(cli: Cli): Promise<Record<string, CodeDefinition>> {
  const all: Record<string, CodeDefinition> = { ...catalogue };
  for (const plugin of await cli.builtins()) {
    for (const [code, definition] of Object.entries(plugin.manifest.errors))
      all[`${plugin.manifest.name}/${code}`] = definition;
  }
  return all;
}

export const verb: Verb = {
  summary: 'Says what an error code means and how to mend it.',
  usage: 'CODE [--json]',
  options: { json: { type: 'boolean' } },
  help: { json: 'as JSON' },
  async run(args, cli) {
    const code = onePositional(args, 'CODE');
    const all = await codes(cli);
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
