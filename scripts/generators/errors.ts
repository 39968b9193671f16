/** `docs/errors.md`: every code of the core and of the plugins in the box. */
import { catalogue, type CodeDefinition } from '../../core/errors/index.ts';
import builtins from '../../plugins/index.ts';

export const owns = ['docs/errors.md'];

export async function generate(): Promise<Map<string, string>> {
  const areas = new Map<string, [string, CodeDefinition][]>();
  for (const [code, definition] of Object.entries(catalogue)) {
    const area = code.split('_')[0]!;
    areas.set(area, [...(areas.get(area) ?? []), [code, definition]]);
  }
  const lines = [
    '# Error codes',
    '',
    'Made from the catalogue in `core/errors/` and the manifests of the plugins; `eddy explain CODE` prints one of them.',
    'A code is never reused for another meaning. What a kind does to a running pipeline:',
    '',
    '| kind | what it does |',
    '| --- | --- |',
    '| `config`, `caps` | refuse to start (warnings and infos of these kinds are told and do not) |',
    '| `media` | drops, counts, and resyncs at a key frame |',
    '| `peer` | closes one session |',
    '| `resource`, `plugin` | restart the stage |',
    '| `internal` | fails fast: a defect of Eddy |',
    '',
  ];
  for (const [area, codes] of [...areas].sort(([a], [b]) => (a < b ? -1 : 1))) section(lines, area, codes);
  for (const plugin of builtins) {
    const { name, errors } = plugin.manifest;
    const codes = Object.entries(errors).map(
      ([code, definition]) => [`${name}/${code}`, definition] as [string, CodeDefinition],
    );
    if (codes.length > 0) section(lines, name, codes);
  }
  return new Map([['docs/errors.md', `${lines.join('\n').trimEnd()}\n`]]);
}

function section(lines: string[], title: string, codes: readonly (readonly [string, CodeDefinition])[]): void {
  lines.push(`## ${title}`, '');
  for (const [code, { severity, kind, meaning, mend, example }] of codes) {
    lines.push(
      `### \`${code}\``,
      '',
      `${severity}, ${kind}. ${meaning}`,
      '',
      `**Mend:** ${mend}`,
      '',
      '```',
      example.replaceAll('\\n', '\n'),
      '```',
      '',
    );
  }
}
