/** `docs/events.md`: every event of the engine and of the plugins in the box. */
import { engineEvents } from '../../core/plugin/engine-events.ts';
import type { EventDefinition, EventDefinitions } from '../../core/plugin/index.ts';
import builtins from '../../plugins/index.ts';
import { cell, code } from '../markdown.ts';

export const owns = ['docs/events.md'];

export async function generate(): Promise<Map<string, string>> {
  const lines = [
    '# Events',
    '',
    'Made from the catalogue in `core/plugin/engine-events.ts` and the manifests of the plugins. Every event has `type` and `at`',
    '(server time, epoch ms), and where it is about one `camera` and `stage` (also the name of a service); the table tells its `data`.',
    'Entries of `data` in brackets may be missing. New entries and new types may come; a type is never reused for another meaning.',
    '[How to receive them](guides/events.md).',
    '',
  ];
  section(lines, 'The engine', engineEvents);
  for (const { manifest } of builtins)
    if (Object.keys(manifest.events).length > 0) section(lines, manifest.name, manifest.events);
  return new Map([['docs/events.md', `${lines.join('\n').trimEnd()}\n`]]);
}

function section(lines: string[], title: string, events: EventDefinitions): void {
  lines.push(`## ${title}`, '', '| type | what has happened | data |', '| --- | --- | --- |');
  for (const [type, event] of Object.entries(events))
    lines.push(`| ${code(type)} | ${cell(event.meaning)} | ${dataOf(event)} |`);
  lines.push('');
}

function dataOf({ data = {} }: EventDefinition): string {
  const entries = Object.entries(data).map(([name, { type, doc, optional }]) => {
    const shown = `${code(name)} ${type}`;
    return `${optional ? `[${shown}]` : shown}: ${cell(doc)}`;
  });
  return entries.join('<br>');
}
