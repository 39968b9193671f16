/** What was told of a camera since its publication began, or since the last recording was full: names and times, no media. */
import type { CameraId, ChunkCaps, Segment, TrackId } from 'eddy/plugin';
import { initNameOf, type PastRange, type PastTrack } from './past-media.ts';

interface RecordedTrack {
  readonly generations: Map<string, ChunkCaps>;
  segments: Segment[];
}

/** See the file's head. */
export class Recording {
  readonly #cameraId: CameraId;
  readonly #longest: number;
  readonly #tracks = new Map<TrackId, RecordedTrack>();
  /** Where the last recording ended. */
  #after = -Infinity;

  /** `longest` in ms. */
  constructor(cameraId: CameraId, longest: number) {
    this.#cameraId = cameraId;
    this.#longest = longest;
  }

  /** Takes note of a segment; one that it has, or that belongs to a recording before, changes nothing. */
  add(segment: Segment, caps: ChunkCaps): void {
    let track = this.#tracks.get(segment.track);
    if (!track) this.#tracks.set(segment.track, (track = { generations: new Map(), segments: [] }));
    if (segment.number <= (track.segments.at(-1)?.number ?? this.#after)) return;
    track.segments.push(segment);
    track.generations.set(initNameOf(segment), caps);
  }

  /** All that there is, once it is as long as a recording may be; it begins anew. */
  takeFull(): PastRange | undefined {
    const tracks = [...this.#tracks.values()].filter(({ segments }) => segments.length > 0);
    const long = tracks.some(({ segments }) => segments.at(-1)!.startTs - segments[0]!.startTs >= this.#longest);
    // What not every track has yet belongs to the next one.
    return long ? this.take(Math.min(...tracks.map(({ segments }) => segments.at(-1)!.number))) : undefined;
  }

  /** What there is, up to this number; undefined where that is nothing. */
  take(last = Infinity): PastRange | undefined {
    const tracks: PastTrack[] = [];
    for (const [id, track] of this.#tracks) {
      const taken = track.segments.filter(({ number }) => number <= last);
      track.segments = track.segments.slice(taken.length);
      if (taken.length === 0) continue;
      const caps = track.generations.get(initNameOf(taken.at(-1)!))!;
      tracks.push({ id, kind: caps.kind, caps, generations: new Map(track.generations), segments: taken });
    }
    if (tracks.length === 0) return undefined;
    tracks.sort((a, b) => (a.kind === b.kind ? (a.id < b.id ? -1 : 1) : a.kind === 'video' ? -1 : 1));
    this.#after = Math.max(...tracks.map(({ segments }) => segments.at(-1)!.number));
    const start = Math.min(...tracks.map(({ segments }) => segments[0]!.startTs));
    const ends = tracks.map(({ segments }) => segments.at(-1)!).map(({ startTs, duration }) => startTs + duration);
    return { cameraId: this.#cameraId, range: { start, end: Math.max(...ends) }, tracks, complete: true };
  }
}
