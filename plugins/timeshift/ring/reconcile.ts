/**
 * Compares store and index, both ways, track by track: rows without an object go, with a hole in their place; objects
 * without a row are given one, or go where they are too old. Walks both in the order of time, a page at a time, and never
 * touches what is newer than its start. It runs beside live traffic and takes its time.
 */
import {
  listAll,
  parseSegmentName,
  type CameraId,
  type Clock,
  type ObjectStore,
  type Segment,
  type SegmentIndex,
  type StoredObject,
  type TrackId,
} from 'eddy/plugin';
import { type Archive, isInitName } from './archive.ts';
import { describeOrphan } from './orphan.ts';

const PAGE = 1000;
/** Rows and objects looked at before others are let through for a moment. */
const BREATH = 200;

/** Options of {@link reconcile}. */
export interface ReconcileOptions {
  readonly store: ObjectStore;
  readonly index: SegmentIndex;
  readonly archive: Archive;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Nothing that begins at or after this moment (epoch ms) is touched. */
  readonly before: number;
  /** Objects without a row that ended before this moment (epoch ms) go. */
  readonly horizon: number;
}

/** What was found and done. */
export interface Reconciled {
  /** Segments that both had. */
  agreed: number;
  /** Objects that were given a row. */
  indexed: number;
  /** Rows that had no object. */
  rowsRemoved: number;
  /** Objects without a row that were too old. */
  objectsRemoved: number;
  /** Objects without a row that do not say what they are; they go when they are too old. */
  unreadable: number;
}

interface Item {
  readonly camera: CameraId;
  readonly track: TrackId;
  readonly name: string;
}

/** See the file's head. Rejects where store or index do, or with the signal's reason; what was done stays done. */
export async function reconcile(options: ReconcileOptions): Promise<Reconciled> {
  const done: Reconciled = { agreed: 0, indexed: 0, rowsRemoved: 0, objectsRemoved: 0, unreadable: 0 };
  const tracks = new Map<string, { readonly camera: CameraId; readonly track: TrackId }>();
  for await (const { camera, track } of tracksOfStore(options)) tracks.set(`${camera}/${track}`, { camera, track });
  for (const camera of await options.index.cameras()) {
    for (const track of await tracksOfIndex(options, camera)) tracks.set(`${camera}/${track}`, { camera, track });
  }
  for (const { camera, track } of tracks.values()) await reconcileTrack(options, camera, track, done);
  return done;
}

/** Reads one key of each track: the next one is looked for behind all keys of the one before. */
async function* tracksOfStore({ store, signal }: ReconcileOptions) {
  for (let after = ''; ;) {
    signal.throwIfAborted();
    const [object] = await store.list('', { after, limit: 1 });
    if (!object) return;
    const [camera = '', track, ...rest] = object.key.split('/');
    if (track === undefined || rest.length !== 1) {
      after = object.key;
      continue;
    }
    if (/^[A-Za-z0-9]/.test(camera)) yield { camera: camera as CameraId, track };
    // "~" comes after every character that a key may have.
    after = `${camera}/${track}/~`;
  }
}

/** The tracks of a camera's rows: those at its ends tell nearly all, and the others are in the store's list. */
async function tracksOfIndex({ index }: ReconcileOptions, camera: CameraId): Promise<Set<TrackId>> {
  const oldest = await index.range(camera, { start: 0, end: Number.MAX_SAFE_INTEGER }, undefined, 100);
  const newest = await index.latest(camera);
  const last = newest ? await index.range(camera, { start: newest.startTs - 60_000, end: newest.startTs + 1 }) : [];
  return new Set([...oldest, ...last].map(({ track }) => track));
}

async function reconcileTrack(
  options: ReconcileOptions,
  camera: CameraId,
  track: TrackId,
  done: Reconciled,
): Promise<void> {
  const { store, clock, signal } = options;
  const rows = rowsOf(options, camera, track);
  let row = await rows.next();
  const inits: StoredObject[] = [];
  const needed = new Set<string>();
  let looked = 0;
  const passRow = async (has: boolean): Promise<void> => {
    const segment = row.value as Segment;
    needed.add(segment.initUrl);
    if (has) done.agreed += 1;
    else await removeRow(options, segment, done);
    row = await rows.next();
  };
  for await (const object of listAll(store, `${camera}/${track}/`)) {
    if (++looked % BREATH === 0) await clock.sleep(1, signal);
    const name = object.key.slice(camera.length + track.length + 2);
    if (name.startsWith('init-')) {
      if (isInitName(name)) inits.push(object);
      continue;
    }
    const parsed = parseSegmentName(name);
    if (!parsed || parsed.startTs >= options.before) continue;
    while (!row.done && isBefore(row.value, parsed)) await passRow(false);
    if (!row.done && row.value.url === object.key) await passRow(true);
    else await adopt(options, { camera, track, name }, object, inits, needed, done);
  }
  while (!row.done) await passRow(false);
  await removeInits(options, inits, needed, done);
}

const isBefore = (row: Segment, { startTs, number }: { startTs: number; number: number }): boolean =>
  Math.round(row.startTs) < startTs || (Math.round(row.startTs) === startTs && row.number < number);

async function* rowsOf({ index, before }: ReconcileOptions, camera: CameraId, track: TrackId) {
  let start = 0;
  let last: Segment | undefined;
  for (;;) {
    const page = await index.range(camera, { start, end: before }, track, PAGE);
    const known = last ? page.findIndex(({ id }) => id === last?.id) : -1;
    const fresh = page.slice(known + 1);
    for (const segment of fresh) if (Math.round(segment.startTs) < before) yield segment;
    last = fresh.at(-1);
    if (page.length < PAGE || !last) return;
    start = last.startTs;
  }
}

async function removeRow({ store, index }: ReconcileOptions, segment: Segment, done: Reconciled): Promise<void> {
  // The listing is a page old: asked once more, since a row that goes is gone.
  if (await store.head(segment.url)) return;
  const { id, cameraId, startTs: start, duration } = segment;
  await index.delete([id]);
  await index.addGap(cameraId as CameraId, { start, end: start + duration, cause: 'store-outage' });
  done.rowsRemoved += 1;
}

/** Gives an object its row, or removes it. */
async function adopt(
  { store, index, archive, horizon }: ReconcileOptions,
  item: Item,
  object: StoredObject,
  inits: readonly StoredObject[],
  needed: Set<string>,
  done: Reconciled,
): Promise<void> {
  const { startTs, number, writer } = parseSegmentName(item.name)!;
  const marks = await archive.keeps(item.camera);
  const isOld = startTs < horizon && !marks.some(({ start, end }) => startTs >= start && startTs < end);
  if (isOld) {
    await store.delete([object.key]);
    done.objectsRemoved += 1;
    return;
  }
  const init = await initOf(store, item, number, writer, inits);
  const caps = init && (await archive.generation(item.camera, item.track, init));
  const bytes = caps && (await archive.read(item.camera, item.track, item.name));
  const segment = caps && bytes && describeOrphan(item, bytes, init, caps);
  if (!segment) {
    done.unreadable += 1;
    return;
  }
  needed.add(segment.initUrl);
  await index.add([segment]);
  done.indexed += 1;
}

/** The newest init segment of the same writer at or before this number. Their keys come after those of all segments. */
async function initOf(
  store: ObjectStore,
  { camera, track }: Item,
  number: number,
  writer: string,
  known: readonly StoredObject[],
): Promise<string | undefined> {
  const prefix = `${camera}/${track}/`;
  let found: { readonly name: string; readonly number: number } | undefined;
  const objects = [...known];
  if (known.length === 0) for await (const object of listAll(store, `${prefix}init-`)) objects.push(object);
  for (const { key } of objects) {
    const name = key.slice(prefix.length);
    const [, first, by] = /^init-(\d+)\.([a-z0-9]+)\.mp4$/.exec(name) ?? [];
    if (first === undefined || by !== writer || Number(first) > number) continue;
    if (!found || Number(first) > found.number) found = { name, number: Number(first) };
  }
  return found?.name;
}

/** Init segments of this track that no row needs, and that are no newer than what was compared. */
async function removeInits(
  { store, horizon }: ReconcileOptions,
  inits: readonly StoredObject[],
  needed: ReadonlySet<string>,
  done: Reconciled,
): Promise<void> {
  const unneeded = inits.filter(({ key, storedAt }) => !needed.has(key) && storedAt < horizon);
  if (unneeded.length === 0) return;
  await store.delete(unneeded.flatMap(({ key }) => [key, key.replace(/\.mp4$/, '.json')]));
  done.objectsRemoved += unneeded.length;
}
