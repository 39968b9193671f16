/** `eddy inspect PLUGIN`: its configuration, pads, needs and errors. */
import { EddyError } from '../errors/index.ts';
import { describeAccepted, describeCaps } from '../graph/caps.ts';
import { refusesDemand } from '../graph/on-demand.ts';
import { suggest } from '../graph/suggest.ts';
import { objectSchema, type Manifest } from '../plugin/index.ts';
import { contractOf } from '../plugin/registry.ts';
import { EXIT, onePositional, type Verb } from './cli.ts';
import { registryFor } from './load.ts';

export const verb: Verb = {
  summary: "Shows a plugin's configuration, pads, needs and error codes.",
  usage: 'PLUGIN [--plugins SOURCE]... [--json]',
  options: { json: { type: 'boolean' }, plugins: { type: 'string', multiple: true } },
  help: { plugins: 'a package or folder with plugins of your own', json: 'as JSON' },
  async run(args, cli) {
    const name = onePositional(args, 'PLUGIN');
    const registry = await registryFor(cli, (args.values['plugins'] ?? []) as string[]);
    const plugin = registry.get(name);
    if (!plugin) {
      const meant = suggest(name, registry.names());
      throw new EddyError('PLUGIN_UNKNOWN', `there is no plugin "${name}"${meant ? `; did you mean "${meant}"?` : ''}`);
    }
    cli.out(args.values['json'] ? `${JSON.stringify(asJson(plugin.manifest), null, 2)}\n` : describe(plugin.manifest));
    return EXIT.ok;
  },
};

function asJson(manifest: Manifest): unknown {
  const names = (needs: Manifest['needs']): Record<string, string> =>
    Object.fromEntries(
      Object.entries(needs).map(([key, need]) => {
        const { contract, optional, several } = contractOf(need);
        return [key, `${contract.name}${optional ? '?' : several ? '[]' : ''}`];
      }),
    );
  const { config, needs, provides, ...rest } = manifest;
  return {
    ...rest,
    onDemand: refusesDemand(manifest) === undefined,
    config: objectSchema(config),
    needs: names(needs),
    provides: names(provides),
  };
}

function describe(manifest: Manifest): string {
  const lines = [`${manifest.name} ${manifest.version}`, '', manifest.summary];
  const section = (title: string, rows: readonly string[]): void => {
    if (rows.length > 0) lines.push('', `${title}:`, ...rows.map((row) => `  ${row}`));
  };
  section(
    'configuration',
    Object.entries(manifest.config).map(([name, field]) => {
      const value = field.required
        ? 'required'
        : field.default === undefined
          ? 'optional'
          : `default ${JSON.stringify(field.default)}`;
      const unit =
        field.schema['x-unit'] ??
        (field.schema['enum'] ? (field.schema['enum'] as string[]).join(' | ') : field.schema['type']);
      return `${name}: ${String(unit)}, ${value}. ${field.doc}`;
    }),
  );
  section(
    'inputs',
    Object.entries(manifest.inputs).map(
      ([name, pad]) =>
        `${name}: ${pad.type}, takes ${describeAccepted(pad.accepts)}${pad.optional ? ', optional' : ''}. ${pad.doc}`,
    ),
  );
  section(
    'outputs',
    Object.entries(manifest.outputs).map(([name, pad]) => {
      const offers = pad.offers?.map((offer) => `${describeCaps(offer.caps)} (${offer.likelihood})`).join(', ');
      return `${name}: ${pad.type}${offers ? `, gives ${offers}` : ''}. ${pad.doc}`;
    }),
  );
  section(
    'needs',
    Object.entries(manifest.needs).map(([name, need]) => {
      const { contract, optional, several } = contractOf(need);
      return `${name}: ${contract.name}${optional ? ', optional' : several ? `, several, named in "${name}"` : ''}. ${contract.summary}`;
    }),
  );
  section(
    'provides',
    Object.entries(manifest.provides).map(([name, contract]) => `${name}: ${contract.name}. ${contract.summary}`),
  );
  const refusal = refusesDemand(manifest);
  section('start: on-demand', [refusal === undefined ? 'it can run only while it is used.' : `no: ${refusal}.`]);
  section(
    'events',
    Object.entries(manifest.events).map(([type, { meaning, data = {} }]) => {
      const names = Object.keys(data);
      return `${type}${names.length > 0 ? ` (${names.join(', ')})` : ''}: ${meaning}`;
    }),
  );
  section(
    'errors',
    Object.entries(manifest.errors).map(([code, definition]) => `${manifest.name}/${code}: ${definition.meaning}`),
  );
  return `${lines.join('\n')}\n`;
}
