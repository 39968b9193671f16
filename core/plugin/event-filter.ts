/** Which events somebody wants: an option for plugins that pass events on, and its meaning. */
import { ListOf, Text, type Field, type FieldOptions } from './fields.ts';

/** Marks a field whose texts are patterns of event types; the graph checks hold them against all types that there are. */
export const EVENT_PATTERNS = 'x-event-patterns';

/**
 * Patterns of event types: `session.started`, `session.*` for a family, `*` for all. One that fits no event of the engine
 * or of a plugin is refused before the start.
 */
export function EventPatterns<const O extends FieldOptions<readonly string[]>>(options: O): Field<readonly string[]> {
  const type = Text({
    doc: 'A type, "session.*" for a family, or "*" for all.',
    pattern: '^(\\*|[a-z][a-z0-9-]*(\\.(\\*|[a-z][a-z0-9-]*))?)$',
  });
  const list = ListOf(type, options) as Field<readonly string[]>;
  return { ...list, schema: { ...list.schema, [EVENT_PATTERNS]: true, minItems: 1 } };
}

/** Whether a type is one of those that the pattern stands for. */
export function matchesEvent(pattern: string, type: string): boolean {
  if (pattern === '*') return true;
  return pattern.endsWith('.*') ? type.startsWith(pattern.slice(0, -1)) : pattern === type;
}
