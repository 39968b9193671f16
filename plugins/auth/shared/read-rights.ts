/**
 * Rights as JSON: of a token's claim, of a webhook's answer. Names are those of the pipeline file in camel case, values are written as
 * there (`"rewind": "30m"`). An unknown name is an error: a misspelt limit would be no limit.
 */
import type { Field, Fields, JsonSchema } from 'eddy/plugin';

/** What was read, or what is wrong, for the one who wrote it. */
export type Read<T> = { readonly value: T } | { readonly error: string };

/** Reads the members that `fields` names, in camel case; what is absent is undefined, also where the file has a default. */
export function readJsonFields<F extends Fields>(
  fields: F,
  raw: unknown,
): Read<{ readonly [K in keyof F]: (F[K] extends Field<infer T> ? T : never) | undefined }> {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) return { error: 'it is no object' };
  const members = raw as Readonly<Record<string, unknown>>;
  const names = new Map(Object.keys(fields).map((key) => [camelCase(key), key]));
  const unknown = Object.keys(members).find((name) => !names.has(name));
  if (unknown !== undefined) {
    return { error: `it has no member "${unknown.slice(0, 40)}"; there are ${[...names.keys()].join(', ')}` };
  }
  const read: Record<string, unknown> = {};
  for (const [name, key] of names) {
    const written = Object.hasOwn(members, name) ? members[name] : undefined;
    if (written === undefined || written === null) continue;
    const field = fields[key]!;
    const wrong = mismatch(field.schema, written);
    if (wrong !== undefined) return { error: `"${name}" ${wrong}` };
    const parsed = field.parse(written);
    if ('error' in parsed) return { error: `"${name}": ${parsed.error.slice(0, 200)}` };
    read[key] = parsed.value;
  }
  return { value: read as never };
}

const camelCase = (key: string): string => key.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** The few words of JSON Schema that our fields use. */
function mismatch(schema: JsonSchema, value: unknown): string | undefined {
  const types = [schema.type].flat() as string[];
  if (!types.some((type) => isOfType(type, value))) return `must be ${types.join(' or ')}`;
  if (Array.isArray(value)) {
    for (const item of value) {
      const wrong = mismatch(schema.items as JsonSchema, item);
      if (wrong !== undefined) return `has an item that ${wrong}`;
    }
  }
  const choices = schema.enum as readonly unknown[] | undefined;
  if (choices && !choices.includes(value)) return `must be one of ${choices.join(', ')}`;
  if (typeof value === 'number' && typeof schema.minimum === 'number' && value < schema.minimum) {
    return `must be ${schema.minimum} at least`;
  }
  if (typeof value === 'string' && typeof schema.pattern === 'string' && !new RegExp(schema.pattern).test(value)) {
    return `must match ${schema.pattern}`;
  }
  return undefined;
}

function isOfType(type: string, value: unknown): boolean {
  if (type === 'array') return Array.isArray(value);
  if (type === 'integer') return Number.isSafeInteger(value);
  return typeof value === type;
}
