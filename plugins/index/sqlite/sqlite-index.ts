/** The segment index in one SQLite file. SQL runs in threads of its own: one that writes, one that reads. */
import {
  JOIN_MS,
  spansOf,
  type CameraId,
  type EddyError,
  type Gap,
  type Segment,
  type SegmentIndex,
  type Span,
  type TimeRange,
} from 'eddy/plugin';
import { checkSegment, parseIds } from '../shared/segment-id.ts';
import { Watchers } from '../shared/watchers.ts';
import { DatabaseThread } from './database-thread.ts';

/** Options of {@link SqliteIndex.open}. */
export interface SqliteIndexOptions {
  /** A thread ended by itself: every call rejects from now on, and the index is to be opened anew. */
  readonly onCrash: (error: EddyError) => void;
  /** A watcher threw. */
  readonly onWatcherError: (error: unknown) => void;
}

/** See the file's head. */
export class SqliteIndex implements SegmentIndex {
  readonly #writer: DatabaseThread;
  readonly #reader: DatabaseThread;
  readonly #watchers: Watchers;

  private constructor(writer: DatabaseThread, reader: DatabaseThread, options: SqliteIndexOptions) {
    this.#writer = writer;
    this.#reader = reader;
    this.#watchers = new Watchers(options.onWatcherError);
  }

  /** Opens or makes the file. Rejects with INDEX_DENIED, INDEX_CORRUPT, INDEX_NEWER, INDEX_FULL or INDEX_UNREACHABLE. */
  static async open(file: string, options: SqliteIndexOptions): Promise<SqliteIndex> {
    const writer = await DatabaseThread.start({ role: 'writer', file }, options.onCrash);
    try {
      // Only now is there a file with tables in it.
      const reader = await DatabaseThread.start({ role: 'reader', file }, options.onCrash);
      return new SqliteIndex(writer, reader, options);
    } catch (error) {
      await writer.close();
      throw error;
    }
  }

  /** What was asked for is done first. */
  async close(): Promise<void> {
    // The writer last: whoever closes last folds the log back into the file, which a reader may not.
    await this.#reader.close();
    await this.#writer.close();
  }

  async add(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) checkSegment(segment);
    if (segments.length === 0) return;
    const fresh = await this.#writer.call('add', segments);
    for (const [index, segment] of segments.entries()) if (fresh[index] === true) this.#watchers.tell(segment);
  }

  async addGap(cameraId: CameraId, { start, end, cause }: Gap): Promise<void> {
    if (start < end) await this.#writer.call('addGap', cameraId, { start, end, cause });
  }

  async range(cameraId: CameraId, { start, end }: TimeRange, track?: string, limit?: number): Promise<Segment[]> {
    return start < end ? this.#reader.call('range', cameraId, { start, end }, track, limit) : [];
  }

  async latest(cameraId: CameraId, track?: string): Promise<Segment | undefined> {
    return this.#reader.call('latest', cameraId, track);
  }

  async spans(cameraId: CameraId, { start, end }: TimeRange): Promise<Span[]> {
    if (start >= end) return [];
    const { media, gaps } = await this.#reader.call('stretches', cameraId, { start, end }, JOIN_MS);
    return spansOf(media, gaps, { start, end });
  }

  async cameras(): Promise<CameraId[]> {
    return this.#reader.call('cameras');
  }

  async reserve(cameraId: CameraId, atLeast: number, count: number): Promise<number> {
    return this.#writer.call('reserve', cameraId, atLeast, count);
  }

  async delete(ids: readonly string[]): Promise<void> {
    const refs = parseIds(ids);
    if (refs.length > 0) await this.#writer.call('delete', refs);
  }

  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void {
    return this.#watchers.add(cameraId, listener);
  }
}
