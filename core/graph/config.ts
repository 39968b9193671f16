/** A map of the file against the fields that it may have: JSON Schema first, then units, defaults and paths. */
import { resolve } from 'node:path';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { objectSchema, type Field, type Fields, type JsonSchema } from '../plugin/fields.ts';
import type { Findings } from './finding.ts';
import { refuseConfigError } from './config-errors.ts';
import type { Span } from './source.ts';
import { mendUnit, unitExample, unitOf } from './unit-mend.ts';
import {
  entryOf,
  isShownReference,
  nodeAt,
  ownEntries,
  toPlain,
  type MapNode,
  type ScalarNode,
  type TreeNode,
} from './tree.ts';

/** What a set of fields belongs to. */
export interface ConfigSubject {
  /** For messages: `stage "cmaf" (package.cmaf)`. */
  readonly what: string;
  /** The name or key that stands for it in the file, where something is missing altogether. */
  readonly at: Span;
  /** Relative paths are resolved against it. */
  readonly baseDir: string;
  /** The stage or service. */
  readonly nodes: readonly string[];
  /** More keys that the reader may have meant, for did-you-mean only. */
  readonly alsoKnown?: readonly string[];
}

/** Checks a map and returns its typed values, or undefined where a finding was made. */
export function checkFields(
  map: MapNode,
  fields: Fields,
  subject: ConfigSubject,
  findings: Findings,
): Readonly<Record<string, unknown>> | undefined {
  const before = findings.count;
  const schema = schemaOf(fields);
  coerceReferences(map, schema);
  maskSecrets(map, fields, findings);
  const validate = validatorOf(fields, schema);
  const refused = new Set<string>();
  if (!validate(toPlain(map))) refuseAll(validate.errors ?? [], map, subject, findings, refused);
  const config = new Typed(subject, findings, refused).group(map, fields, '');
  return findings.count > before ? undefined : config;
}

const schemas = new WeakMap<Fields, JsonSchema>();
const validators = new WeakMap<Fields, ValidateFunction>();
let ajv: Ajv | undefined;

function schemaOf(fields: Fields): JsonSchema {
  let schema = schemas.get(fields);
  if (!schema) schemas.set(fields, (schema = objectSchema(fields)));
  return schema;
}

/** Compiled once a manifest, however many stages use it. The cache holds no state of any pipeline. */
function validatorOf(fields: Fields, schema: JsonSchema): ValidateFunction {
  let validate = validators.get(fields);
  if (!validate) {
    ajv ??= new Ajv({
      allErrors: true,
      strict: false,
      verbose: true,
      validateSchema: false,
      meta: false,
      logger: false,
    });
    validators.set(fields, (validate = ajv.compile(schema)));
  }
  return validate;
}

function refuseAll(
  errors: readonly ErrorObject[],
  map: MapNode,
  subject: ConfigSubject,
  findings: Findings,
  refused: Set<string>,
): void {
  // A misspelt key is not a missing one as well: its finding comes first and names the key it stands for.
  const meant = new Set<string>();
  const unknownFirst = [...errors].sort(
    (a, b) => Number(b.keyword === 'additionalProperties') - Number(a.keyword === 'additionalProperties'),
  );
  for (const error of unknownFirst) {
    const path = error.instancePath
      .split('/')
      .slice(1)
      .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
    // One value, one finding: the first says what to do.
    if (error.keyword !== 'required' && error.keyword !== 'additionalProperties' && refused.has(path.join('/')))
      continue;
    if (error.keyword === 'required' && meant.has([...path, error.params.missingProperty].join('/'))) continue;
    refused.add(path.join('/'));
    if (failedIn(map, path)) continue;
    const here = nodeAt(map, path) ?? { node: map };
    const suggestion = refuseConfigError(error, path, here, subject, findings);
    if (suggestion !== undefined) meant.add([...path, suggestion].join('/'));
  }
}

const failedIn = (map: MapNode, path: readonly string[]): boolean => {
  const node = nodeAt(map, path)?.node;
  return node?.kind === 'scalar' && node.failed;
};

/** A value that came from a reference is text; where the schema wants a number or a truth value it is read as one. */
function coerceReferences(node: TreeNode, schema: JsonSchema | undefined): void {
  if (schema === undefined) return;
  if (node.kind === 'scalar') {
    if (!node.resolved || typeof node.value !== 'string') return;
    const numeric = schema.type === 'integer' || schema.type === 'number';
    const text = node.value.trim();
    if (numeric && /^-?\d+(\.\d+)?$/.test(text)) node.value = Number(text);
    if (schema.type === 'boolean' && (text === 'true' || text === 'false')) node.value = text === 'true';
  } else if (node.kind === 'list') {
    for (const item of node.items) coerceReferences(item, schema.items as JsonSchema | undefined);
  } else {
    const properties = schema.properties as Readonly<Record<string, JsonSchema>> | undefined;
    const rest =
      typeof schema.additionalProperties === 'object' ? (schema.additionalProperties as JsonSchema) : undefined;
    for (const entry of ownEntries(node)) coerceReferences(entry.value, properties?.[entry.key] ?? rest);
  }
}

function maskSecrets(map: MapNode, fields: Fields, findings: Findings): void {
  for (const [key, field] of Object.entries(fields)) {
    const value = field.secret ? entryOf(map, key)?.value : undefined;
    if (value) maskSecret(value, field, findings);
  }
}

function maskSecret(node: TreeNode, field: Field<unknown>, findings: Findings): void {
  if (node.kind === 'scalar') {
    if ((node.resolved && isShownReference(node.written)) || node.value === null) return;
    node.secret = true;
    findings.source.mask(node.span);
  } else if (field.parts && 'fields' in field.parts && node.kind === 'map')
    maskSecrets(node, field.parts.fields, findings);
  else if (field.parts && 'item' in field.parts) {
    const items = node.kind === 'list' ? node.items : ownEntries(node).map((entry) => entry.value);
    for (const item of items) maskSecret(item, field.parts.item, findings);
  } else findings.source.mask(node.span);
}

/** The second pass: units, defaults and paths, value by value, so that each finding stands at its own place. */
class Typed {
  readonly #subject: ConfigSubject;
  readonly #findings: Findings;
  readonly #refused: ReadonlySet<string>;

  constructor(subject: ConfigSubject, findings: Findings, refused: ReadonlySet<string>) {
    this.#subject = subject;
    this.#findings = findings;
    this.#refused = refused;
  }

  group(map: MapNode, fields: Fields, path: string): Record<string, unknown> {
    const config: Record<string, unknown> = {};
    for (const [key, field] of Object.entries(fields)) {
      const here = path === '' ? key : `${path}/${key}`;
      const entry = entryOf(map, key);
      config[key] = entry ? this.#value(entry.value, field, here) : this.#default(field);
    }
    return config;
  }

  #default(field: Field<unknown>): unknown {
    if (field.default === undefined) return undefined;
    const parsed = field.parse(field.default);
    if ('error' in parsed) throw new TypeError(`bad default in a manifest: ${parsed.error}`);
    return this.#path(parsed.value, field);
  }

  #value(node: TreeNode, field: Field<unknown>, path: string): unknown {
    if (this.#refused.has(path) || (node.kind === 'scalar' && node.failed)) return undefined;
    const { parts } = field;
    if (parts && 'fields' in parts && node.kind === 'map') return this.group(node, parts.fields, path);
    if (parts && 'item' in parts) return this.#items(node, parts.item, path);
    const parsed = field.parse(toPlain(node));
    if (!('error' in parsed)) return this.#path(parsed.value, field);
    this.#refuse(node, field, path, parsed.error);
    return undefined;
  }

  #items(node: TreeNode, item: Field<unknown>, path: string): unknown {
    if (node.kind === 'list') return node.items.map((value, index) => this.#value(value, item, `${path}/${index}`));
    if (node.kind !== 'map') return undefined;
    return Object.fromEntries(
      ownEntries(node).map((entry) => [entry.key, this.#value(entry.value, item, `${path}/${entry.key}`)]),
    );
  }

  #refuse(node: TreeNode, field: Field<unknown>, path: string, error: string): void {
    const scalar = node as ScalarNode;
    const hidden = field.secret || (node.kind === 'scalar' && scalar.resolved);
    const written = String(node.kind === 'scalar' ? scalar.written : '');
    const said =
      node.kind === 'scalar' && hidden
        ? error.replaceAll(`"${String(scalar.value)}"`, scalar.resolved ? `the value of ${written}` : 'the value')
        : error;
    const mended = hidden ? undefined : mendUnit(written, unitOf(field.schema));
    this.#findings.add({
      code: 'CONFIG_VALUE_INVALID',
      at: node.span,
      message: `${this.#subject.what}: "${path.replaceAll('/', '.')}": ${said}`,
      didYouMean: mended,
      mend: mended ? `Write ${mended}` : mendBounds(error, field),
      nodes: this.#subject.nodes,
    });
  }

  #path(value: unknown, field: Field<unknown>): unknown {
    if (unitOf(field.schema) !== 'path' || typeof value !== 'string') return value;
    return resolve(this.#subject.baseDir, value);
  }
}

function mendBounds(error: string, field: Field<unknown>): string {
  const bound = /(least|most) allowed, (\S+)$/.exec(error);
  return bound
    ? `Write at ${bound[1]} ${bound[2]}`
    : `Write a value such as ${unitExample({ ...field.schema, default: undefined })}`;
}
