/** `eddy list`: the plugins that a pipeline may use. */
import { registryFor } from './load.ts';
import { EXIT, type Verb } from './cli.ts';

export const verb: Verb = {
  summary: 'Lists the plugins, or those of a family: "eddy list ingest".',
  usage: '[FAMILY] [--plugins SOURCE]... [--json]',
  options: { json: { type: 'boolean' }, plugins: { type: 'string', multiple: true } },
  help: { plugins: 'a package or folder with plugins of your own', json: 'as JSON' },
  async run(args, cli) {
    const registry = await registryFor(cli, (args.values['plugins'] ?? []) as string[]);
    const family = args.positionals[0];
    const manifests = registry
      .list()
      .map((plugin) => plugin.manifest)
      .filter((manifest) => family === undefined || manifest.name.split('.')[0] === family)
      .sort((a, b) => (a.name < b.name ? -1 : 1));
    if (args.values['json']) {
      const rows = manifests.map(({ name, version, api, summary }) => ({ name, version, api, summary }));
      cli.out(`${JSON.stringify(rows, null, 2)}\n`);
    } else {
      const width = Math.max(0, ...manifests.map((manifest) => manifest.name.length));
      for (const manifest of manifests) cli.out(`${manifest.name.padEnd(width)}  ${manifest.summary}\n`);
    }
    return EXIT.ok;
  },
};
