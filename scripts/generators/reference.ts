/** `docs/reference/`: a page a plugin, from its manifest alone. */
import type { Contract } from '../../core/contracts/index.ts';
import { describeAccepted, describeCaps } from '../../core/graph/caps.ts';
import type { AnyPlugin, Field, Fields, LatencyRange, Manifest } from '../../core/plugin/index.ts';
import { contractOf, createRegistry } from '../../core/plugin/registry.ts';
import builtins from '../../plugins/index.ts';
import { cell, code } from '../markdown.ts';

export const owns = ['docs/reference/*.md'];

export async function generate(): Promise<Map<string, string>> {
  const plugins = createRegistry(builtins).list();
  const pages = plugins.map((plugin) => [`docs/reference/${plugin.manifest.name}.md`, page(plugin, plugins)] as const);
  return new Map([['docs/reference/README.md', overview(plugins)], ...pages]);
}

function overview(plugins: readonly AnyPlugin[]): string {
  const lines = [
    '# Plugins in the box',
    '',
    'Made from the manifests. `eddy inspect PLUGIN` prints the same.',
    '',
    '| plugin | what it does |',
    '| --- | --- |',
  ];
  for (const { manifest } of plugins)
    lines.push(`| [\`${manifest.name}\`](${manifest.name}.md) | ${cell(manifest.summary)} |`);
  return `${lines.join('\n')}\n`;
}

function page({ manifest }: AnyPlugin, plugins: readonly AnyPlugin[]): string {
  const lines = [`# ${manifest.name}`, '', manifest.summary, '', '```yaml', example(manifest), '```', ''];
  const table = (title: string, head: readonly string[], rows: readonly (readonly string[])[]): void => {
    if (rows.length === 0) return;
    lines.push(
      `## ${title}`,
      '',
      `| ${head.join(' | ')} |`,
      `|${' --- |'.repeat(head.length)}`,
      ...rows.map((row) => `| ${row.join(' | ')} |`),
      '',
    );
  };
  table('Options', ['option', 'takes', 'default', ''], options(manifest.config));
  table(
    'Inputs',
    ['pad', 'carries', 'takes', ''],
    Object.entries(manifest.inputs).map(([name, pad]) => [
      code(name) + (pad.optional ? '' : ' (required)'),
      code(pad.type),
      cell(describeAccepted(pad.accepts)) + (pad.from === 'all' ? '; several links' : ''),
      cell(pad.doc + late(pad.latency)),
    ]),
  );
  table(
    'Outputs',
    ['pad', 'carries', 'gives', ''],
    Object.entries(manifest.outputs).map(([name, pad]) => [
      code(name),
      code(pad.type),
      cell((pad.offers ?? []).map(({ caps, likelihood }) => `${describeCaps(caps)} (${likelihood})`).join(', ')) ||
        'what comes in',
      cell(pad.doc + late(pad.latency)),
    ]),
  );
  table(
    'Needs',
    ['need', 'contract', 'provided by'],
    Object.entries(manifest.needs).map(([name, need]) => {
      const { contract, optional } = contractOf(need);
      return [
        code(name) + (optional ? ' (optional)' : ''),
        cell(`${contract.name}: ${contract.summary}`),
        providers(contract, plugins),
      ];
    }),
  );
  table(
    'Provides',
    ['contract', ''],
    Object.values(manifest.provides).map((contract) => [code(contract.name), cell(contract.summary)]),
  );
  table(
    'Events',
    ['type', '[data](../events.md)', ''],
    Object.entries(manifest.events).map(([type, { meaning, data = {} }]) => [
      code(type),
      Object.keys(data).map(code).join(', '),
      cell(meaning),
    ]),
  );
  const { gstreamer = [], devices = [], binaries = [] } = manifest.requires;
  if (gstreamer.length + binaries.length > 0) {
    const needed = [
      ...binaries.map((name) => `the program ${code(name)}`),
      ...gstreamer.map((name) => `the GStreamer element ${code(name)}`),
      ...devices.map((name) => `for a device, where there is one: ${code(name)}`),
    ];
    lines.push('## This machine needs', '', ...needed.map((what) => `- ${what}`), '');
  }
  table(
    'Codes',
    ['code', '', 'mend'],
    Object.entries(manifest.errors).map(([name, error]) => [
      code(`${manifest.name}/${name}`),
      cell(error.meaning),
      cell(error.mend),
    ]),
  );
  return `${lines.join('\n').trimEnd()}\n`;
}

function providers(contract: Contract<unknown>, plugins: readonly AnyPlugin[]): string {
  const names = plugins.filter(({ manifest }) =>
    Object.values(manifest.provides).some((provided) => provided.token === contract.token),
  );
  return names.map(({ manifest: { name } }) => `[\`${name}\`](${name}.md)`).join(', ') || 'no plugin in the box';
}

/** The least that a pipeline must write: its name and what has no default. */
function example(manifest: Manifest): string {
  const required = Object.entries(manifest.config).filter(([, field]) => field.required);
  const written = required
    .map(([name, field]) => `, ${name}: ${takes(field).startsWith('list') ? '[...]' : '...'}`)
    .join('');
  return `${manifest.name.split('.')[1]}: { plugin: ${manifest.name}${written} }`;
}

function options(fields: Fields, prefix = ''): string[][] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const row = [code(prefix + name), cell(takes(field)), defaultOf(field), cell(field.doc)];
    const { parts } = field;
    if (parts && 'fields' in parts) return [row, ...options(parts.fields, `${prefix}${name}.`)];
    if (parts && 'item' in parts && parts.item.parts && 'fields' in parts.item.parts)
      return [row, ...options(parts.item.parts.fields, `${prefix}${name}[].`)];
    return [row];
  });
}

const UNIT_WORDS: Readonly<Record<string, string>> = {
  duration: 'duration', bytes: 'size', bitrate: 'bit rate', 'duration-range': 'range of durations', rate: 'rate', loudness: 'loudness', listen: 'address', path: 'path',
}; // prettier-ignore

function takes(field: Field<unknown>): string {
  const { schema } = field;
  if (Array.isArray(schema.enum)) return schema.enum.join(' | ');
  if (typeof schema['x-takes'] === 'string') return schema['x-takes'];
  const unit = UNIT_WORDS[String(schema['x-unit'])];
  if (unit) return unit;
  if (schema['x-secret'] === true) return 'secret';
  if (field.parts && 'item' in field.parts)
    return schema.type === 'array' ? `list of ${takes(field.parts.item)}` : `map to ${takes(field.parts.item)}`;
  if (schema.type === 'object') return 'group';
  const { minimum, maximum } = schema as { minimum?: number; maximum?: number };
  const bounds = minimum === undefined && maximum === undefined ? '' : ` ${minimum ?? ''}..${maximum ?? ''}`;
  if (Array.isArray(schema.type)) return `integer${bounds} | auto`;
  return `${schema.type === 'string' ? 'text' : String(schema.type)}${bounds}`;
}

function defaultOf(field: Field<unknown>): string {
  if (field.required) return '**required**';
  if (field.default === undefined) return '';
  return code(typeof field.default === 'string' ? field.default : JSON.stringify(field.default));
}

const late = (latency: LatencyRange | undefined): string =>
  latency ? ` Holds ${latency.min}..${latency.max} ms.` : '';
