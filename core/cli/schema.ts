/** `eddy schema`: the JSON Schema of pipelines, for editors. */
import { pipelineSchema } from '../graph/schema.ts';
import { EXIT, type Verb } from './cli.ts';
import { registryFor } from './load.ts';

export const verb: Verb = {
  summary: 'Prints the JSON Schema of pipeline files, for editors.',
  usage: '[--plugins SOURCE]...',
  options: { plugins: { type: 'string', multiple: true } },
  help: { plugins: 'a package or folder with plugins of your own, to be included' },
  async run(args, cli) {
    const registry = await registryFor(cli, (args.values['plugins'] ?? []) as string[]);
    cli.out(`${JSON.stringify(pipelineSchema(registry), null, 2)}\n`);
    return EXIT.ok;
  },
};
