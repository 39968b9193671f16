/** A segment index and a timeline in memory, filled by the plugin under test or by the test itself. */
import {
  spansOf,
  type Gap,
  type KeepMark,
  type SegmentIndex,
  type Span,
  type Timeline,
  type TimelineQuery,
  type TimelineState,
  type TimelineTrack,
  type TimeRange,
} from '../../contracts/index.ts';
import { EddyError } from '../../errors/index.ts';
import { initName, segmentName, type CameraId, type ChunkCaps, type Segment, type TrackId } from '../../model/index.ts';

const overlaps = (range: TimeRange, start: number, end: number): boolean =>
  start < range.end && end > range.start && range.start < range.end;
const byTime = (a: Segment, b: Segment): number =>
  a.startTs - b.startTs || (a.track === b.track ? a.number - b.number : a.track < b.track ? -1 : 1);
const isLater = (one: Segment, than: Segment | undefined): boolean =>
  !than || one.startTs > than.startTs || (one.startTs === than.startTs && one.number >= than.number);
const mediaOf = (segments: readonly Segment[]): TimeRange[] =>
  segments.map(({ startTs, duration }) => ({ start: startTs, end: startTs + duration }));

/** A {@link SegmentIndex} in memory. */
export class FakeSegmentIndex implements SegmentIndex {
  readonly added: Segment[] = [];
  readonly gaps: (Gap & { readonly cameraId: CameraId })[] = [];
  readonly #watchers = new Map<(segment: Segment) => void, CameraId>();
  /** The number after the greatest that was reserved or added. */
  readonly #next = new Map<CameraId, number>();
  #failure: Error | undefined;

  /** Every call rejects with this from now on; undefined ends it. */
  fail(error: Error | undefined): void {
    this.#failure = error;
  }

  /** How many watch. */
  get watchers(): number {
    return this.#watchers.size;
  }

  async add(segments: readonly Segment[]): Promise<void> {
    this.#check();
    for (const segment of segments) {
      if (segment.id !== `${segment.cameraId}/${segment.track}/${segmentName(segment)}`)
        throw new EddyError('INDEX_SEGMENT_INVALID', `"${segment.id}" is not the id of its segment`);
    }
    for (const segment of segments) {
      if (this.added.some(({ id }) => id === segment.id)) continue;
      this.added.push(segment);
      const camera = segment.cameraId as CameraId;
      this.#next.set(camera, Math.max(this.#next.get(camera) ?? 0, segment.number + 1));
      this.#tell(segment);
    }
  }

  async addGap(cameraId: CameraId, gap: Gap): Promise<void> {
    this.#check();
    const { start, end, cause } = gap;
    const known = this.gaps.some(
      (one) => one.cameraId === cameraId && one.start === start && one.end === end && one.cause === cause,
    );
    if (start < end && !known) this.gaps.push({ start, end, cause, cameraId });
  }

  async range(cameraId: CameraId, range: TimeRange, track?: string, limit = Infinity): Promise<Segment[]> {
    return this.#of(cameraId, track)
      .filter(({ startTs, duration }) => overlaps(range, startTs, startTs + duration))
      .slice(0, limit);
  }

  async latest(cameraId: CameraId, track?: string): Promise<Segment | undefined> {
    return this.#of(cameraId, track).reduce<Segment | undefined>(
      (newest, one) => (isLater(one, newest) ? one : newest),
      undefined,
    );
  }

  async spans(cameraId: CameraId, range: TimeRange): Promise<Span[]> {
    const gaps = this.gaps.filter((gap) => gap.cameraId === cameraId);
    return spansOf(mediaOf(this.#of(cameraId)), gaps, range);
  }

  async cameras(): Promise<CameraId[]> {
    this.#check();
    return [...new Set(this.added.map(({ cameraId }) => cameraId as CameraId))].sort();
  }

  async reserve(cameraId: CameraId, atLeast: number, count: number): Promise<number> {
    this.#check();
    const first = Math.max(atLeast, this.#next.get(cameraId) ?? 0);
    this.#next.set(cameraId, first + count);
    return first;
  }

  async delete(ids: readonly string[]): Promise<void> {
    this.#check();
    const kept = this.added.filter(({ id }) => !ids.includes(id));
    this.added.splice(0, this.added.length, ...kept);
    const told = this.gaps.filter((gap) => kept.some((one) => one.cameraId === gap.cameraId && one.startTs < gap.end));
    this.gaps.splice(0, this.gaps.length, ...told);
  }

  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void {
    const own = (segment: Segment): void => listener(segment);
    this.#watchers.set(own, cameraId);
    return () => void this.#watchers.delete(own);
  }

  #tell(segment: Segment): void {
    for (const [watcher, watched] of [...this.#watchers]) {
      if (watched !== segment.cameraId) continue;
      try {
        watcher(segment);
      } catch {
        // The segment is added, whatever a watcher makes of it.
      }
    }
  }

  #of(cameraId: CameraId, track?: string): Segment[] {
    this.#check();
    const found = this.added.filter((one) => one.cameraId === cameraId && (track ?? one.track) === one.track);
    return found.sort(byTime);
  }

  #check(): void {
    if (this.#failure) throw this.#failure;
  }
}

interface KeptTrack {
  readonly generations: { readonly init: string; readonly caps: ChunkCaps }[];
}

/** A {@link Timeline} that holds what the test puts into it. */
export class FakeTimeline implements Timeline {
  readonly #tracks = new Map<CameraId, Map<TrackId, KeptTrack>>();
  readonly #segments: { readonly segment: Segment; readonly data: Uint8Array }[] = [];
  readonly #gaps: (Gap & { readonly cameraId: CameraId })[] = [];
  readonly #watchers = new Map<(segment: Segment) => void, CameraId>();
  #keeps: KeepMark[] = [];

  /** Adds a finished segment with its bytes; its track's init segment goes by {@link initName} of the first such. */
  put(segment: Segment, data: Uint8Array, caps: ChunkCaps): void {
    const cameraId = segment.cameraId as CameraId;
    let tracks = this.#tracks.get(cameraId);
    if (!tracks) this.#tracks.set(cameraId, (tracks = new Map<TrackId, KeptTrack>()));
    let track = tracks.get(segment.track);
    if (!track) tracks.set(segment.track, (track = { generations: [] }));
    const init = segment.initUrl.split('/').at(-1) ?? initName(segment);
    if (track.generations.at(-1)?.init !== init) track.generations.push({ init, caps });
    this.#segments.push({ segment, data });
    for (const [watcher, watched] of [...this.#watchers]) if (watched === cameraId) watcher(segment);
  }

  /** Says why a stretch has no media. */
  gap(cameraId: CameraId, gap: Gap): void {
    this.#gaps.push({ ...gap, cameraId });
  }

  async cameras(): Promise<CameraId[]> {
    return [...this.#tracks.keys()];
  }

  async tracks(cameraId: CameraId): Promise<TimelineTrack[]> {
    const tracks = [...(this.#tracks.get(cameraId) ?? [])];
    return tracks.map(([track, { generations }]) => ({ track, ...generations.at(-1)! }));
  }

  async generation(cameraId: CameraId, track: TrackId, init: string): Promise<TimelineTrack | undefined> {
    const found = this.#tracks
      .get(cameraId)
      ?.get(track)
      ?.generations.find((one) => one.init === init);
    return found && { track, ...found };
  }

  async segments(
    cameraId: CameraId,
    range: TimeRange,
    track?: TrackId,
    { limit = Infinity }: TimelineQuery = {},
  ): Promise<Segment[]> {
    return this.#of(cameraId, track)
      .filter(({ startTs, duration }) => overlaps(range, startTs, startTs + duration))
      .sort(byTime)
      .slice(0, limit);
  }

  async latest(cameraId: CameraId, track?: TrackId): Promise<Segment | undefined> {
    return this.#of(cameraId, track).reduce<Segment | undefined>(
      (newest, one) => (isLater(one, newest) ? one : newest),
      undefined,
    );
  }

  async spans(cameraId: CameraId, range: TimeRange): Promise<Span[]> {
    const segments = this.#segments.map(({ segment }) => segment).filter((one) => one.cameraId === cameraId);
    const gaps = this.#gaps.filter((gap) => gap.cameraId === cameraId);
    return spansOf(mediaOf(segments.sort(byTime)), gaps, range);
  }

  async read(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    return this.#segments.find(
      ({ segment }) => segment.cameraId === cameraId && segment.track === track && segmentName(segment) === name,
    )?.data;
  }

  async init(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined> {
    return this.#tracks
      .get(cameraId)
      ?.get(track)
      ?.generations.find(({ init }) => init === name)?.caps.init;
  }

  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void {
    const own = (segment: Segment): void => listener(segment);
    this.#watchers.set(own, cameraId);
    return () => void this.#watchers.delete(own);
  }

  async keeps(cameraId: CameraId): Promise<KeepMark[]> {
    return this.#keeps.filter((mark) => mark.cameraId === cameraId).sort((a, b) => a.start - b.start);
  }

  async keep(cameraId: CameraId, { start, end }: TimeRange): Promise<void> {
    await this.unkeep(cameraId, { start, end });
    this.#keeps.push({ cameraId, start, end });
  }

  async unkeep(cameraId: CameraId, { start, end }: TimeRange): Promise<boolean> {
    const left = this.#keeps.filter((one) => one.cameraId !== cameraId || one.start !== start || one.end !== end);
    const found = left.length < this.#keeps.length;
    this.#keeps = left;
    return found;
  }

  async state(): Promise<TimelineState> {
    const waiting = { segments: 0, bytes: 0 };
    return { store: 'none', index: 'none', log: 'none', waiting, clockStepped: false };
  }

  #of(cameraId: CameraId, track?: TrackId): Segment[] {
    return this.#segments
      .map(({ segment }) => segment)
      .filter((one) => one.cameraId === cameraId && (track ?? one.track) === one.track);
  }
}
