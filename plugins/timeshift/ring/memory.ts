/** The memory of all cameras: a window of time within one budget of bytes. */
import {
  EddyError,
  type CameraId,
  type Chunk,
  type ChunkCaps,
  type GapCause,
  type KeepMark,
  type Segment,
  type Span,
  type Timeline,
  type TimelineQuery,
  type TimelineState,
  type TimelineTrack,
  type TimeRange,
  type TrackId,
} from 'eddy/plugin';
import { cutSpans, type Gap, spansOf } from './spans.ts';
import { type KeptSegment, TrackMemory } from './track-memory.ts';

/** Limits of a {@link RingMemory}. */
export interface RingLimits {
  /** How far back media is kept, in ms before now. */
  readonly window: number;
  /** The most that finished segments of all cameras may hold, in bytes. */
  readonly memory: number;
}

interface CameraMemory {
  readonly tracks: Map<TrackId, TrackMemory>;
  readonly gaps: Gap[];
  /** Tracks that are being written. */
  readonly live: Set<TrackId>;
  /** When the last of its tracks ended; the hole after it is the publisher's. */
  awaySince: number | undefined;
}

const startOf = ({ segment }: KeptSegment): number => segment.startTs;
const endOf = ({ segment }: KeptSegment): number => segment.startTs + segment.duration;
const overlaps = (kept: KeptSegment, { start, end }: TimeRange): boolean =>
  start < end && startOf(kept) < end && endOf(kept) > start;

/** Writes are synchronous and cheap: live chunks pass by without waiting for anything here. */
export class RingMemory implements Timeline {
  readonly #limits: RingLimits;
  readonly #now: () => number;
  readonly #cameras = new Map<CameraId, CameraMemory>();
  /** Finished segments of all cameras in the order they were finished, which is the order they go. */
  #queue: { readonly owner: TrackMemory; readonly kept: KeptSegment }[] = [];
  #head = 0;
  #bytes = 0;
  readonly #watchers = new Map<(segment: Segment) => void, CameraId>();

  constructor(limits: RingLimits, now: () => number) {
    this.#limits = limits;
    this.#now = now;
  }

  /** Bytes of all finished segments kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A track begins, or goes on after a change of caps or the return of its publisher. */
  begin(cameraId: CameraId, track: TrackId, caps: ChunkCaps): void {
    let camera = this.#cameras.get(cameraId);
    if (!camera)
      this.#cameras.set(cameraId, (camera = { tracks: new Map(), gaps: [], live: new Set(), awaySince: undefined }));
    camera.live.add(track);
    const known = camera.tracks.get(track);
    if (known) this.#keep(known, known.begin(caps));
    else camera.tracks.set(track, new TrackMemory(cameraId, track, caps));
  }

  /** Takes a chunk in; returns the segments that it finished. */
  append(cameraId: CameraId, track: TrackId, chunk: Chunk): Segment[] {
    const camera = this.#cameras.get(cameraId);
    const memory = camera?.tracks.get(track);
    if (!camera || !memory) return [];
    if (camera.awaySince !== undefined) {
      camera.gaps.push({ start: camera.awaySince, end: chunk.startTs, cause: 'publisher-lost' });
      camera.awaySince = undefined;
    }
    const finished = memory.append(chunk);
    for (const kept of finished) this.#keep(memory, kept);
    return finished.map(({ segment }) => segment);
  }

  /** A hole that somebody upstream explained. */
  gap(cameraId: CameraId, start: number, end: number, cause: GapCause): void {
    this.#cameras.get(cameraId)?.gaps.push({ start, end, cause });
  }

  /** A track has ended; returns the segment that was being written. */
  end(cameraId: CameraId, track: TrackId): Segment | undefined {
    const camera = this.#cameras.get(cameraId);
    const memory = camera?.tracks.get(track);
    if (!camera || !memory) return undefined;
    const kept = memory.finish();
    this.#keep(memory, kept);
    camera.live.delete(track);
    if (camera.live.size === 0) camera.awaySince = Math.max(...[...camera.tracks.values()].map(lastEnd));
    return kept?.segment;
  }

  /** Lets go of what is too old or too much. Returns how many ms of past were lost to the budget alone, 0 for none. */
  evict(): number {
    const oldest = this.#now() - this.#limits.window;
    let short = 0;
    for (let entry = this.#queue[this.#head]; entry; entry = this.#queue[this.#head]) {
      const expired = endOf(entry.kept) < oldest;
      if (!expired && this.#bytes <= this.#limits.memory) break;
      if (!expired) short = Math.max(short, endOf(entry.kept) - oldest);
      entry.owner.evict(entry.kept);
      this.#bytes -= entry.kept.segment.bytes;
      this.#head += 1;
    }
    if (this.#head > 1024 && this.#head > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    for (const [cameraId, camera] of this.#cameras) this.#forget(cameraId, camera, oldest);
    return short;
  }

  async cameras(): Promise<CameraId[]> {
    return [...this.#cameras.keys()].toSorted();
  }

  async tracks(cameraId: CameraId): Promise<TimelineTrack[]> {
    return this.#tracksOf(cameraId).flatMap(({ id, generation }) =>
      generation ? [{ track: id, init: generation.name, caps: generation.caps }] : [],
    );
  }

  async segments(
    cameraId: CameraId,
    range: TimeRange,
    track?: TrackId,
    { limit = Infinity }: TimelineQuery = {},
  ): Promise<Segment[]> {
    return this.#tracksOf(cameraId)
      .filter(({ id }) => track === undefined || id === track)
      .flatMap(({ segments }) => segments.filter((kept) => overlaps(kept, range)).map(({ segment }) => segment))
      .toSorted((a, b) => a.startTs - b.startTs || (a.track < b.track ? -1 : 1))
      .slice(0, limit);
  }

  async generation(cameraId: CameraId, track: TrackId, init: string): Promise<TimelineTrack | undefined> {
    const found = this.#cameras.get(cameraId)?.tracks.get(track)?.findGeneration(init);
    return found && { track, init, caps: found.caps };
  }

  async latest(cameraId: CameraId, track?: TrackId): Promise<Segment | undefined> {
    return this.#tracksOf(cameraId)
      .filter(({ id }) => track === undefined || id === track)
      .flatMap(({ segments }) => segments.at(-1)?.segment ?? [])
      .toSorted((a, b) => a.startTs - b.startTs || a.number - b.number)
      .at(-1);
  }

  async spans(cameraId: CameraId, range: TimeRange): Promise<Span[]> {
    const camera = this.#cameras.get(cameraId);
    if (!camera) return [];
    const media = this.#tracksOf(cameraId).flatMap(({ segments }) =>
      segments.map((kept) => ({ start: startOf(kept), end: endOf(kept) })),
    );
    const away = camera.awaySince;
    const gaps =
      away === undefined
        ? camera.gaps
        : [...camera.gaps, { start: away, end: Infinity, cause: 'publisher-lost' as const }];
    return cutSpans(spansOf(media, gaps, away === undefined ? undefined : this.#now()), range);
  }

  async read(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    return this.#cameras.get(cameraId)?.tracks.get(track)?.read(name);
  }

  async init(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    return this.#cameras.get(cameraId)?.tracks.get(track)?.init(name);
  }

  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void {
    const own = (segment: Segment): void => listener(segment);
    this.#watchers.set(own, cameraId);
    return () => void this.#watchers.delete(own);
  }

  async keeps(): Promise<KeepMark[]> {
    return [];
  }

  async keep(): Promise<void> {
    throw new EddyError('TIMELINE_NOT_STORED', 'nothing is kept beyond the memory of this timeline');
  }

  async unkeep(): Promise<boolean> {
    return false;
  }

  async state(): Promise<TimelineState> {
    const waiting = { segments: 0, bytes: 0 };
    return { store: 'none', index: 'none', log: 'none', waiting, clockStepped: false };
  }

  #tracksOf(cameraId: CameraId): TrackMemory[] {
    return [...(this.#cameras.get(cameraId)?.tracks.values() ?? [])];
  }

  #keep(owner: TrackMemory, kept: KeptSegment | undefined): void {
    if (!kept) return;
    this.#queue.push({ owner, kept });
    this.#bytes += kept.segment.bytes;
    for (const [watcher, watched] of [...this.#watchers]) if (watched === owner.cameraId) watcher(kept.segment);
  }

  /** Gaps, tracks and cameras of which nothing is left in the window. */
  #forget(cameraId: CameraId, camera: CameraMemory, oldest: number): void {
    const kept = camera.gaps.findIndex((gap) => gap.end >= oldest);
    camera.gaps.splice(0, kept < 0 ? camera.gaps.length : kept);
    for (const [id, track] of camera.tracks) {
      if (track.segments.length === 0 && !camera.live.has(id)) camera.tracks.delete(id);
    }
    if (camera.tracks.size === 0) this.#cameras.delete(cameraId);
  }
}

function lastEnd(track: TrackMemory): number {
  const last = track.segments.at(-1);
  return last ? endOf(last) : -Infinity;
}
