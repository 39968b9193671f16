/** The validator's errors in words for the reader of a pipeline. */
import type { ErrorObject } from 'ajv';
import type { JsonSchema } from '../plugin/fields.ts';
import type { ConfigSubject } from './config.ts';
import { quoteList, type FindingInput, type Findings } from './finding.ts';
import { suggest } from './suggest.ts';
import { ownEntries, type TreeNode } from './tree.ts';
import { mendUnit, unitExample, unitOf } from './unit-mend.ts';

interface Place {
  readonly node: TreeNode;
  readonly keySpan?: { readonly start: number; readonly end: number };
}

/** Adds the finding of one error; returns the key that an unknown one was probably meant to be. */
export function refuseConfigError(
  error: ErrorObject,
  path: readonly string[],
  place: Place,
  subject: ConfigSubject,
  findings: Findings,
): string | undefined {
  const add = (finding: Omit<FindingInput, 'nodes'>): void => findings.add({ ...finding, nodes: subject.nodes });
  const where = path.length === 0 ? subject.what : `${subject.what}: "${path.join('.')}"`;
  switch (error.keyword) {
    case 'additionalProperties':
      return unknownKey(error, path, place, subject, findings, add);
    case 'required': {
      const key = String(error.params.missingProperty);
      const example = unitExample((error.parentSchema?.properties as Record<string, Record<string, unknown>>)[key]);
      const message = `${where} needs the option "${key}"`;
      add({ code: 'CONFIG_KEY_MISSING', at: place.keySpan ?? subject.at, message, mend: `Add ${key}: ${example}` });
      return undefined;
    }
    case 'enum': {
      const known = (error.params.allowedValues as unknown[]).map(String);
      const meant = suggest(printed(place.node), known);
      const accepted = known.join(', ');
      const message = `${where} cannot be ${shown(place.node)}`;
      add({
        code: 'CONFIG_VALUE_INVALID',
        at: place.node.span,
        message,
        accepted,
        didYouMean: meant,
        mend: meant ? `Write ${meant}` : known.length === 1 ? `Write ${accepted}` : `Write one of ${accepted}`,
      });
      return undefined;
    }
    case 'type':
      add({
        code: 'CONFIG_VALUE_INVALID',
        at: isNull(place.node) && place.keySpan ? place.keySpan : place.node.span,
        ...wrongType(error, where, place.node),
      });
      return undefined;
    case 'minimum':
    case 'maximum': {
      const limit = `${error.keyword === 'minimum' ? 'at least' : 'at most'} ${String(error.params.limit)}`;
      add({
        code: 'CONFIG_VALUE_INVALID',
        at: place.node.span,
        message: `${where} is ${shown(place.node)}; it must be ${limit}`,
        mend: `Write a number of ${limit}`,
      });
      return undefined;
    }
    case 'pattern': {
      const message = `${where}: ${shown(place.node)} does not have the form that this option takes`;
      add({
        code: 'CONFIG_VALUE_INVALID',
        at: place.node.span,
        message,
        accepted: `text that matches ${String(error.params.pattern)}`,
        mend: `Write text that matches ${String(error.params.pattern)}, such as ${unitExample(error.parentSchema)}`,
      });
      return undefined;
    }
    default:
      add({ code: 'CONFIG_VALUE_INVALID', at: place.node.span, message: `${where} ${error.message ?? 'is wrong'}` });
      return undefined;
  }
}

function unknownKey(
  error: ErrorObject,
  path: readonly string[],
  place: Place,
  subject: ConfigSubject,
  findings: Findings,
  add: (finding: FindingInput) => void,
): string | undefined {
  const key = String(error.params.additionalProperty);
  const known = Object.keys((error.parentSchema?.properties ?? {}) as object);
  const options = path.length === 0 ? [...known, ...(subject.alsoKnown ?? [])] : known;
  // `segment=2s`, as shells and INI files write it.
  const [, name = key, value] = /^([^\s=]+)\s*=\s*(.*)$/s.exec(key) ?? [];
  const meant = options.includes(name) && value !== undefined ? name : suggest(name, options);
  const entry =
    place.node.kind === 'map' ? ownEntries(place.node).find((candidate) => candidate.key === key) : undefined;
  const where = path.length === 0 ? subject.what : `"${path.join('.')}" of ${subject.what}`;
  const properties = (error.parentSchema?.properties ?? {}) as Readonly<Record<string, JsonSchema>>;
  // A secret below a misspelt key is one all the same.
  if (meant && entry && properties[meant]?.['x-secret'] === true) findings.source.mask(entry.value.span);
  add({
    code: 'CONFIG_KEY_UNKNOWN',
    at: entry?.keySpan ?? place.node.span,
    message:
      value === undefined ? `${where} has no option "${key}"` : `"${key}": an option and its value are joined by ":"`,
    accepted: known.length > 0 ? known.join(', ') : 'no options',
    didYouMean: meant,
    mend: meant
      ? `Write ${meant}:${value ? ` ${value}` : ''}`
      : known.length > 0
        ? `Take it out, or use one of ${quoteList(known)}`
        : 'Take it out',
  });
  return meant;
}

const isNull = (node: TreeNode): boolean => node.kind === 'scalar' && node.value === null;

/** A value for a message; what came from a reference is named, never shown. */
function shown(node: TreeNode): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.secret) return 'a value that is not shown';
  if (node.resolved) return `the value of ${String(node.written)}`;
  return typeof node.value === 'string' ? `"${node.value}"` : String(node.value);
}

const printed = (node: TreeNode): string => (node.kind === 'scalar' && !node.secret ? String(node.written) : '');

const TYPE_WORDS: Readonly<Record<string, string>> = {
  'integer,string': 'a whole number or "auto"',
  string: 'text', integer: 'a whole number', number: 'a number', boolean: 'true or false', array: 'a list', object: 'a map',
}; // prettier-ignore

function wrongType(
  error: ErrorObject,
  where: string,
  node: TreeNode,
): Pick<FindingInput, 'message' | 'mend' | 'accepted' | 'didYouMean'> {
  const schema = error.parentSchema ?? {};
  const unit = unitOf(schema);
  const wanted = unit === '' ? (TYPE_WORDS[String(schema.type)] ?? String(schema.type)) : (UNIT_WORDS[unit] ?? 'text');
  const example = unitExample(schema);
  if (node.kind === 'scalar' && node.value === null) {
    return {
      message: `${where} has no value; it takes ${wanted}`,
      accepted: wanted,
      mend: `Write a value, such as ${example}, or take the key out`,
    };
  }
  if (node.kind === 'scalar' && typeof node.value === 'number' && unit !== '') {
    const meant = mendUnit(printed(node), unit);
    return {
      message: `${where} is the bare number ${shown(node)}; it takes ${wanted}`,
      accepted: wanted,
      mend: meant ? `Write ${meant}` : `Write it with its unit, such as ${example}`,
      didYouMean: meant,
    };
  }
  const truth = schema.type === 'boolean' ? truthOf(printed(node)) : undefined;
  if (truth)
    return {
      message: `${where} is ${shown(node)}; it takes true or false`,
      accepted: wanted,
      didYouMean: truth,
      mend: `Write ${truth}`,
    };
  const scalarToText = schema.type === 'string' && node.kind === 'scalar';
  const mend = scalarToText
    ? node.secret
      ? 'Write it in quotes'
      : `Write it in quotes: "${String(node.written)}"`
    : wanted === 'a list' && node.kind === 'scalar'
      ? `Write [${printed(node)}]`
      : `Write ${wanted}, such as ${example}`;
  return { message: `${where} is ${shown(node)}; it takes ${wanted}`, accepted: wanted, mend };
}

const truthOf = (text: string): string | undefined =>
  /^(yes|on|y)$/i.test(text) ? 'true' : /^(no|off|n)$/i.test(text) ? 'false' : undefined;

const UNIT_WORDS: Readonly<Record<string, string>> = {
  duration: 'a duration', bytes: 'a size', bitrate: 'a bit rate', loudness: 'a loudness', 'duration-range': 'a range of durations', rate: 'a rate',
  listen: 'an address to listen on', path: 'a path',
}; // prettier-ignore
