/**
 * Brings finished segments into the store and then into the index: the oldest first, several puts at once, each camera's
 * rows in order. What cannot go now waits, in memory or in the write-ahead log, and goes when it can.
 */
import {
  Backoff,
  EddyError,
  type CameraId,
  type Clock,
  type Gap,
  type ObjectStore,
  type Segment,
  type SegmentIndex,
} from 'eddy/plugin';
import { descriptionName, describeGeneration } from './generation-file.ts';
import type { LoggedSegment } from './log-replay.ts';
import type { KeptSegment } from './track-memory.ts';
import { cameraOf, type Waiting, WaitingLine } from './waiting.ts';
import type { WriteAheadLog } from './write-ahead-log.ts';

/** Puts at once. */
const CONCURRENCY = 8;
/** Rows in one commit of the index. */
const BATCH = 500;
/** A put that takes longer than this many ms has failed; the segment is tried again. */
const PUT_TIMEOUT = 30_000;
const RETRY = { min: 250, max: 5000 };
/** A media name never means two contents. */
const IMMUTABLE = 'max-age=31536000, immutable';

/** When a segment counts as acknowledged. */
export type Acknowledgement = 'memory' | 'disk' | 'object';

/** Options of an {@link Archiver}. */
export interface ArchiverOptions {
  readonly store: ObjectStore;
  readonly index: SegmentIndex;
  readonly log: WriteAheadLog;
  readonly clock: Clock;
  readonly ack: Acknowledgement;
  /** No crash takes this segment any more, by the standard of `ack`. Told once a segment and run. */
  readonly onAcknowledged: (segment: Segment) => void;
  /** It is in the store and in the index. */
  readonly onArchived: (segment: Segment) => void;
  /** The store or the index stopped answering, or answers again. */
  readonly onState: (what: 'store' | 'index', up: boolean, error?: unknown) => void;
  /** A segment will never be stored. */
  readonly onLost: (segment: Segment, error: unknown) => void;
}

/** See the file's head. */
export class Archiver {
  readonly #options: ArchiverOptions;
  readonly #line = new WaitingLine();
  #gaps: { readonly cameraId: CameraId; readonly gap: Gap }[] = [];
  /** Init segments that are stored, or on their way, by key. */
  readonly #generations = new Map<string, Promise<void>>();
  #puts = 0;
  #indexing = false;
  readonly #up = { store: true, index: true };
  readonly #backoff = { store: new Backoff(RETRY), index: new Backoff(RETRY) };
  readonly #paused = { store: false, index: false };
  #idle: (() => void)[] = [];

  constructor(options: ArchiverOptions) {
    this.#options = options;
  }

  get state() {
    const { store, index } = this.#up;
    return { store: store ? 'up' : 'down', index: index ? 'up' : 'down', waiting: this.#line.size } as const;
  }

  /** Those of a camera that wait, oldest first. */
  waiting(camera: CameraId): readonly Waiting[] {
    return this.#line.of(camera);
  }

  /** Holes of a camera that the index does not know yet. */
  waitingGaps(camera: CameraId): Gap[] {
    return this.#gaps.flatMap(({ cameraId, gap }) => (cameraId === camera ? [gap] : []));
  }

  cameras(): CameraId[] {
    return this.#line.cameras();
  }

  find(id: string): Waiting | undefined {
    return this.#line.find(id);
  }

  /** A segment was finished. */
  add(kept: KeptSegment): void {
    const waiting = this.#line.add(kept.segment, kept, kept.parts);
    if (!waiting) return;
    const { ack, log } = this.#options;
    if (ack === 'memory') this.#acknowledge(waiting);
    else if (ack === 'disk' && waiting.places)
      void log.sync(waiting.places).then((durable) => durable && this.#acknowledge(waiting));
    this.#store();
  }

  /** A segment of an earlier run, from its log. Where the log is the standard, it is acknowledged (again). */
  recover(logged: LoggedSegment): void {
    const waiting = this.#line.add(logged.segment, logged);
    if (waiting && this.#options.ack !== 'object') this.#acknowledge(waiting);
    this.#store();
  }

  addGap(cameraId: CameraId, gap: Gap): void {
    this.#gaps.push({ cameraId, gap });
    void this.#index();
  }

  /** An init segment was deleted: the next segment that needs it brings it again. */
  forgetInit(key: string): void {
    this.#generations.delete(key);
  }

  /** Memory has let go of it: from now on it is read from the log, or it is lost. */
  evicted({ segment }: Pick<KeptSegment, 'segment'>): void {
    const waiting = this.#line.find(segment.id);
    if (!waiting) return;
    waiting.parts = undefined;
    if (!waiting.places && !waiting.stored && !waiting.putting)
      this.#lose(waiting, new EddyError('STORE_UNREACHABLE', 'memory and spill are full'));
  }

  /** Its bytes, from memory or from the log. */
  async bytes({ parts, places }: Waiting): Promise<Uint8Array> {
    if (parts) return Buffer.concat(parts);
    if (places) return this.#options.log.read(places);
    throw new EddyError('STORE_UNREACHABLE', 'memory and spill are full');
  }

  /** Settles when nothing waits any more. */
  idle(): Promise<void> {
    if (this.#isIdle) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  get #isIdle(): boolean {
    return this.#line.size.segments === 0 && this.#gaps.length === 0;
  }

  #store(): void {
    // While the store is down one put at a time finds out when it is back.
    const most = this.#up.store ? CONCURRENCY : 1;
    while (this.#puts < most && !this.#paused.store) {
      const waiting = this.#line.nextToStore();
      if (!waiting) return;
      waiting.putting = true;
      this.#puts += 1;
      void this.#put(waiting).finally(() => {
        waiting.putting = false;
        this.#puts -= 1;
        this.#store();
      });
    }
  }

  async #put(waiting: Waiting): Promise<void> {
    let bytes: Uint8Array;
    try {
      bytes = await this.bytes(waiting);
    } catch (error) {
      return this.#lose(waiting, error);
    }
    try {
      await this.#putGeneration(waiting);
      await this.#putObject(waiting.segment.url, bytes, `${waiting.generation.caps.kind}/mp4`);
    } catch (error) {
      // A key that cannot be, or is taken by something else, stays so; all else may pass.
      const { code } = error as EddyError;
      if (code === 'STORE_KEY_INVALID' || code === 'STORE_EXISTS') return this.#lose(waiting, error);
      this.#down('store', error);
      if (!waiting.parts && !waiting.places) this.#lose(waiting, error);
      return;
    }
    this.#answers('store');
    this.#line.stored(waiting);
    void this.#index();
  }

  /** Before the first segment that needs it; its caps beside it, so that the past can be told without this process. */
  #putGeneration({ segment, generation }: Waiting): Promise<void> {
    const key = segment.initUrl;
    const known = this.#generations.get(key);
    if (known) return known;
    const putting = (async () => {
      await this.#putObject(descriptionName(key), describeGeneration(generation.caps), 'application/json');
      await this.#putObject(key, generation.caps.init, `${generation.caps.kind}/mp4`);
    })();
    this.#generations.set(key, putting);
    putting.catch(() => this.#generations.delete(key));
    return putting;
  }

  async #putObject(key: string, bytes: Uint8Array, contentType: string): Promise<void> {
    const { store, clock } = this.#options;
    const abort = new AbortController();
    const timeout = new EddyError('STORE_UNREACHABLE', `"${key}" was not stored within ${PUT_TIMEOUT / 1000} s`);
    const late = Promise.withResolvers<never>();
    const cancel = clock.after(PUT_TIMEOUT, () => {
      abort.abort(timeout);
      late.reject(timeout);
    });
    try {
      const put = store.put(key, bytes, { contentType, cacheControl: IMMUTABLE, signal: abort.signal });
      await Promise.race([put, late.promise]);
    } catch (error) {
      if ((error as EddyError).code !== 'STORE_EXISTS') throw error;
      // Stored by an attempt of which no answer came, or by an earlier run that then crashed.
      const there = await store.head(key);
      if (!there) throw new EddyError('STORE_UNREACHABLE', `"${key}" is being stored still`, { cause: error });
      if (there.bytes !== bytes.byteLength) throw error;
    } finally {
      cancel();
    }
  }

  async #index(): Promise<void> {
    if (this.#indexing || this.#paused.index) return;
    this.#indexing = true;
    const { index } = this.#options;
    try {
      for (;;) {
        const batch = this.#line.indexable(BATCH);
        const gaps = this.#gaps;
        if (batch.length === 0 && gaps.length === 0) break;
        if (batch.length > 0) await index.add(batch.map(({ segment }) => segment));
        for (const waiting of batch) this.#archived(waiting);
        for (const { cameraId, gap } of [...gaps]) {
          await index.addGap(cameraId, gap);
          this.#gaps = this.#gaps.filter((one) => one.gap !== gap);
        }
        this.#answers('index');
      }
    } catch (error) {
      this.#down('index', error);
    } finally {
      this.#indexing = false;
    }
    if (this.#isIdle) for (const settle of this.#idle.splice(0)) settle();
  }

  #archived(waiting: Waiting): void {
    this.#line.remove(waiting);
    this.#acknowledge(waiting);
    if (waiting.places) this.#options.log.release(waiting.places);
    this.#options.onArchived(waiting.segment);
  }

  #acknowledge(waiting: Waiting): void {
    if (waiting.acknowledged) return;
    waiting.acknowledged = true;
    this.#options.onAcknowledged(waiting.segment);
  }

  #lose(waiting: Waiting, error: unknown): void {
    this.#line.remove(waiting);
    if (waiting.places) this.#options.log.release(waiting.places);
    const { startTs: start, duration } = waiting.segment;
    this.addGap(cameraOf(waiting), { start, end: start + duration, cause: 'store-outage' });
    this.#options.onLost(waiting.segment, error);
  }

  #answers(what: 'store' | 'index'): void {
    if (this.#up[what]) return;
    this.#up[what] = true;
    this.#backoff[what] = new Backoff(RETRY);
    this.#options.onState(what, true);
  }

  #down(what: 'store' | 'index', error: unknown): void {
    if (this.#up[what]) this.#options.onState(what, false, error);
    this.#up[what] = false;
    if (this.#paused[what]) return;
    this.#paused[what] = true;
    this.#options.clock.after(this.#backoff[what].next(), () => {
      this.#paused[what] = false;
      if (what === 'store') this.#store();
      else void this.#index();
    });
  }
}
