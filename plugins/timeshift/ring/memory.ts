/** The memory of all cameras: a window of time within one budget of bytes. */
import type { CameraId, Chunk, ChunkCaps, EndCause, Gap, GapCause, Segment, TimeRange, TrackId } from 'eddy/plugin';
import { type Generation, type KeptSegment, type LogPart, TrackMemory } from './track-memory.ts';

/** Limits of a {@link RingMemory}. */
export interface RingLimits {
  /** How far back media is kept, in ms before now. */
  readonly window: number;
  /** The most that finished segments of all cameras may hold, in bytes. */
  readonly memory: number;
}

/** Who else wants to know. */
export interface RingHooks {
  /** Where parts are written ahead. */
  readonly log?: LogPart;
  readonly finished?: (kept: KeptSegment) => void;
  readonly evicted?: (kept: KeptSegment) => void;
  readonly gap?: (cameraId: CameraId, gap: Gap) => void;
}

/** Since when a camera has no media, and why. */
export interface Absence {
  /** Epoch ms: the end of its last media. */
  readonly since: number;
  readonly cause: GapCause;
}

interface CameraMemory {
  readonly tracks: Map<TrackId, TrackMemory>;
  readonly gaps: Gap[];
  /** Tracks that are being written. */
  readonly live: Set<TrackId>;
  /** From this moment on (epoch ms) everything is here; undefined before the first chunk. */
  floor: number | undefined;
}

/** Why a camera has no media after its last track ended so; otherwise its publisher is away. */
const ABSENT: Partial<Record<EndCause, GapCause>> = { stopped: 'restart', failed: 'crash' };

const startOf = ({ segment }: KeptSegment): number => segment.startTs;
const endOf = ({ segment }: KeptSegment): number => segment.startTs + segment.duration;
const overlaps = (kept: KeptSegment, { start, end }: TimeRange): boolean =>
  start < end && startOf(kept) < end && endOf(kept) > start;

/** The order of segments in every answer. */
export const byTime = (a: Segment, b: Segment): number =>
  a.startTs - b.startTs || (a.track === b.track ? a.number - b.number : a.track < b.track ? -1 : 1);

/** Writes are synchronous and cheap: live chunks pass by without waiting for anything here. */
export class RingMemory {
  readonly #limits: RingLimits;
  readonly #now: () => number;
  readonly #hooks: RingHooks;
  readonly #cameras = new Map<CameraId, CameraMemory>();
  readonly #absences = new Map<CameraId, Absence>();
  /** Finished segments of all cameras in the order they were finished, which is the order they go. */
  #queue: { readonly owner: TrackMemory; readonly kept: KeptSegment }[] = [];
  #head = 0;
  #bytes = 0;
  /** The end of the newest media, epoch ms. */
  #newest = -Infinity;

  constructor(limits: RingLimits, now: () => number, hooks: RingHooks = {}) {
    this.#limits = limits;
    this.#now = now;
    this.#hooks = hooks;
  }

  /** Bytes of all finished segments kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** A camera of an earlier run has had no media since then. */
  setAbsence(cameraId: CameraId, absence: Absence): void {
    this.#absences.set(cameraId, absence);
  }

  absence(cameraId: CameraId): Absence | undefined {
    return this.#absences.get(cameraId);
  }

  /** Forgets since when cameras are away of which nothing is left here. */
  forgetAbsences(): void {
    for (const cameraId of this.#absences.keys()) if (!this.#cameras.has(cameraId)) this.#absences.delete(cameraId);
  }

  /** All cameras that have no media now. */
  absences(): ReadonlyMap<CameraId, Absence> {
    return this.#absences;
  }

  /** A track begins, or goes on after a change of caps or the return of its publisher. */
  begin(cameraId: CameraId, track: TrackId, caps: ChunkCaps): void {
    let camera = this.#cameras.get(cameraId);
    if (!camera)
      this.#cameras.set(cameraId, (camera = { tracks: new Map(), gaps: [], live: new Set(), floor: undefined }));
    camera.live.add(track);
    const known = camera.tracks.get(track);
    if (known) this.#keep(known, known.begin(caps));
    else camera.tracks.set(track, new TrackMemory(cameraId, track, caps, this.#hooks.log));
  }

  /** Takes a chunk in; returns the segments that it finished. */
  append(cameraId: CameraId, track: TrackId, chunk: Chunk): Segment[] {
    const camera = this.#cameras.get(cameraId);
    const memory = camera?.tracks.get(track);
    if (!camera || !memory) return [];
    camera.floor ??= chunk.startTs;
    const absence = this.#absences.get(cameraId);
    if (absence) {
      this.#absences.delete(cameraId);
      this.gap(cameraId, absence.since, chunk.startTs, absence.cause);
    }
    const finished = memory.append(chunk);
    for (const kept of finished) this.#keep(memory, kept);
    return finished.map(({ segment }) => segment);
  }

  /** A hole that somebody upstream explained. */
  gap(cameraId: CameraId, start: number, end: number, cause: GapCause): void {
    if (start >= end) return;
    this.#cameras.get(cameraId)?.gaps.push({ start, end, cause });
    this.#hooks.gap?.(cameraId, { start, end, cause });
  }

  /** A track has ended; returns the segment that was being written. */
  end(cameraId: CameraId, track: TrackId, cause: EndCause = 'publisher-ended'): Segment | undefined {
    const camera = this.#cameras.get(cameraId);
    const memory = camera?.tracks.get(track);
    if (!camera || !memory) return undefined;
    const kept = memory.finish();
    this.#keep(memory, kept);
    camera.live.delete(track);
    const since = Math.max(...[...camera.tracks.values()].map(({ lastEnd }) => lastEnd));
    if (camera.live.size === 0 && since > -Infinity)
      this.#absences.set(cameraId, { since, cause: ABSENT[cause] ?? 'publisher-lost' });
    return kept?.segment;
  }

  /** Lets go of what is too old or too much. Returns how many ms of past were lost to the budget alone, 0 for none. */
  evict(): number {
    // After the wall clock was set back, media goes on ahead of it.
    const oldest = Math.max(this.#now(), this.#newest) - this.#limits.window;
    let short = 0;
    for (let entry = this.#queue[this.#head]; entry; entry = this.#queue[this.#head]) {
      const { owner, kept } = entry;
      const expired = endOf(kept) < oldest;
      if (!expired && this.#bytes <= this.#limits.memory) break;
      if (!expired) short = Math.max(short, endOf(kept) - oldest);
      owner.evict(kept);
      this.#bytes -= kept.segment.bytes;
      this.#head += 1;
      const camera = this.#cameras.get(owner.cameraId);
      if (camera) camera.floor = Math.max(camera.floor ?? -Infinity, endOf(kept));
      this.#hooks.evicted?.(kept);
    }
    if (this.#head > 1024 && this.#head > this.#queue.length / 2) {
      this.#queue = this.#queue.slice(this.#head);
      this.#head = 0;
    }
    for (const [cameraId, camera] of this.#cameras) this.#forget(cameraId, camera, oldest);
    return short;
  }

  cameras(): CameraId[] {
    return [...this.#cameras.keys()];
  }

  /** From this moment on (epoch ms) all media of the camera is here. */
  floor(cameraId: CameraId): number {
    return this.#cameras.get(cameraId)?.floor ?? Infinity;
  }

  /** The newest generation of each track. */
  generations(cameraId: CameraId): { readonly track: TrackId; readonly generation: Generation }[] {
    return this.#tracksOf(cameraId).flatMap(({ id, generation }) => (generation ? [{ track: id, generation }] : []));
  }

  generation(cameraId: CameraId, track: TrackId, init: string): Generation | undefined {
    return this.#cameras.get(cameraId)?.tracks.get(track)?.findGeneration(init);
  }

  /** Finished segments that overlap the range, in no order. */
  segments(cameraId: CameraId, range: TimeRange, track?: TrackId): Segment[] {
    return this.#tracksOf(cameraId, track).flatMap(({ segments }) =>
      segments.filter((kept) => overlaps(kept, range)).map(({ segment }) => segment),
    );
  }

  latest(cameraId: CameraId, track?: TrackId): Segment | undefined {
    return this.#tracksOf(cameraId, track)
      .flatMap(({ segments }) => segments.at(-1)?.segment ?? [])
      .toSorted((a, b) => a.startTs - b.startTs || a.number - b.number)
      .at(-1);
  }

  gaps(cameraId: CameraId): readonly Gap[] {
    return this.#cameras.get(cameraId)?.gaps ?? [];
  }

  read(cameraId: CameraId, track: TrackId, name: string): Uint8Array | undefined {
    return this.#cameras.get(cameraId)?.tracks.get(track)?.read(name);
  }

  #tracksOf(cameraId: CameraId, track?: TrackId): TrackMemory[] {
    const tracks = [...(this.#cameras.get(cameraId)?.tracks.values() ?? [])];
    return track === undefined ? tracks : tracks.filter(({ id }) => id === track);
  }

  #keep(owner: TrackMemory, kept: KeptSegment | undefined): void {
    if (!kept) return;
    this.#queue.push({ owner, kept });
    this.#bytes += kept.segment.bytes;
    this.#newest = Math.max(this.#newest, endOf(kept));
    this.#hooks.finished?.(kept);
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
