/** Reads the past from the store: segments, generations, and the marks of what is kept. */
import {
  isObjectKey,
  listAll,
  type CameraId,
  type ChunkCaps,
  type EddyError,
  type KeepMark,
  type ObjectStore,
  parseSegmentName,
  type TimeRange,
  type TrackId,
} from 'eddy/plugin';
import { descriptionName, readGeneration } from './generation-file.ts';

/** Generations read from the store that are remembered; each is some kilobytes. */
const REMEMBERED = 512;
const INIT_NAME = /^init-\d{1,16}\.[a-z0-9]{1,16}\.mp4$/;
/** No camera's id begins so, so marks never meet media. */
const MARKS = '_keep';

export const isInitName = (name: string): boolean => INIT_NAME.test(name);

/** See the file's head. */
export class Archive {
  readonly #store: ObjectStore;
  readonly #generations = new Map<string, ChunkCaps>();
  readonly #marks = new Map<CameraId, Promise<KeepMark[]>>();

  constructor(store: ObjectStore) {
    this.#store = store;
  }

  /** A segment's bytes by its media name; undefined where it is not stored. */
  async read(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    const key = `${cameraId}/${track}/${name}`;
    return parseSegmentName(name) && isObjectKey(key) ? this.#get(key) : undefined;
  }

  /** The caps of an init segment, with its bytes; undefined where it is not stored. */
  async generation(cameraId: CameraId, track: TrackId, name: string): Promise<ChunkCaps | undefined> {
    const key = `${cameraId}/${track}/${name}`;
    if (!isInitName(name) || !isObjectKey(key)) return undefined;
    const known = this.#generations.get(key);
    if (known) return known;
    const [init, description] = await Promise.all([this.#get(key), this.#get(descriptionName(key))]);
    if (!init || !description) return undefined;
    const caps = readGeneration(description, init);
    this.#generations.set(key, caps);
    if (this.#generations.size > REMEMBERED) this.#generations.delete(this.#generations.keys().next().value!);
    return caps;
  }

  /** What of a camera is kept whatever its age, by start. */
  async keeps(cameraId: CameraId): Promise<KeepMark[]> {
    let marks = this.#marks.get(cameraId);
    if (!marks) {
      this.#marks.set(cameraId, (marks = this.#readMarks(cameraId)));
      marks.catch(() => this.#marks.delete(cameraId));
    }
    return marks;
  }

  async keep(cameraId: CameraId, range: TimeRange): Promise<void> {
    const { start, end } = range;
    if (!(end > start)) throw new RangeError('a kept stretch ends after it begins');
    try {
      await this.#store.put(markKey(cameraId, range), Buffer.from(JSON.stringify({ cameraId, start, end })));
    } catch (error) {
      if ((error as EddyError).code !== 'STORE_EXISTS') throw error;
    } finally {
      this.#marks.delete(cameraId);
    }
  }

  async unkeep(cameraId: CameraId, range: TimeRange): Promise<boolean> {
    const key = markKey(cameraId, range);
    const known = (await this.#store.head(key)) !== undefined;
    await this.#store.delete([key]);
    this.#marks.delete(cameraId);
    return known;
  }

  /** The mark is in its key alone, so that it is read by a listing. */
  async #readMarks(cameraId: CameraId): Promise<KeepMark[]> {
    const marks: KeepMark[] = [];
    for await (const { key } of listAll(this.#store, `${MARKS}/${cameraId}/`)) {
      const [, start, end] = /\/(\d{1,16})-(\d{1,16})$/.exec(key) ?? [];
      if (start !== undefined) marks.push({ cameraId, start: Number(start), end: Number(end) });
    }
    return marks.sort((a, b) => a.start - b.start);
  }

  async #get(key: string): Promise<Uint8Array | undefined> {
    try {
      return await this.#store.get(key);
    } catch (error) {
      if ((error as EddyError).code === 'STORE_NOT_FOUND') return undefined;
      throw error;
    }
  }
}

const markKey = (cameraId: CameraId, { start, end }: TimeRange): string =>
  `${MARKS}/${cameraId}/${Math.floor(start)}-${Math.ceil(end)}`;
