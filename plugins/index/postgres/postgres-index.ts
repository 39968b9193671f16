/** The segment index in a PostgreSQL database. */
import {
  EddyError,
  JOIN_MS,
  spansOf,
  type CameraId,
  type Gap,
  type Segment,
  type SegmentIndex,
  type Span,
  type TimeRange,
} from 'eddy/plugin';
import { checkSegment, parseIds } from '../shared/segment-id.ts';
import { Watchers } from '../shared/watchers.ts';
import { Database, type DatabaseOptions } from './database.ts';
import { indexError } from './errors.ts';
import { Feed } from './feed.ts';
import { Reader } from './reader.ts';
import { byCamera, Writer } from './writer.ts';
import { writes } from './writes.ts';

/** Options of {@link PostgresIndex}. */
export interface PostgresIndexOptions extends DatabaseOptions {
  /** Settles after so many ms; rejects when the signal aborts. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** The server does not answer; told once until it does. */
  readonly onLost: (error: EddyError) => void;
  readonly onBack: () => void;
  /** A watcher threw. */
  readonly onWatcherError: (error: unknown) => void;
}

/** See the file's head. */
export class PostgresIndex implements SegmentIndex {
  readonly #database: Database;
  readonly #writer: Writer;
  readonly #reader: Reader;
  readonly #feed: Feed;
  readonly #watchers: Watchers;
  readonly #statements: ReturnType<typeof writes>;
  #lost: EddyError | undefined;

  constructor({ sleep, onLost, onBack, onWatcherError, ...options }: PostgresIndexOptions) {
    this.#database = new Database(options);
    this.#writer = new Writer(this.#database);
    this.#reader = new Reader(this.#database);
    this.#watchers = new Watchers(onWatcherError);
    this.#statements = writes(options.schema);
    this.#feed = new Feed(this.#database, this.#reader, this.#watchers, {
      sleep,
      onLost: (error) => onLost((this.#lost = indexError(error, this.#database.where))),
      onBack,
    });
  }

  /**
   * Connects, and makes or migrates the tables. Rejects with INDEX_UNREACHABLE, INDEX_DENIED, INDEX_CORRUPT,
   * INDEX_NEWER or INDEX_FULL, and goes on trying until it is closed: what passes needs no second start.
   */
  async start(): Promise<void> {
    try {
      await this.#feed.start();
    } catch (error) {
      throw indexError(error, this.#database.where);
    }
  }

  /** What was asked for is done first. */
  async close(): Promise<void> {
    await this.#writer.drain();
    await this.#feed.close();
    await this.#database.close();
  }

  async add(segments: readonly Segment[]): Promise<void> {
    for (const segment of segments) checkSegment(segment);
    if (segments.length === 0) return;
    this.#checkLoaded();
    const placed = await this.#writer.add(segments);
    await Promise.all([...byCamera(placed)].map(([cameraId, own]) => this.#feed.added(cameraId, own)));
  }

  async addGap(cameraId: CameraId, { start, end, cause }: Gap): Promise<void> {
    this.#checkLoaded();
    if (start < end) await this.#database.query(this.#statements.addGap, [cameraId, start, end, cause]);
  }

  async range(cameraId: CameraId, { start, end }: TimeRange, track?: string, limit?: number): Promise<Segment[]> {
    this.#checkLoaded();
    return start < end ? this.#reader.range(cameraId, { start, end }, track, limit) : [];
  }

  async latest(cameraId: CameraId, track?: string): Promise<Segment | undefined> {
    this.#checkLoaded();
    return this.#reader.latest(cameraId, track);
  }

  async spans(cameraId: CameraId, { start, end }: TimeRange): Promise<Span[]> {
    this.#checkLoaded();
    if (start >= end) return [];
    const { media, gaps } = await this.#reader.stretches(cameraId, { start, end }, JOIN_MS);
    return spansOf(media, gaps, { start, end });
  }

  async cameras(): Promise<CameraId[]> {
    this.#checkLoaded();
    return this.#reader.cameras();
  }

  async reserve(cameraId: CameraId, atLeast: number, count: number): Promise<number> {
    this.#checkLoaded();
    const [row] = await this.#database.query<{ first: number }>(this.#statements.reserve, [cameraId, atLeast, count]);
    return row!.first;
  }

  async delete(ids: readonly string[]): Promise<void> {
    this.#checkLoaded();
    await this.#writer.delete(parseIds(ids));
  }

  /** Others' segments are told from the first connection on: before, nobody can say which are new. */
  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void {
    return this.#watchers.add(cameraId, listener);
  }

  /** Before the first connection there may be no tables yet. */
  #checkLoaded(): void {
    if (this.#feed.loaded) return;
    throw this.#lost ?? new EddyError('INDEX_UNREACHABLE', `${this.#database.where}: not connected yet`);
  }
}
