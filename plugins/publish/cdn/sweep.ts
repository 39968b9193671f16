/** Deletes what was pushed so long ago that nobody plays it, by the names that it has: also what earlier runs left behind. */
import { listAll, type ObjectStore, type StoredObject } from 'eddy/plugin';

/** Options of {@link sweep}. */
export interface SweepOptions {
  readonly prefix: string;
  /** What is older than this moment (epoch ms) goes. */
  readonly before: number;
  /** Keys that are named now. */
  readonly named: ReadonlySet<string>;
}

/** Deletions in one request. */
const BATCH = 1000;

const RECORDING = /\/(\d{1,16})\.(?:m3u8|mpd)$/;
const LISTING = /\.(?:m3u8|mpd)$/;
const MEDIA = /\.(\d{1,16})\.m4s$/;
const INIT = /\/init-(\d{1,16})\.[a-z0-9]+\.mp4$/;

/** Deletes; playlists before what they name. Returns how many objects went. Rejects as the store does. */
export async function sweep(store: ObjectStore, { prefix, before, named }: SweepOptions): Promise<number> {
  const listings: string[] = [];
  const media: string[] = [];
  let folder = '';
  let inFolder: StoredObject[] = [];
  for await (const object of listAll(store, `${prefix}/`)) {
    const { key, storedAt } = object;
    const recorded = RECORDING.exec(key);
    if (LISTING.test(key)) {
      // A recording goes with its first segment; a live playlist when it is no longer written.
      if ((recorded ? Number(recorded[1]) : storedAt) < before) listings.push(key);
      continue;
    }
    const own = key.slice(0, key.lastIndexOf('/'));
    if (own !== folder) media.push(...oldMedia(inFolder, before));
    if (own !== folder) [folder, inFolder] = [own, []];
    inFolder.push(object);
  }
  media.push(...oldMedia(inFolder, before));
  const doomed = [...listings, ...media].filter((key) => !named.has(key));
  for (let at = 0; at < doomed.length; at += BATCH) await store.delete(doomed.slice(at, at + BATCH));
  return doomed.length;
}

/** Of one folder: media by its age, and init segments that no media which stays needs. */
function oldMedia(objects: readonly StoredObject[], before: number): string[] {
  const isOld = ({ storedAt }: StoredObject): boolean => storedAt < before;
  const gone = objects.filter((object) => MEDIA.test(object.key) && isOld(object));
  const kept = objects.flatMap((object) => (isOld(object) ? [] : (MEDIA.exec(object.key)?.[1] ?? []))).map(Number);
  const inits = objects.flatMap((object) => {
    const number = INIT.exec(object.key)?.[1];
    return number === undefined ? [] : [{ object, number: Number(number) }];
  });
  const first = Math.min(...kept);
  // The newest init segment that is not newer than the first media that stays is that media's.
  const needed = Math.max(...inits.flatMap(({ number }) => (number <= first ? [number] : [])));
  const unused = inits.filter(({ object, number }) => isOld(object) && (kept.length === 0 || number < needed));
  return [...gone, ...unused.map(({ object }) => object)].map(({ key }) => key);
}
