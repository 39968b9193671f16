/** The service: memory, what waits on its way to the store, and store and index, as one timeline. */
import {
  EddyError,
  spansOf,
  type CameraId,
  type Gap,
  type KeepMark,
  type Segment,
  type SegmentIndex,
  type Span,
  type Timeline,
  type TimelineQuery,
  type TimelineState,
  type TimelineTrack,
  type TimeRange,
  type TrackId,
} from 'eddy/plugin';
import { type Archive, isInitName } from './archive.ts';
import type { Archiver } from './archiver.ts';
import { byTime, type RingMemory } from './memory.ts';

/** How far before its newest segment a camera that is away is searched for its tracks, ms. */
const TRACKS_WITHIN = 60_000;
const EVER = Number.MAX_SAFE_INTEGER;

/** What lies behind the memory, where the pipeline has a store and an index. */
export interface Behind {
  readonly archive: Archive;
  readonly archiver: Archiver;
  readonly index: SegmentIndex;
}

/** Options of a {@link RingTimeline}. */
export interface RingTimelineOptions {
  readonly memory: RingMemory;
  readonly now: () => number;
  readonly behind?: Behind | undefined;
  readonly state: () => TimelineState;
}

/** See the file's head. */
export class RingTimeline implements Timeline {
  readonly #memory: RingMemory;
  readonly #options: RingTimelineOptions;
  readonly #behind: Behind | undefined;
  readonly #watchers = new Map<CameraId, Set<{ readonly listener: (segment: Segment) => void }>>();

  constructor(options: RingTimelineOptions) {
    this.#options = options;
    this.#memory = options.memory;
    this.#behind = options.behind;
  }

  async cameras(): Promise<CameraId[]> {
    const known = new Set(this.#memory.cameras());
    if (this.#behind) {
      for (const camera of this.#behind.archiver.cameras()) known.add(camera);
      for (const camera of await this.#behind.index.cameras()) known.add(camera);
    }
    return [...known].toSorted();
  }

  async tracks(cameraId: CameraId): Promise<TimelineTrack[]> {
    const here = this.#memory.generations(cameraId);
    if (here.length > 0 || !this.#behind)
      return here.map(({ track, generation: { name, caps } }) => ({ track, init: name, caps }));
    const last = await this.latest(cameraId);
    if (!last) return [];
    const newest = new Map<TrackId, Segment>();
    const range = { start: last.startTs - TRACKS_WITHIN, end: EVER };
    for (const segment of await this.segments(cameraId, range)) newest.set(segment.track, segment);
    const tracks = await Promise.all(
      [...newest].map(([track, { initUrl }]) => this.generation(cameraId, track, initUrl.split('/').at(-1)!)),
    );
    return tracks.filter((track) => track !== undefined);
  }

  async generation(cameraId: CameraId, track: TrackId, init: string): Promise<TimelineTrack | undefined> {
    const waiting = this.#behind?.archiver
      .waiting(cameraId)
      .find(({ segment, generation }) => segment.track === track && generation.name === init);
    const here = this.#memory.generation(cameraId, track, init) ?? waiting?.generation;
    const caps = here?.caps ?? (await this.#behind?.archive.generation(cameraId, track, init));
    return caps && { track, init, caps };
  }

  async segments(
    cameraId: CameraId,
    range: TimeRange,
    track?: TrackId,
    { limit = Infinity, acknowledged = false }: TimelineQuery = {},
  ): Promise<Segment[]> {
    const found = new Map<string, Segment>();
    // Asked twice: one may be indexed, and another be finished, while the index answers.
    const before = this.#waiting(cameraId, range, track);
    if (this.#behind && range.start < this.#memory.floor(cameraId)) {
      const most = Number.isFinite(limit) ? limit : undefined;
      for (const one of await this.#behind.index.range(cameraId, range, track, most)) found.set(one.id, one);
    }
    const waiting = [...before, ...this.#waiting(cameraId, range, track)];
    for (const { segment } of waiting) found.set(segment.id, segment);
    for (const segment of this.#memory.segments(cameraId, range, track)) found.set(segment.id, segment);
    if (acknowledged) for (const one of waiting) if (!one.acknowledged) found.delete(one.segment.id);
    return [...found.values()].sort(byTime).slice(0, limit);
  }

  async latest(cameraId: CameraId, track?: TrackId): Promise<Segment | undefined> {
    const newest = this.#memory.latest(cameraId, track);
    if (newest || !this.#behind) return newest;
    const waiting = this.#waiting(cameraId, { start: 0, end: EVER }, track).map(({ segment }) => segment);
    const indexed = await this.#behind.index.latest(cameraId, track);
    return [...waiting, ...(indexed ? [indexed] : [])]
      .sort((a, b) => a.startTs - b.startTs || a.number - b.number)
      .at(-1);
  }

  async spans(cameraId: CameraId, range: TimeRange): Promise<Span[]> {
    const absence = this.#memory.absence(cameraId);
    const gaps: Gap[] = [...this.#memory.gaps(cameraId), ...(this.#behind?.archiver.waitingGaps(cameraId) ?? [])];
    if (absence) gaps.push({ start: absence.since, end: this.#options.now(), cause: absence.cause });
    const everything = { start: 0, end: EVER };
    const media: TimeRange[] = this.#memory.segments(cameraId, everything).map(rangeOf);
    for (const { segment } of this.#waiting(cameraId, everything)) media.push(rangeOf(segment));
    if (this.#behind && range.start < this.#memory.floor(cameraId)) {
      const spans = await this.#behind.index.spans(cameraId, range);
      for (const span of spans) {
        if (span.kind === 'gap') gaps.push(span);
        else media.push(span);
      }
      // What begins with a hole is known to have had media before it.
      const [first] = spans;
      if (first?.kind === 'gap') media.push({ start: first.start, end: first.start });
    }
    media.sort((a, b) => a.start - b.start);
    return spansOf(media, gaps, range);
  }

  async read(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    const here = this.#memory.read(cameraId, track, name);
    if (here || !this.#behind) return here;
    const { archiver, archive } = this.#behind;
    const waiting = archiver.find(`${cameraId}/${track}/${name}`);
    if (waiting && !waiting.stored) {
      try {
        return await archiver.bytes(waiting);
      } catch (error) {
        // It has just been stored, and its place in the log was given to others.
        if (!waiting.stored) throw error;
      }
    }
    return archive.read(cameraId, track, name);
  }

  async init(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    return isInitName(name) ? (await this.generation(cameraId, track, name))?.caps.init : undefined;
  }

  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void {
    const watchers = this.#watchers.get(cameraId) ?? new Set();
    const own = { listener };
    this.#watchers.set(cameraId, watchers.add(own));
    return () => {
      watchers.delete(own);
      if (watchers.size === 0 && this.#watchers.get(cameraId) === watchers) this.#watchers.delete(cameraId);
    };
  }

  /** Tells watchers of a finished segment. */
  tell(segment: Segment): void {
    for (const { listener } of [...(this.#watchers.get(segment.cameraId as CameraId) ?? [])]) listener(segment);
  }

  async keeps(cameraId: CameraId): Promise<KeepMark[]> {
    return this.#behind ? this.#behind.archive.keeps(cameraId) : [];
  }

  async keep(cameraId: CameraId, range: TimeRange): Promise<void> {
    if (!this.#behind) throw new EddyError('TIMELINE_NOT_STORED', 'nothing is kept beyond the memory of this timeline');
    return this.#behind.archive.keep(cameraId, range);
  }

  async unkeep(cameraId: CameraId, range: TimeRange): Promise<boolean> {
    return this.#behind ? this.#behind.archive.unkeep(cameraId, range) : false;
  }

  async state(): Promise<TimelineState> {
    return this.#options.state();
  }

  #waiting(cameraId: CameraId, { start, end }: TimeRange, track?: TrackId) {
    if (!this.#behind || start >= end) return [];
    return this.#behind.archiver
      .waiting(cameraId)
      .filter(({ segment: one }) => (track ?? one.track) === one.track)
      .filter(({ segment: { startTs, duration } }) => startTs < end && startTs + duration > start);
  }
}

const rangeOf = ({ startTs, duration }: Segment): TimeRange => ({ start: startTs, end: startTs + duration });
