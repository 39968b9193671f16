/**
 * Deletes what is too old or too much. First the rows, so that nobody is told of it any more, and some minutes later the
 * bytes: whoever was told of it before, and plays on from there, is not cut. A crash in between leaves bytes without rows,
 * which the next start's repair removes.
 */
import type { CameraId, Clock, KeepMark, ObjectStore, Segment, SegmentIndex, TimeRange, TrackId } from 'eddy/plugin';
import type { Archive } from './archive.ts';
import { descriptionName } from './generation-file.ts';

/** How long bytes can be read after their rows have gone, ms. A player at real time never falls back further than that. */
export const READER_GRACE = 120_000;
/** Segments deleted in one go. */
const BATCH = 500;

/** Options of a {@link Retention}. */
export interface RetentionOptions {
  readonly store: ObjectStore;
  readonly index: SegmentIndex;
  readonly archive: Archive;
  readonly clock: Clock;
  /** Steady time, epoch ms. */
  readonly now: () => number;
  /** The age, in ms, at which a segment goes. */
  readonly age: number;
  /** The most that one camera may have in the store, bytes; what is under marks neither counts nor goes for it. */
  readonly bytes: number | undefined;
  /** Whether segments that need this init segment are being made, or wait to be stored. */
  readonly isLive: (camera: CameraId, track: TrackId, init: string) => boolean;
  /** An init segment is no longer stored; its key. */
  readonly onInitDeleted: (key: string) => void;
}

interface DoomedInit {
  readonly camera: CameraId;
  readonly track: TrackId;
  /** Its key. */
  readonly init: string;
}

interface Doomed {
  /** Monotonic ms. */
  readonly at: number;
  readonly keys: readonly string[];
  /** Init segments that these needed; they go with the last segment that does. */
  readonly inits: readonly DoomedInit[];
}

interface Counted {
  /** The marks by which it was counted: others make it void. */
  readonly marks: readonly KeepMark[];
  /** Bytes of all segments that no mark covers. */
  bytes: number;
  /** While the index is read: ids of what is counted already. */
  seen: Set<string> | undefined;
}

/** See the file's head. */
export class Retention {
  readonly #options: RetentionOptions;
  /** What of each camera counts against the bound; kept only where there is one. */
  readonly #counted = new Map<CameraId, Counted>();
  #doomed: Doomed[] = [];
  #sweeping: Promise<number> | undefined;
  deleted = 0;

  constructor(options: RetentionOptions) {
    this.#options = options;
  }

  /** A segment was stored and indexed. */
  archived(segment: Segment): void {
    const counted = this.#counted.get(segment.cameraId as CameraId);
    if (counted) count(counted, segment);
  }

  /** Deletes what is due now; returns how many segments that were. Rejects where store or index do; call again then. */
  sweep(): Promise<number> {
    return (this.#sweeping ??= this.#sweep().finally(() => (this.#sweeping = undefined)));
  }

  async #sweep(): Promise<number> {
    const { index, now, age, bytes } = this.#options;
    let count = 0;
    for (const camera of await index.cameras()) {
      const marks = await this.#options.archive.keeps(camera);
      const horizon = now() - age;
      count += await this.#delete(camera, marks, (one) => one.startTs + one.duration <= horizon, horizon);
      if (bytes !== undefined) count += await this.#shrink(camera, marks, bytes);
    }
    await this.#deleteBytes();
    this.deleted += count;
    return count;
  }

  /** Deletes the oldest until what is left fits. */
  async #shrink(camera: CameraId, marks: readonly KeepMark[], limit: number): Promise<number> {
    let over = (await this.#count(camera, marks)) - limit;
    if (over <= 0) return 0;
    const goes = ({ bytes }: Segment): boolean => {
      if (over <= 0) return false;
      over -= bytes;
      return true;
    };
    return this.#delete(camera, marks, goes, Number.MAX_SAFE_INTEGER);
  }

  /** Deletes from the oldest on, for as long as `goes` says so. */
  async #delete(
    camera: CameraId,
    marks: readonly KeepMark[],
    goes: (segment: Segment) => boolean,
    until: number,
  ): Promise<number> {
    const { index } = this.#options;
    let count = 0;
    for (const range of between(marks, until)) {
      let from = range.start;
      for (;;) {
        const page = await index.range(camera, { start: from, end: range.end }, undefined, BATCH);
        const going: Segment[] = [];
        for (const segment of page) {
          if (isKept(segment, marks)) continue;
          if (!goes(segment)) break;
          going.push(segment);
        }
        if (going.length > 0) await this.#remove(camera, going);
        count += going.length;
        if (page.length < BATCH || going.length === 0) break;
        // What was deleted is gone from the next page; kept neighbours are passed over.
        from = Math.max(from, going.at(-1)!.startTs);
      }
    }
    return count;
  }

  async #remove(camera: CameraId, segments: readonly Segment[]): Promise<void> {
    const { index, clock } = this.#options;
    await index.delete(segments.map(({ id }) => id));
    const counted = this.#counted.get(camera);
    if (counted) counted.bytes -= segments.reduce((sum, { bytes }) => sum + bytes, 0);
    const inits = new Map(segments.map(({ initUrl, track }) => [initUrl, { camera, track, init: initUrl }]));
    const at = clock.monotonic() + READER_GRACE;
    this.#doomed.push({ at, keys: segments.map(({ url }) => url), inits: [...inits.values()] });
  }

  async #deleteBytes(): Promise<void> {
    const { store, clock } = this.#options;
    for (let doomed = this.#doomed[0]; doomed && doomed.at <= clock.monotonic(); doomed = this.#doomed[0]) {
      const keys = [...doomed.keys];
      for (const one of doomed.inits) {
        if (await this.#isNeeded(one)) continue;
        keys.push(one.init, descriptionName(one.init));
        this.#options.onInitDeleted(one.init);
      }
      await store.delete(keys);
      this.#doomed.shift();
    }
  }

  /**
   * Whether a segment that is left needs an init segment. Those that share one lie side by side, so it is the oldest of the
   * track, or one under a mark, or one that is being made.
   */
  async #isNeeded({ camera, track, init }: DoomedInit): Promise<boolean> {
    const { index, archive, isLive } = this.#options;
    const needs = (one: Segment | undefined): boolean => one?.initUrl === init;
    if (isLive(camera, track, init.split('/').at(-1)!)) return true;
    const marks = await archive.keeps(camera);
    for (const range of between(marks, Number.MAX_SAFE_INTEGER))
      if (needs((await index.range(camera, range, track, 1))[0])) return true;
    for (const mark of marks) if ((await index.range(camera, mark, track)).some(needs)) return true;
    return false;
  }

  /** Bytes that count against the bound. All rows are read for the first time, and again after marks have changed. */
  async #count(camera: CameraId, marks: readonly KeepMark[]): Promise<number> {
    const known = this.#counted.get(camera);
    if (known?.marks === marks) return known.bytes;
    const seen = new Set<string>();
    const counted: Counted = { marks, bytes: 0, seen };
    this.#counted.set(camera, counted);
    try {
      for (let start = 0; ;) {
        const page = await this.#options.index.range(camera, { start, end: Number.MAX_SAFE_INTEGER }, undefined, BATCH);
        const before = seen.size;
        for (const segment of page) count(counted, segment);
        if (page.length < BATCH || seen.size === before) break;
        start = page.at(-1)!.startTs;
      }
    } catch (error) {
      this.#counted.delete(camera);
      throw error;
    }
    counted.seen = undefined;
    return counted.bytes;
  }
}

/** Counts a segment once, also one that is archived while the index is read. */
function count(counted: Counted, segment: Segment): void {
  if (counted.seen?.has(segment.id)) return;
  counted.seen?.add(segment.id);
  if (!isKept(segment, counted.marks)) counted.bytes += segment.bytes;
}

const isKept = ({ startTs, duration }: Segment, marks: readonly TimeRange[]): boolean =>
  marks.some(({ start, end }) => startTs < end && startTs + duration > start);

/** The stretches before `until` that no mark covers, by start. */
function between(marks: readonly TimeRange[], until: number): TimeRange[] {
  const found: TimeRange[] = [];
  let start = 0;
  for (const mark of marks.toSorted((a, b) => a.start - b.start)) {
    if (mark.start >= until) break;
    if (mark.start > start) found.push({ start, end: mark.start });
    start = Math.max(start, mark.end);
  }
  if (start < until) found.push({ start, end: until });
  return found;
}
