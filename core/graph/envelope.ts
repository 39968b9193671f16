/** The top level of a pipeline file: its keys, its version, and the sections that are the engine's own. */
import { basename } from 'node:path';
import type { Fields } from '../plugin/fields.ts';
import { checkFields, type ConfigSubject } from './config.ts';
import { cameraFields, observeFields, pipelineFields, sessionFields, superviseFields } from './envelope-fields.ts';
import { quoteList, type Findings } from './finding.ts';
import { refuseReference } from './references.ts';
import type { Span } from './source.ts';
import { suggest } from './suggest.ts';
import { entryOf, ownEntries, type MapNode, type TreeNode } from './tree.ts';

/** Keys of the top level; `x-*` is free for notes and anchors. */
export const TOP_KEYS = [
  'version', 'name', 'plugins', 'cameras', 'sessions', 'services', 'stages', 'links', 'budget', 'observe', 'supervise', 'drain',
] as const; // prettier-ignore

type Values = Readonly<Record<string, unknown>>;

/** The engine's sections, typed; what was wrong has its default, and a finding. */
export interface Envelope {
  readonly root: MapNode;
  readonly name: string;
  readonly plugins: readonly { readonly name: string; readonly at: Span }[];
  readonly cameras: Values;
  readonly sessions: Values;
  readonly observe: Values;
  readonly observeHttpAt: Span | undefined;
  /** As written, for the nodes that overlay it. */
  readonly supervise: MapNode | undefined;
  readonly budget: readonly { readonly stage: string; readonly ms: number; readonly at: Span }[];
  readonly drain: number;
  readonly services: MapNode;
  readonly stages: MapNode;
  readonly links: TreeNode | undefined;
}

const START: Span = { start: 0, end: 1 };

/** Reads the top level; undefined where the file is no pipeline at all. */
export function readEnvelope(file: TreeNode, baseDir: string, findings: Findings): Envelope | undefined {
  if (file.kind === 'scalar' && file.value === null) {
    findings.add({ code: 'PIPELINE_EMPTY', at: START, message: 'the file holds no pipeline' });
    return undefined;
  }
  if (file.kind !== 'map') {
    findings.add({
      code: 'PIPELINE_NOT_A_MAP',
      at: file.span,
      message: 'a pipeline is a map of version, stages and links',
    });
    return undefined;
  }
  const tree = checkKeys(file, findings);
  checkVersion(tree, findings);
  const subject = (what: string): ConfigSubject => ({ what, at: tree.span, baseDir, nodes: [] });
  const section = (key: string, fields: Fields): Values => {
    const map = mapAt(tree, key, findings) ?? EMPTY;
    return (
      checkFields(map, fields, { ...subject(`"${key}"`), at: entryOf(tree, key)?.keySpan ?? START }, findings) ??
      checkFields(EMPTY, fields, subject(key), findings)!
    );
  };
  // Only the pipeline's own keys: the other top-level sections have fields of their own.
  const own: MapNode = { ...tree, entries: tree.entries.filter((entry) => Object.hasOwn(pipelineFields, entry.key)) };
  const top = checkFields(own, pipelineFields, subject('the pipeline'), findings) ?? {};
  const supervise = mapAt(tree, 'supervise', findings);
  if (supervise) checkFields(supervise, superviseFields, subject('"supervise"'), findings);
  const observeNode = entryOf(tree, 'observe')?.value;
  const http = observeNode?.kind === 'map' ? entryOf(observeNode, 'http')?.value : undefined;
  const observe = section('observe', observeFields);
  const refused =
    http?.kind === 'scalar' && refuseReference(String(http.written), http.span, 'the name of a service', findings);
  return {
    root: tree,
    name: checkName(tree, (top.name as string | undefined) ?? nameOf(findings.source.file), findings),
    plugins: listItems(tree, 'plugins'),
    cameras: section('cameras', cameraFields),
    sessions: section('sessions', sessionFields),
    observe: refused ? { ...observe, http: undefined } : observe,
    observeHttpAt: http?.span,
    supervise,
    budget: budgetOf(tree, (top.budget ?? {}) as Readonly<Record<string, number>>),
    drain: (top.drain as number | undefined) ?? 10_000,
    services: mapAt(tree, 'services', findings) ?? EMPTY,
    stages: mapAt(tree, 'stages', findings) ?? EMPTY,
    links: entryOf(tree, 'links')?.value,
  };
}

const EMPTY: MapNode = { kind: 'map', span: START, entries: [] };

/** The name that a file gives to its pipeline: `live-dvr` for `pipelines/Live DVR.yaml`. */
function nameOf(file: string): string {
  const name = basename(file)
    .replace(/\.[^.]*$/, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  return name === '' ? 'pipeline' : name;
}

export const NAME = /^[a-z][a-z0-9-]*$/;

function checkName(tree: MapNode, name: string, findings: Findings): string {
  const entry = entryOf(tree, 'name');
  const written = entry?.value.kind === 'scalar' ? String(entry.value.written) : '';
  if (entry && refuseReference(written, entry.value.span, 'the name of the pipeline', findings)) return name;
  if (entry && !NAME.test(name)) refuseName(name, entry.value.span, 'the pipeline', findings);
  return name;
}

/** A name that is none, with the nearest that is one. */
export function refuseName(name: string, at: Span, what: string, findings: Findings): void {
  const mended = name
    .toLowerCase()
    .replace(/[^a-z0-9-]+/g, '-')
    .replace(/^[^a-z]+|-+$/g, '');
  findings.add({
    code: 'NAME_INVALID',
    at,
    message: `"${name}" cannot be the name of ${what}: names are lower case letters, digits and "-", beginning with a letter`,
    didYouMean: mended === '' ? undefined : mended,
    mend: mended === '' ? undefined : `Write ${mended}`,
  });
}

/** Tells unknown sections, and returns the map in which a misspelt one has the name that was meant. */
function checkKeys(tree: MapNode, findings: Findings): MapNode {
  const missing = TOP_KEYS.filter((key) => !entryOf(tree, key));
  const entries = ownEntries(tree).map((entry) => {
    const { key, keySpan, value } = entry;
    if ((TOP_KEYS as readonly string[]).includes(key) || key.startsWith('x-')) return entry;
    const looksLikeNode = value.kind === 'map' && entryOf(value, 'plugin') !== undefined;
    const meant = looksLikeNode ? undefined : suggest(key, TOP_KEYS);
    const elsewhere = looksLikeNode ? `Put it below "stages:" or "services:"` : `Take it out, or name it x-${key}`;
    findings.add({
      code: 'PIPELINE_KEY_UNKNOWN',
      at: keySpan,
      message: `a pipeline has no section "${key}"`,
      accepted: `${TOP_KEYS.join(', ')}, x-*`,
      didYouMean: meant,
      mend: meant ? `Write ${meant}:` : elsewhere,
    });
    return missing.includes(meant as (typeof TOP_KEYS)[number]) ? { ...entry, key: meant! } : entry;
  });
  return { ...tree, entries };
}

function checkVersion(tree: MapNode, findings: Findings): void {
  const entry = entryOf(tree, 'version');
  if (!entry) {
    findings.add({
      code: 'PIPELINE_VERSION',
      at: tree.entries[0]?.keySpan ?? START,
      message: 'the pipeline does not say its version',
      mend: 'Begin the file with: version: 1',
    });
  } else if (entry.value.kind !== 'scalar' || entry.value.value !== 1) {
    const said = entry.value.kind === 'scalar' ? `"${String(entry.value.written)}"` : `a ${entry.value.kind}`;
    findings.add({
      code: 'PIPELINE_VERSION',
      at: entry.value.span,
      message: `the version of a pipeline is the number 1, not ${said}`,
      mend: 'Write version: 1',
    });
  }
}

/** The map below a key; nothing below it means none. */
export function mapAt(parent: MapNode, key: string, findings: Findings): MapNode | undefined {
  const entry = entryOf(parent, key);
  if (!entry || entry.value.kind === 'map') return entry?.value as MapNode | undefined;
  if (entry.value.kind === 'scalar' && entry.value.value === null) return undefined;
  const what = entry.value.kind === 'list' ? 'a list' : 'text';
  const mend =
    key === 'stages' || key === 'services'
      ? `Write ${key}: and below it lines such as "rtmp: { plugin: ingest.rtmp }"`
      : `Write ${key}: { key: value }`;
  findings.add({
    code: 'PIPELINE_SECTION_INVALID',
    at: entry.value.span,
    message: `"${key}" is a map, not ${what}`,
    mend,
  });
  return undefined;
}

function listItems(tree: MapNode, key: string): { name: string; at: Span }[] {
  const node = entryOf(tree, key)?.value;
  if (node?.kind !== 'list') return [];
  return node.items.flatMap((item) =>
    item.kind === 'scalar' && typeof item.value === 'string' ? [{ name: item.value, at: item.span }] : [],
  );
}

function budgetOf(tree: MapNode, values: Readonly<Record<string, number>>): { stage: string; ms: number; at: Span }[] {
  const node = entryOf(tree, 'budget')?.value;
  if (node?.kind !== 'map') return [];
  return ownEntries(node).flatMap(({ key, keySpan }) =>
    values[key] === undefined ? [] : [{ stage: key, ms: values[key], at: keySpan }],
  );
}

/** Names in the budget and in `observe` must be there. */
export function checkEnvelopeNames(
  envelope: Envelope,
  nodes: ReadonlyMap<string, { kind: 'stage' | 'service' }>,
  told: ReadonlySet<string>,
  findings: Findings,
): void {
  const stages = [...nodes].flatMap(([name, node]) => (node.kind === 'stage' ? [name] : []));
  for (const { stage, at } of envelope.budget) {
    if (stages.includes(stage) || told.has(stage)) continue;
    const meant = suggest(stage, stages);
    if (meant !== undefined && !NAME.test(meant)) continue;
    findings.add({
      code: 'BUDGET_STAGE_UNKNOWN',
      at,
      message: `"budget" names the stage "${stage}", and there is none`,
      accepted: quoteList(stages),
      didYouMean: meant,
      mend: meant ? `Write ${meant}` : undefined,
    });
  }
}
