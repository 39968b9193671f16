/** Whether events are what their types declare: what the compiler cannot see of plugins in plain JavaScript, and of casts. */
import { engineEvents } from '../plugin/engine-events.ts';
import type { EventDefinitions, PipelineEvent } from '../plugin/index.ts';

/** What is wrong with an event by the engine's definitions and these, one line each. */
export function flawsOf({ type, data = {} }: PipelineEvent, declared: EventDefinitions): string[] {
  const definition = (engineEvents as EventDefinitions)[type] ?? declared[type];
  if (!definition) return [`event "${type}" is declared by nobody`];
  const fields = definition.data ?? {};
  const wrong = Object.entries(fields).filter(([name, field]) => {
    const value = data[name];
    return value === undefined ? field.optional !== true : typeof value !== field.type;
  });
  const foreign = Object.keys(data).filter((name) => fields[name] === undefined);
  return [
    ...wrong.map(([name, { type: word }]) => `event "${type}": data.${name} is ${typeof data[name]}, not ${word}`),
    ...foreign.map((name) => `event "${type}" does not declare data.${name}`),
  ];
}
