/**
 * Fields of a plugin's configuration. One declaration gives the validator's JSON Schema, the editor schema, the
 * reference page and the compile-time type. Validation never changes a value; units and defaults are a pass after it.
 */
import {
  parseBitrate,
  parseBytes,
  parseDuration,
  parseDurationRange,
  parseListen,
  parseRate,
  type Parsed,
} from './units.ts';

/** A JSON Schema as plain data. */
export type JsonSchema = { readonly [key: string]: unknown };

/** What every field may say of itself. */
export interface FieldOptions<Default> {
  /** One sentence for the reference page and the editor. */
  readonly doc: string;
  /** Written as in YAML (`'2m'`); absent with `optional` absent means: required. */
  readonly default?: Default;
  /** May be left out without a default: the configuration then holds undefined. */
  readonly optional?: boolean;
}

/** A typed configuration field. */
export interface Field<T> {
  readonly doc: string;
  readonly schema: JsonSchema;
  /** As written in YAML; undefined where there is none. */
  readonly default: unknown;
  readonly required: boolean;
  /** Its value is never printed. */
  readonly secret: boolean;
  /** Turns a value that passed the schema into the typed one: units, nested defaults. */
  readonly parse: (raw: unknown) => Parsed<T>;
  /** What a group, list or map is made of, so that a check can point at the very value that is wrong. */
  readonly parts?: { readonly fields: Fields } | { readonly item: Field<unknown> };
  /** Never set; carries T for the compiler. */
  readonly type?: T;
}

/** The fields of a plugin. */
export type Fields = Readonly<Record<string, Field<unknown>>>;

/** The typed configuration that these fields give. */
export type ConfigOf<F extends Fields> = { readonly [K in keyof F]: F[K] extends Field<infer T> ? T : never };

type Maybe<T, O> = O extends { readonly optional: true } ? T | undefined : T;

function field<T>(
  schema: JsonSchema,
  options: FieldOptions<unknown>,
  parse: (raw: unknown) => Parsed<T>,
  secret = false,
  parts?: Field<T>['parts'],
) {
  return {
    doc: options.doc,
    schema: {
      ...schema,
      description: options.doc,
      ...(options.default === undefined ? {} : { default: options.default }),
    },
    default: options.default,
    required: options.default === undefined && options.optional !== true,
    secret,
    parse,
    ...(parts === undefined ? {} : { parts }),
  };
}

const text =
  <T>(parse: (text: string) => Parsed<T>) =>
  (raw: unknown): Parsed<T> =>
    typeof raw === 'string' ? parse(raw) : { error: 'expected text' };

const asIs = <T>(raw: unknown): Parsed<T> => ({ value: raw as T });

/** Bounds of a unit field, written with units. */
interface Bounds {
  readonly min?: string;
  readonly max?: string;
}

function bounded(parse: (text: string) => Parsed<number>, bounds: Bounds) {
  const limit = (written: string | undefined): number | undefined => {
    if (written === undefined) return undefined;
    const parsed = parse(written);
    if ('error' in parsed) throw new TypeError(`bad bound in a manifest: ${parsed.error}`);
    return parsed.value;
  };
  const min = limit(bounds.min);
  const max = limit(bounds.max);
  return text((written: string): Parsed<number> => {
    const parsed = parse(written);
    if ('error' in parsed) return parsed;
    if (min !== undefined && parsed.value < min)
      return { error: `"${written}" is below the least allowed, ${bounds.min}` };
    if (max !== undefined && parsed.value > max)
      return { error: `"${written}" is above the most allowed, ${bounds.max}` };
    return parsed;
  });
}

/** A duration (`2s`); the configuration holds milliseconds. */
export function Duration<const O extends FieldOptions<string> & Bounds>(options: O): Field<Maybe<number, O>> {
  return field({ type: 'string', 'x-unit': 'duration' }, options, bounded(parseDuration, options));
}

/** A size (`512MiB`); the configuration holds bytes. */
export function Bytes<const O extends FieldOptions<string> & Bounds>(options: O): Field<Maybe<number, O>> {
  return field({ type: 'string', 'x-unit': 'bytes' }, options, bounded(parseBytes, options));
}

/** A bit rate (`2.5Mbps`); the configuration holds bits a second. */
export function Bitrate<const O extends FieldOptions<string> & Bounds>(options: O): Field<Maybe<number, O>> {
  return field({ type: 'string', 'x-unit': 'bitrate' }, options, bounded(parseBitrate, options));
}

/** A range of durations (`500ms..30s`), in ms. */
export function DurationRange<const O extends FieldOptions<string>>(
  options: O,
): Field<Maybe<{ readonly min: number; readonly max: number }, O>> {
  return field({ type: 'string', 'x-unit': 'duration-range' }, options, text(parseDurationRange));
}

/** So many in a duration (`5 in 2m`); `within` is in ms. */
export function Rate<const O extends FieldOptions<string>>(
  options: O,
): Field<Maybe<{ readonly count: number; readonly within: number }, O>> {
  return field({ type: 'string', 'x-unit': 'rate' }, options, text(parseRate));
}

/** An address to listen on (`127.0.0.1:8080`); port 0 asks the system for a free one. */
export function Listen<const O extends FieldOptions<string>>(
  options: O,
): Field<Maybe<{ readonly host: string; readonly port: number }, O>> {
  return field({ type: 'string', 'x-unit': 'listen' }, options, text(parseListen));
}

/** Free text, optionally held to a pattern. */
export function Text<const O extends FieldOptions<string> & { readonly pattern?: string }>(
  options: O,
): Field<Maybe<string, O>> {
  const schema = { type: 'string', ...(options.pattern === undefined ? {} : { pattern: options.pattern }) };
  return field(schema, options, asIs) as Field<Maybe<string, O>>;
}

/** Text that is never printed; write it as `${secret:name}` or `${env:NAME}`. */
export function Secret<const O extends FieldOptions<string>>(options: O): Field<Maybe<string, O>> {
  return field({ type: 'string', 'x-secret': true }, options, asIs, true) as Field<Maybe<string, O>>;
}

/** A file or folder; relative ones are resolved against the pipeline file's folder. */
export function FilePath<const O extends FieldOptions<string>>(options: O): Field<Maybe<string, O>> {
  return field({ type: 'string', 'x-unit': 'path' }, options, asIs) as Field<Maybe<string, O>>;
}

/** A whole number. */
export function Integer<const O extends FieldOptions<number> & { readonly min?: number; readonly max?: number }>(
  options: O,
): Field<Maybe<number, O>> {
  const schema = {
    type: 'integer',
    ...(options.min === undefined ? {} : { minimum: options.min }),
    ...(options.max === undefined ? {} : { maximum: options.max }),
  };
  return field(schema, options, asIs) as Field<Maybe<number, O>>;
}

/** A whole number, or `auto`: the plugin finds out. */
export function IntegerOrAuto<
  const O extends FieldOptions<number | 'auto'> & { readonly min: number; readonly max: number },
>(options: O): Field<Maybe<number | 'auto', O>> {
  // Bounds hold for numbers and the pattern for text, so that one mistake is one finding; a union would make three.
  const schema = { type: ['integer', 'string'], minimum: options.min, maximum: options.max, pattern: '^auto$' };
  return field(schema, options, asIs) as Field<Maybe<number | 'auto', O>>;
}

/** `true` or `false`. */
export function Flag<const O extends FieldOptions<boolean>>(options: O): Field<Maybe<boolean, O>> {
  return field({ type: 'boolean' }, options, asIs) as Field<Maybe<boolean, O>>;
}

/** One of a fixed set of words: a real JSON enum, so that a typo gives one finding. */
export function OneOf<const V extends readonly string[], const O extends FieldOptions<V[number]>>(
  values: V,
  options: O,
): Field<Maybe<V[number], O>> {
  return field({ type: 'string', enum: values }, options, asIs) as Field<Maybe<V[number], O>>;
}

/** A list of one kind of field. */
export function ListOf<T, const O extends FieldOptions<readonly unknown[]>>(
  item: Field<T>,
  options: O,
): Field<Maybe<readonly T[], O>> {
  const parse = (raw: unknown): Parsed<readonly T[]> => {
    const values: T[] = [];
    for (const [index, entry] of (raw as unknown[]).entries()) {
      const parsed = item.parse(entry);
      if ('error' in parsed) return { error: `item ${index + 1}: ${parsed.error}` };
      values.push(parsed.value);
    }
    return { value: values };
  };
  return field({ type: 'array', items: item.schema }, options, parse, item.secret, { item });
}

/** A map from free names to one kind of field. */
export function MapOf<T, const O extends FieldOptions<Readonly<Record<string, unknown>>>>(
  item: Field<T>,
  options: O,
): Field<Maybe<Readonly<Record<string, T>>, O>> {
  const parse = (raw: unknown): Parsed<Readonly<Record<string, T>>> => {
    const values: Record<string, T> = {};
    for (const [name, entry] of Object.entries(raw as Record<string, unknown>)) {
      const parsed = item.parse(entry);
      if ('error' in parsed) return { error: `${name}: ${parsed.error}` };
      values[name] = parsed.value;
    }
    return { value: values };
  };
  return field({ type: 'object', additionalProperties: item.schema }, options, parse, item.secret, { item });
}

/** A nested group of fields. */
export function Group<const F extends Fields, const O extends FieldOptions<Readonly<Record<string, unknown>>>>(
  fields: F,
  options: O,
): Field<Maybe<ConfigOf<F>, O>> {
  const parse = (raw: unknown) => parseFields(fields, raw as Record<string, unknown>);
  return field(objectSchema(fields), options, parse, secretIn(fields), { fields });
}

const secretIn = (fields: Fields): boolean => Object.values(fields).some((entry) => entry.secret);

/** The JSON Schema of a set of fields: unknown keys are errors. */
export function objectSchema(fields: Fields): JsonSchema {
  const required = Object.entries(fields).flatMap(([name, entry]) => (entry.required ? [name] : []));
  return {
    type: 'object',
    properties: Object.fromEntries(Object.entries(fields).map(([name, entry]) => [name, entry.schema])),
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  };
}

/** Applies units and defaults to values that passed the schema. The error names the key that is wrong. */
export function parseFields<F extends Fields>(
  fields: F,
  raw: Readonly<Record<string, unknown>>,
): Parsed<ConfigOf<F>> & { key?: string } {
  const config: Record<string, unknown> = {};
  for (const [name, entry] of Object.entries(fields)) {
    const written = raw[name] ?? entry.default;
    if (written === undefined) {
      config[name] = undefined;
      continue;
    }
    const parsed = entry.parse(written);
    if ('error' in parsed) return { error: `${name}: ${parsed.error}`, key: name };
    config[name] = parsed.value;
  }
  return { value: config as ConfigOf<F> };
}
