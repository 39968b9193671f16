/**
 * The grammar of links: `a.x -> b.y`, `a -> b`, several targets by comma, alternative routes by `|`, options as a map
 * behind a colon, and the long form `{ from, to, queue, full, optional }`.
 */
import { checkFields } from './config.ts';
import type { LinkEnd, WrittenLink } from './draft.ts';
import { linkFields } from './envelope-fields.ts';
import { Flag, type Fields } from '../plugin/fields.ts';
import { Findings } from './finding.ts';
import { refuseReference } from './references.ts';
import type { Source, Span } from './source.ts';
import { suggest } from './suggest.ts';
import { entryOf, type MapNode, type ScalarNode, type TreeNode } from './tree.ts';

const optionFields = {
  ...linkFields,
  optional: Flag({ doc: 'The link may stay unused without a warning.', default: false }),
} satisfies Fields;

/** Reads the list of links; one with several targets becomes several. */
export function readLinks(node: TreeNode | undefined, findings: Findings): WrittenLink[] {
  if (node === undefined || (node.kind === 'scalar' && node.value === null)) return [];
  if (node.kind === 'list') return node.items.flatMap((item) => readLink(item, findings));
  const mend = 'Write "links:" and below it one line a link, each with a dash: - a.x -> b.y';
  findings.add({
    code: 'LINKS_NOT_A_LIST',
    at: node.span,
    message: '"links" is a list, with a dash before each link',
    mend,
  });
  return [];
}

function readLink(item: TreeNode, findings: Findings): WrittenLink[] {
  if (item.kind === 'list') return refuse(item.span, 'a link is text such as "a.x -> b.y", not a list', findings);
  if (item.kind === 'scalar')
    return typeof item.value === 'string'
      ? readText(item.value, item.span, undefined, findings)
      : refuse(item.span, 'this is no link', findings);
  if (entryOf(item, 'from') || entryOf(item, 'to')) return readLong(item, findings);
  const [entry, ...more] = item.entries;
  if (entry === undefined) return refuse(item.span, 'this link is empty', findings);
  if (more.length > 0)
    return refuse(
      more[0]!.keySpan,
      'each link begins with a dash of its own, and its options stand in { } behind its colon',
      findings,
    );
  if (!entry.key.includes('->')) return refuseMap(entry.key, entry.keySpan, entry.value, findings);
  if (entry.value.kind === 'scalar' && entry.value.value === null)
    return readText(entry.key, entry.keySpan, undefined, findings);
  if (entry.value.kind !== 'map') {
    const written = entry.value.kind === 'scalar' ? String(entry.value.written) : '';
    const joined = /^(.*?)\s*\{\s*([\w-]+)$/.exec(entry.key);
    if (joined) {
      const at = { start: entry.keySpan.start + joined[1]!.length, end: entry.value.span.end };
      const mend = `Write - ${joined[1]}: { ${joined[2]}: ${written}`;
      findings.add({ code: 'LINK_SYNTAX', at, message: 'a colon is missing before the options of this link', mend });
      return guess(joined[1]!, entry.keySpan, findings);
    }
    findings.add({
      code: 'LINK_SYNTAX',
      at: entry.value.span,
      message: "a link's options are a map in { }",
      mend: `Write - ${entry.key}: { queue: ${/^\d/.test(written) ? written : '2s'} }`,
    });
    return guess(entry.key, entry.keySpan, findings);
  }
  return readText(entry.key, entry.keySpan, entry.value, findings);
}

/** `a.x: b.y`, a link written as a map by accident. */
function refuseMap(key: string, at: Span, value: TreeNode, findings: Findings): WrittenLink[] {
  const target = value.kind === 'scalar' && typeof value.value === 'string' ? value.value : undefined;
  const mend =
    target && /^[a-z]/.test(target)
      ? `Write - ${key} -> ${target}`
      : 'Write - a.x -> b.y, with an arrow of "-" and ">"';
  findings.add({ code: 'LINK_SYNTAX', at, message: `"${key}" is no link: the arrow "->" is missing`, mend });
  return [];
}

const refuse = (at: Span, message: string, findings: Findings): WrittenLink[] => {
  findings.add({ code: 'LINK_SYNTAX', at, message });
  return [];
};

/** What a link with a slip in its options surely joins, so that its pads do not look unlinked too. */
function guess(text: string, at: Span, findings: Findings): WrittenLink[] {
  return readText(text, at, undefined, new Findings(findings.source));
}

function readText(text: string, at: Span, options: MapNode | undefined, findings: Findings): WrittenLink[] {
  if (refuseReference(text, at, 'a link', findings)) return [];
  const sides = text.split('->');
  if (sides.length === 1) {
    const arrow = /(=>|→|-->|>|--|—>)/.exec(text)?.[0];
    const apart = /^(\S+)\s+(?:\S\s+)?(\S+)$/.exec(text.trim());
    const mend = arrow
      ? `Write - ${text.replace(arrow, '->').replace(/\s+/g, ' ').trim()}`
      : `Write - ${apart ? `${apart[1]} -> ${apart[2]}` : 'a.x -> b.y'}`;
    findings.add({
      code: 'LINK_SYNTAX',
      at,
      message: arrow
        ? `the arrow of a link is "->", not "${arrow}"`
        : `"${text}" is no link: the arrow "->" is missing`,
      mend,
    });
    return [];
  }
  if (sides.length > 2) {
    const steps = sides.map((side) => side.trim());
    const mend = `Write one link a step: - ${steps[0]} -> ${steps[1]}`;
    findings.add({ code: 'LINK_SYNTAX', at, message: 'a link joins two stages; a chain is several links', mend });
    return [];
  }
  const begin = textStart(text, at, findings.source);
  const from = ends(sides[0]!, begin, '|', findings);
  const to = ends(sides[1]!, begin + sides[0]!.length + 2, ',', findings);
  return join(from, to, at, options, findings);
}

/** Where the text of a scalar begins in the file, behind its quote if it has one. */
function textStart(text: string, at: Span, source: Source): number {
  const offset = source.text.slice(at.start, at.end + 1).indexOf(text);
  return at.start + Math.max(0, offset);
}

function ends(side: string, start: number, separator: '|' | ',', findings: Findings): LinkEnd[] | undefined {
  const other = separator === '|' ? ',' : '|';
  if (side.includes(other)) {
    const at = { start: start + side.indexOf(other), end: start + side.indexOf(other) + 1 };
    const message =
      separator === '|'
        ? 'alternative routes into a pad are parted by "|", not by a comma'
        : 'several targets of a link are parted by a comma, not by "|"';
    const mend =
      separator === '|'
        ? 'Write a.x | b.y -> c.z for "the first that fits", or one link each where the pad takes several.'
        : 'Write a.x -> b.y, c.z';
    findings.add({ code: 'LINK_SYNTAX', at, message, mend });
    return undefined;
  }
  const found: LinkEnd[] = [];
  let offset = start;
  for (const part of side.split(separator)) {
    const name = part.trim();
    const begin = offset + (part.length - part.trimStart().length);
    offset += part.length + 1;
    const end = readEnd(name, { start: begin, end: begin + Math.max(1, name.length) }, findings);
    if (!end) return undefined;
    found.push(end);
  }
  return found;
}

function readEnd(name: string, at: Span, findings: Findings): LinkEnd | undefined {
  const match = /^([A-Za-z0-9_-]+)(?:\.([A-Za-z0-9_-]+))?$/.exec(name);
  if (match) return { stage: match[1]!, pad: match[2], at };
  const message = name === '' ? 'a stage is missing here' : `"${name}" is not a stage and its pad`;
  findings.add({ code: 'LINK_SYNTAX', at, message, mend: mendEnd(name) });
  return undefined;
}

function mendEnd(name: string): string {
  if (name === '') return 'Write stage.pad, such as rtmp.video, or take the sign beside it out';
  const parts = name.split(/[^A-Za-z0-9_-]+/).filter((part) => part !== '');
  // `ingest.rtmp.video` names the plugin, not the stage.
  if (parts.length > 2) return `Write the name of the stage and its pad, such as ${parts.slice(-2).join('.')}`;
  return `Write ${parts.length === 2 ? parts.join('.') : 'stage.pad, such as rtmp.video'}`;
}

function join(
  from: readonly LinkEnd[] | undefined,
  to: readonly LinkEnd[] | undefined,
  at: Span,
  options: MapNode | undefined,
  findings: Findings,
): WrittenLink[] {
  const place = (key: string): Span | undefined => (options ? entryOf(options, key)?.value.span : undefined);
  const values = options
    ? checkFields(options, optionFields, { what: 'this link', at, baseDir: '', nodes: [] }, findings)
    : undefined;
  if (!from || !to) return [];
  return to.map((target) => ({
    from,
    to: target,
    at,
    queue: values?.queue as number | undefined,
    full: values?.full as WrittenLink['full'],
    optional: values?.optional === true,
    queueAt: place('queue'),
    fullAt: place('full'),
  }));
}

function readLong(item: MapNode, findings: Findings): WrittenLink[] {
  const keys = ['from', 'to'];
  const side = (key: 'from' | 'to', separator: '|' | ','): LinkEnd[] | undefined => {
    const entry = entryOf(item, key);
    if (!entry) {
      const unknown = item.entries.filter((other) => other.key !== 'from' && other.key !== 'to');
      const near = unknown.find((other) => !Object.hasOwn(optionFields, other.key) && suggest(other.key, [key]));
      if (near) keys.push(near.key);
      findings.add({
        code: 'LINK_SYNTAX',
        at: near?.keySpan ?? item.span,
        message: `this link has no "${key}"`,
        didYouMean: near && key,
        mend: near ? `Write ${key}: instead of ${near.key}:` : 'Write { from: a.x, to: b.y }',
      });
      return undefined;
    }
    const values = entry.value.kind === 'list' ? entry.value.items : [entry.value];
    const found = values.map((value) =>
      isText(value) && !refuseReference(value.value, value.span, 'a link', findings)
        ? ends(value.value, textStart(value.value, value.span, findings.source), separator, findings)
        : wrong(value),
    );
    return found.some((one) => one === undefined) ? undefined : found.flatMap((one) => one!);
  };
  const wrong = (value: TreeNode): undefined => {
    if (!isText(value))
      findings.add({
        code: 'LINK_SYNTAX',
        at: value.span,
        message: 'an end of a link is text',
        mend: 'Write stage.pad, such as rtmp.video',
      });
  };
  const from = side('from', '|');
  const to = side('to', ',');
  const options: MapNode = { ...item, entries: item.entries.filter(({ key }) => !keys.includes(key)) };
  return join(from, to, item.span, options, findings);
}

const isText = (node: TreeNode): node is ScalarNode & { value: string } =>
  node.kind === 'scalar' && typeof node.value === 'string';
