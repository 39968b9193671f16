/** The past of cameras for publishers: stretches of segments from the timeline, kept for those who ask again, and their media. */
import type { CameraId, ChunkCaps, Clock, Segment, Timeline, TrackId } from 'eddy/plugin';
import { segmentName } from 'eddy/plugin';
import type { WantedRange } from './range.ts';

/** One track of a stretch. */
export interface PastTrack {
  readonly id: TrackId;
  readonly kind: 'video' | 'audio';
  /** Of its newest media. */
  readonly caps: ChunkCaps | undefined;
  /** By the name of the init segment, where it is known. */
  readonly generations: ReadonlyMap<string, ChunkCaps>;
  /** In order of time. */
  readonly segments: readonly Segment[];
}

/** A stretch of the past as of a moment; another object as soon as anything is different. */
export interface PastRange {
  readonly cameraId: CameraId;
  readonly range: WantedRange;
  /** Tracks with any media in it. */
  readonly tracks: readonly PastTrack[];
  /** True once nothing more can be added to it. */
  readonly complete: boolean;
}

interface Entry {
  range: Promise<PastRange>;
  /** When the tail was looked at, and when all of it was; monotonic ms. */
  lookedAt: number;
  readAt: number;
  segments: number;
}

/** What was read is believed for this long, ms: retention deletes, and a store that was away catches up. */
const BELIEVED = 60_000;
/** The tail of a stretch that grows is looked at no more often than this, ms. */
const TAIL_EVERY = 400;
/** A stretch is complete when it ended so long ago, ms: segments are finished and stored some time after their media. */
const SETTLED = 30_000;
/** Segments held in all stretches together: a few days of one camera. */
const MAX_SEGMENTS = 250_000;
/** The past is read in slices of this length, ms. */
const SLICE = 2 * 3_600_000;
/** How far around its presumed beginning a segment is looked for by its media time, ms. */
const AROUND = 5000;

/** See the file's head. */
export class PastMedia {
  readonly #timeline: Timeline;
  readonly #clock: Clock;
  /** The least recently used first. */
  readonly #entries = new Map<string, Entry>();

  constructor(timeline: Timeline, clock: Clock) {
    this.#timeline = timeline;
    this.#clock = clock;
  }

  /** A stretch of the past of all tracks. `live`: more of the camera may come. */
  async load(cameraId: CameraId, range: WantedRange, live: boolean): Promise<PastRange> {
    const key = `${cameraId} ${range.start} ${range.end}`;
    const now = this.#clock.monotonic();
    let entry = this.#entries.get(key);
    this.#entries.delete(key);
    if (!entry || now - entry.readAt > BELIEVED) {
      entry = { range: this.#read(cameraId, range, live), lookedAt: now, readAt: now, segments: 0 };
    } else if (now - entry.lookedAt > TAIL_EVERY) {
      entry.lookedAt = now;
      entry.range = entry.range.then((before) => (before.complete ? before : this.#grow(before, live)));
    }
    this.#entries.set(key, entry);
    try {
      const loaded = await entry.range;
      entry.segments = loaded.tracks.reduce((sum, { segments }) => sum + segments.length, 0);
      this.#trim();
      return loaded;
    } catch (error) {
      // What could not be read is asked for again by the next one.
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
      throw error;
    }
  }

  /** A segment by the name under which it is stored. */
  read(cameraId: CameraId, track: TrackId, name: string): Promise<PastBytes | undefined> {
    return this.#withKind(cameraId, track, this.#timeline.read(cameraId, track, name));
  }

  /** An init segment. */
  init(cameraId: CameraId, track: TrackId, name: string): Promise<PastBytes | undefined> {
    return this.#withKind(cameraId, track, this.#timeline.init(cameraId, track, name));
  }

  /** A segment by its media time (ticks of its track); `offset` is how far that was from server time when it was made, ms. */
  async find(
    cameraId: CameraId,
    track: TrackId,
    wanted: { readonly writer: string; readonly time: number; readonly offset: number },
  ): Promise<(PastBytes & Pick<Segment, 'startTs'>) | undefined> {
    const known = (await this.#timeline.tracks(cameraId)).find((one) => one.track === track);
    // Every track of a camera that was ever written is known; its timescale may have been another one.
    const scales = new Set([known?.caps.timescale ?? 90_000, 90_000, 48_000, 44_100]);
    for (const timescale of scales) {
      const about = (wanted.time / timescale) * 1000 + wanted.offset;
      const range = { start: about - AROUND, end: about + AROUND };
      const found = (await this.#timeline.segments(cameraId, range, track)).find(
        ({ baseTime, writer }) => baseTime === wanted.time && writer === wanted.writer,
      );
      const data = found && (await this.#timeline.read(cameraId, track, segmentName(found)));
      const { width, height } = known?.caps ?? {};
      if (data) return { data, kind: kindOfCodec(found.codecString), startTs: found.startTs, width, height };
    }
    return undefined;
  }

  /** What a track is, is found out while its bytes are read; video where nobody knows. */
  async #withKind(
    cameraId: CameraId,
    track: TrackId,
    reading: Promise<Uint8Array | undefined>,
  ): Promise<PastBytes | undefined> {
    const [data, tracks] = await Promise.all([reading, this.#timeline.tracks(cameraId)]);
    const { kind = 'video', width, height } = tracks.find((one) => one.track === track)?.caps ?? {};
    return data && { data, kind, width, height };
  }

  async #read(cameraId: CameraId, range: WantedRange, live: boolean): Promise<PastRange> {
    // A slice at a time, so that a day of the past does not hold the parts of live cameras up.
    const tracks = new Map<TrackId, Segment[]>();
    const now = this.#clock.now();
    for (let start = range.start; start < range.end; start += SLICE) {
      const end = start + SLICE > now ? range.end : Math.min(start + SLICE, range.end);
      for (const [track, segments] of groupByTrack(await this.#timeline.segments(cameraId, { start, end }))) {
        const known = tracks.get(track);
        if (!known) tracks.set(track, segments);
        // One that reaches into the next slice is told of in both.
        else for (const one of segments) if (one.number > known.at(-1)!.number) known.push(one);
      }
      if (end === range.end) break;
    }
    return this.#assemble(cameraId, range, live, tracks);
  }

  /** Adds what was finished since. */
  async #grow(before: PastRange, live: boolean): Promise<PastRange> {
    const { cameraId, range } = before;
    const newest = Math.max(range.start, ...before.tracks.map(({ segments }) => segments.at(-1)!.startTs));
    const tail = groupByTrack(await this.#timeline.segments(cameraId, { start: newest - SETTLED, end: range.end }));
    let grown = false;
    const all = new Map(before.tracks.map(({ id, segments }) => [id, segments]));
    for (const [track, segments] of tail) {
      const known = all.get(track) ?? [];
      const last = known.at(-1);
      const fresh = segments.filter((one) => !last || one.number > last.number);
      grown ||= fresh.length > 0;
      if (fresh.length > 0) all.set(track, [...known, ...fresh]);
    }
    if (!grown && this.#isComplete(range, live) === before.complete) return before;
    return this.#assemble(cameraId, range, live, all);
  }

  async #assemble(
    cameraId: CameraId,
    range: WantedRange,
    live: boolean,
    byTrack: ReadonlyMap<TrackId, readonly Segment[]>,
  ): Promise<PastRange> {
    const tracks = await Promise.all(
      [...byTrack].map(async ([id, segments]): Promise<PastTrack> => {
        const generations = new Map<string, ChunkCaps>();
        for (const name of new Set(segments.map(initNameOf))) {
          const known = await this.#timeline.generation(cameraId, id, name);
          if (known) generations.set(name, known.caps);
        }
        const caps = [...generations.values()].at(-1);
        return { id, kind: caps?.kind ?? kindOfCodec(segments[0]!.codecString), caps, generations, segments };
      }),
    );
    tracks.sort((a, b) => (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind === 'video' ? -1 : 1));
    return { cameraId, range, tracks, complete: this.#isComplete(range, live) };
  }

  #isComplete(range: WantedRange, live: boolean): boolean {
    return !live || range.end < this.#clock.now() - SETTLED;
  }

  #trim(): void {
    let held = 0;
    for (const { segments } of this.#entries.values()) held += segments;
    for (const [key, { segments }] of this.#entries) {
      if (held <= MAX_SEGMENTS || this.#entries.size <= 1) return;
      this.#entries.delete(key);
      held -= segments;
    }
  }
}

/** The name of a segment's init segment. */
export const initNameOf = ({ initUrl }: Segment): string => initUrl.slice(initUrl.lastIndexOf('/') + 1);

/** Bytes and what they are. */
export interface PastBytes {
  readonly data: Uint8Array;
  readonly kind: 'video' | 'audio';
  /** Of the newest pictures of the track, where that is known. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
}

/** By the four characters that name a codec (RFC 6381). */
const kindOfCodec = (codec: string): 'video' | 'audio' =>
  /^(?:mp4a|opus|mp3|ac-3|ec-3|flac)/i.test(codec) ? 'audio' : 'video';

const groupByTrack = (segments: readonly Segment[]): Map<TrackId, Segment[]> =>
  Map.groupBy(segments, ({ track }) => track);
