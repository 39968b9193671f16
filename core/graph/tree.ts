/** YAML as a small tree in which every key and value knows its place. Aliases and merge keys are followed here. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, type Document, type Node, type Pair } from 'yaml';
import { hideInUrls, isSecretName, secretsInUrls } from '../observe/redact.ts';
import type { Findings } from './finding.ts';
import { MASK, type Source, type Span } from './source.ts';
import { explainYamlErrors, spaceAfterColon } from './yaml-errors.ts';

/** Text, a number, true or false, or nothing. */
export interface ScalarNode {
  readonly kind: 'scalar';
  readonly span: Span;
  /** Its value with references resolved; until then as written. */
  value: string | number | boolean | null;
  /** Its value as written, without what is a secret by its form: `?token=...`, the password in an address. */
  readonly written: string | number | boolean | null;
  /** True where the value came from a reference: it is never printed. */
  resolved: boolean;
  /** True where its reference could not be resolved: that was told, and what stands there is no value to judge. */
  failed: boolean;
  /** True where it is a secret that stands in the file itself: it is never printed either. */
  secret: boolean;
}

/** A key with its value. */
export interface MapEntry {
  readonly key: string;
  readonly keySpan: Span;
  readonly value: TreeNode;
}

/** A map in the order of the file. */
export interface MapNode {
  readonly kind: 'map';
  readonly span: Span;
  readonly entries: readonly MapEntry[];
}

/** A list. */
export interface ListNode {
  readonly kind: 'list';
  readonly span: Span;
  readonly items: readonly TreeNode[];
}

/** Anything in a pipeline file. */
export type TreeNode = ScalarNode | MapNode | ListNode;

/** How many nodes a file may have with its aliases followed: a file of a few lines can mean billions. */
const NODE_LIMIT = 200_000;

/** Parses the file. Undefined where its syntax is broken; the findings say how. */
export function parseTree(findings: Findings): TreeNode | undefined {
  const { source } = findings;
  for (const span of secretsInUrls(source.text)) source.mask(span);
  const document = parseDocument(source.text, {
    lineCounter: new LineCounter(),
    prettyErrors: false,
    logLevel: 'error',
    version: '1.2',
  });
  const before = findings.count;
  explainYamlErrors(document, findings);
  if (findings.count > before) {
    maskByName(source);
    return undefined;
  }
  const tree = new Converter(document, findings).convert(document.contents, { start: 0, end: 0 });
  return findings.count > before ? undefined : tree;
}

/** True for a secret that is only referred to; one with a default, `${env:NAME:-default}`, has it written out. */
export const isShownReference = (written: unknown): boolean =>
  typeof written === 'string' && written.includes('${') && !/\$\{env:[^}]*:-/.test(written);

const SECRET_KEY =
  /[\w-]*(?:token|password|passphrase|secret|credential|(?:access|api|private|signing|stream)[-_]?key)[\w-]*["']?:\s*/gi;
/** Behind such a key: a list in brackets, a list of lines, or one value. */
const LIST = /\[[^\]\n]*|-[ \t]+[^\n]*(?:\n[ \t]*-[ \t]+[^\n]*)*/y;
const VALUE = /"[^"\n]*"?|'[^'\n]*'?|[^\s,{}[\]]+/y;

/** Where the file has no structure yet, nothing but its key tells that a value is a secret. */
function maskByName(source: Source): void {
  const { text } = source;
  for (const { index, 0: key } of text.matchAll(SECRET_KEY)) {
    const start = index + key.length;
    LIST.lastIndex = VALUE.lastIndex = start;
    const list = LIST.exec(text)?.[0];
    const value = VALUE.exec(text);
    const items = list ? [...list.matchAll(new RegExp(VALUE.source, 'g'))] : value ? [value] : [];
    for (const item of items) {
      // A reference is no secret; neither is the dash before an item.
      if (isShownReference(item[0]) || item[0] === '-') continue;
      const at = list ? start + item.index : start;
      source.mask({ start: at, end: at + item[0].length });
    }
  }
}

class Converter {
  readonly #document: Document;
  readonly #findings: Findings;
  #nodes = 0;

  constructor(document: Document, findings: Findings) {
    this.#document = document;
    this.#findings = findings;
  }

  convert(node: unknown, fallback: Span): TreeNode {
    this.#nodes += 1;
    if (this.#nodes > NODE_LIMIT) {
      if (this.#nodes === NODE_LIMIT + 1)
        this.#findings.add({
          code: 'YAML_TOO_LARGE',
          at: fallback,
          message: `the file means more than ${NODE_LIMIT} values`,
        });
      return empty(fallback);
    }
    if (isAlias(node)) return this.#alias(node, fallback);
    const span = spanOf(node as Node | null) ?? fallback;
    if (isMap(node)) return { kind: 'map', span, entries: node.items.flatMap((pair) => this.#entries(pair, span)) };
    if (isSeq(node)) return { kind: 'list', span, items: node.items.map((item) => this.convert(item, span)) };
    if (!isScalar(node)) return empty(fallback);
    const value = plainValue(node.value);
    if (node.type === 'PLAIN' && String(value).includes('->')) this.#gluedColon(String(value), span);
    return { ...empty(span), value, written: typeof value === 'string' ? hideInUrls(value) : value };
  }

  #alias(
    node: { source: string; resolve(document: Document): unknown; range?: readonly number[] | null },
    fallback: Span,
  ): TreeNode {
    const target = node.resolve(this.#document);
    if (target !== undefined) return this.convert(target, fallback);
    const at = node.range ? { start: node.range[0]!, end: node.range[1]! } : fallback;
    const message = `"*${node.source}" means the anchor "&${node.source}", and there is none above`;
    this.#findings.add({ code: 'YAML_ALIAS_UNKNOWN', at, message });
    return empty(fallback);
  }

  /** Tells of `name:{`, which YAML reads as the begin of a name. */
  #gluedColon(text: string, span: Span): boolean {
    const at = /^[^"'#]*?[\w-]:[{[]/.exec(text);
    if (at) this.#findings.add(spaceAfterColon(this.#findings.source, span.start + at[0].length - 2));
    return at !== null;
  }

  #entries(pair: Pair, map: Span): MapEntry[] {
    const keySpan = spanOf(pair.key as Node | null) ?? map;
    if (!isScalar(pair.key)) {
      this.#findings.add({
        code: 'YAML_KEY_NOT_TEXT',
        at: keySpan,
        message: 'a key is a name, not a map, a list or an alias',
      });
      return [];
    }
    // `{ a, b }` and `a:` have no value node: their place is right behind the key.
    const value = this.convert(pair.value, { start: keySpan.start, end: keySpan.end });
    const key = String(pair.key.source ?? pair.key.value);
    if (isSecretName(key)) hide(value, this.#findings.source);
    const bare = pair.key.type === 'PLAIN' ? /^([\w-]+)\s+[{[]/.exec(key) : null;
    if (bare) {
      const at = { start: keySpan.start, end: keySpan.start + bare[1]!.length };
      const message = `a colon is missing after "${bare[1]}"`;
      this.#findings.add({ code: 'YAML_COLON_MISSING', at, message, mend: `Write ${bare[1]}: and a space.` });
      return [];
    }
    // `{ segment:2s }` is one key without a value.
    const lone = pair.value === null && /^[a-z][a-z0-9-]*:\S/i.test(key);
    if (pair.key.type === 'PLAIN' && (this.#gluedColon(key, keySpan) || lone)) {
      if (lone) this.#findings.add(spaceAfterColon(this.#findings.source, keySpan.start + key.indexOf(':')));
      return [];
    }
    if (key !== '<<') return [{ key, keySpan, value }];
    // Merge key: what the map itself says wins, so merged entries are taken only where the map has none.
    const merged = value.kind === 'list' ? value.items : [value];
    return merged.flatMap((item) =>
      item.kind === 'map' ? item.entries.map((entry) => ({ ...entry, merged: true })) : [],
    );
  }
}

/** What a key calls a secret is one, also where no plugin says so: in `x-*`, or under a misspelt option. */
function hide(node: TreeNode, source: Source): void {
  if (node.kind === 'list') for (const item of node.items) hide(item, source);
  if (node.kind !== 'scalar' || node.value === null || typeof node.value === 'boolean') return;
  // A reference may be shown; what it stands for is known as a secret once it is resolved.
  if (isShownReference(node.value)) return;
  node.secret = true;
  source.mask(node.span);
}

const empty = (span: Span): ScalarNode => ({
  kind: 'scalar',
  span,
  value: null,
  written: null,
  resolved: false,
  failed: false,
  secret: false,
});

function spanOf(node: Node | null): Span | undefined {
  const range = node?.range;
  return range ? { start: range[0], end: Math.max(range[1], range[0]) } : undefined;
}

function plainValue(value: unknown): string | number | boolean | null {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
  return typeof value === 'bigint' ? Number(value) : null;
}

/** The entry of a key; where a merge key brought it as well, the map's own. */
export function entryOf(map: MapNode, key: string): MapEntry | undefined {
  let found: (MapEntry & { merged?: boolean }) | undefined;
  for (const entry of map.entries as readonly (MapEntry & { merged?: boolean })[]) {
    if (entry.key === key && (found === undefined || (found.merged && !entry.merged))) found = entry;
  }
  return found;
}

/** The entries of a map, each key once. */
export function ownEntries(map: MapNode): MapEntry[] {
  return [...new Set(map.entries.map((entry) => entry.key))].map((key) => entryOf(map, key)!);
}

/** The value at a path below a node, with the place of its key where it has one. */
export function nodeAt(
  root: TreeNode,
  path: readonly (string | number)[],
): { node: TreeNode; keySpan?: Span } | undefined {
  let here: { node: TreeNode; keySpan?: Span } = { node: root };
  for (const step of path) {
    if (here.node.kind === 'map') {
      const entry = entryOf(here.node, String(step));
      if (!entry) return undefined;
      here = { node: entry.value, keySpan: entry.keySpan };
    } else if (here.node.kind === 'list') {
      const item = here.node.items[Number(step)];
      if (!item) return undefined;
      here = { node: item };
    } else return undefined;
  }
  return here;
}

/** The tree as plain data: values, or what was written where it is to be printed, without the secrets in it. */
export function toPlain(node: TreeNode, which: 'value' | 'written' = 'value'): unknown {
  if (node.kind === 'scalar') return which === 'written' && node.secret ? MASK : node[which];
  if (node.kind === 'list') return node.items.map((item) => toPlain(item, which));
  return Object.fromEntries(ownEntries(node).map((entry) => [entry.key, toPlain(entry.value, which)]));
}

/** Every scalar below a node. */
export function* scalarsOf(node: TreeNode): Generator<ScalarNode> {
  if (node.kind === 'scalar') yield node;
  else if (node.kind === 'list') for (const item of node.items) yield* scalarsOf(item);
  else for (const entry of ownEntries(node)) yield* scalarsOf(entry.value);
}
