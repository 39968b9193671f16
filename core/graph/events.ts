/** Patterns of events: each must stand for an event that the engine or some plugin tells, else it would wait for ever. */
import { EVENT_PATTERNS, matchesEvent } from '../plugin/event-filter.ts';
import { engineEvents } from '../plugin/engine-events.ts';
import type { Registry } from '../plugin/registry.ts';
import type { Draft } from './draft.ts';
import type { Findings } from './finding.ts';
import { suggest } from './suggest.ts';
import { entryOf } from './tree.ts';

/** Looks at every option that holds patterns of events. */
export function checkEvents(draft: Draft, plugins: Registry, findings: Findings): void {
  const types = [engineEvents, ...plugins.list().map(({ manifest }) => manifest.events)].flatMap((events) =>
    Object.keys(events),
  );
  const families = types.filter((type) => type.includes('.')).map((type) => `${type.slice(0, type.indexOf('.'))}.*`);
  for (const node of draft.nodes.values()) {
    for (const [key, field] of Object.entries(node.plugin?.manifest.config ?? {})) {
      if (field.schema[EVENT_PATTERNS] !== true) continue;
      for (const [index, pattern] of ((node.config?.[key] ?? []) as readonly string[]).entries()) {
        if (types.some((type) => matchesEvent(pattern, type))) continue;
        const list = entryOf(node.map, key)?.value;
        const at = (list?.kind === 'list' ? list.items[index]?.span : undefined) ?? list?.span ?? node.at;
        const meant = suggest(pattern, new Set([...types, ...families]));
        findings.add({
          code: 'EVENT_UNKNOWN',
          at,
          nodes: [node.name],
          message: `${node.name} waits for events "${pattern}", and nothing tells such events`,
          didYouMean: meant,
          ...(meant !== undefined && { mend: `Write ${meant}` }),
        });
      }
    }
  }
}
