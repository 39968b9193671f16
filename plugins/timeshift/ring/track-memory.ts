/** One track of one camera: its init segments and its newest segments, as the parts they came in. */
import {
  type CameraId,
  type Chunk,
  type ChunkCaps,
  initName,
  type Segment,
  segmentName,
  type TrackId,
} from 'eddy/plugin';
import type { LogPlace } from './log-file.ts';

/** The range in which an init segment holds. Every change of caps begins a new one. */
export interface Generation {
  readonly name: string;
  readonly caps: ChunkCaps;
}

/** A finished segment: the buffers of its parts are those that came in, never copied. */
export interface KeptSegment {
  readonly segment: Segment;
  readonly generation: Generation;
  readonly parts: readonly Uint8Array[];
  /** Where its parts are in the write-ahead log; undefined where not all of them are. */
  readonly places: readonly LogPlace[] | undefined;
}

/** Writes a part ahead to disk; undefined where that is impossible now. */
export type LogPart = (track: TrackMemory, generation: Generation, chunk: Chunk) => LogPlace | undefined;

/** How a segment is put together from its parts: as they come, or as a log has them. */
export class SegmentBuilder {
  readonly first: Chunk;
  readonly #generation: Generation;
  #end: number;
  #bytes = 0;

  constructor(first: Chunk, generation: Generation) {
    this.first = first;
    this.#generation = generation;
    this.#end = first.baseTime;
  }

  add(chunk: Pick<Chunk, 'baseTime' | 'duration'>, bytes: number): void {
    this.#bytes += bytes;
    this.#end = chunk.baseTime + chunk.duration;
  }

  build(cameraId: string, track: TrackId): Segment {
    const { first } = this;
    const { timescale, codecString } = this.#generation.caps;
    const durationTicks = this.#end - first.baseTime;
    const id = `${cameraId}/${track}/${segmentName({ ...first, number: first.segment })}`;
    return {
      id,
      cameraId,
      track,
      number: first.segment,
      startTs: first.startTs,
      duration: (durationTicks / timescale) * 1000,
      writer: first.writer,
      url: id,
      initUrl: `${cameraId}/${track}/${this.#generation.name}`,
      bytes: this.#bytes,
      timescale,
      baseTime: first.baseTime,
      durationTicks,
      discontinuity: first.discontinuity,
      independent: first.independent,
      codecString,
    };
  }
}

interface OpenSegment {
  readonly builder: SegmentBuilder;
  readonly generation: Generation;
  readonly parts: Uint8Array[];
  readonly places: LogPlace[];
}

/** Puts chunks of one track together to segments. It holds what {@link TrackMemory.evict} has not taken back. */
export class TrackMemory {
  readonly cameraId: CameraId;
  readonly id: TrackId;
  /** Finished segments, oldest first. */
  readonly segments: KeptSegment[] = [];
  /** Where its newest finished segment ended, epoch ms; also when that has gone. */
  lastEnd = -Infinity;
  readonly #log: LogPart | undefined;
  #caps: ChunkCaps;
  #generation: Generation | undefined;
  #open: OpenSegment | undefined;

  constructor(cameraId: CameraId, id: TrackId, caps: ChunkCaps, log?: LogPart) {
    this.cameraId = cameraId;
    this.id = id;
    this.#caps = caps;
    this.#log = log;
  }

  /** The newest generation; undefined before the first chunk. */
  get generation(): Generation | undefined {
    return this.#generation;
  }

  /** The caps of the chunks that follow. */
  begin(caps: ChunkCaps): KeptSegment | undefined {
    const finished = this.finish();
    this.#caps = caps;
    return finished;
  }

  /** Takes a chunk in; returns the segments that it finished, oldest first. */
  append(chunk: Chunk): KeptSegment[] {
    const finished: KeptSegment[] = [];
    if (this.#open && this.#open.builder.first.segment !== chunk.segment) {
      // Its last part was lost on the way: what came of it is still media.
      const cut = this.finish();
      if (cut) finished.push(cut);
    }
    if (!this.#open) {
      // A segment without any media is told to live players; of the past it is a number that is missing.
      if (chunk.part !== 0 || chunk.gap) return finished;
      const generation = this.#generationFor(chunk);
      this.#open = { builder: new SegmentBuilder(chunk, generation), generation, parts: [], places: [] };
    }
    const { builder, generation, parts, places } = this.#open;
    parts.push(chunk.data);
    builder.add(chunk, chunk.data.byteLength);
    const place = this.#log?.(this, generation, chunk);
    if (place) places.push(place);
    if (chunk.last) {
      const whole = this.finish();
      if (whole) finished.push(whole);
    }
    return finished;
  }

  /** Closes the segment that is being written, as at the end of the track; returns it where it has any media. */
  finish(): KeptSegment | undefined {
    const open = this.#open;
    this.#open = undefined;
    if (!open) return undefined;
    const { builder, generation, parts } = open;
    const places = open.places.length === parts.length ? open.places : undefined;
    const kept = { segment: builder.build(this.cameraId, this.id), generation, parts, places };
    this.segments.push(kept);
    this.lastEnd = kept.segment.startTs + kept.segment.duration;
    return kept;
  }

  /** The bytes of a finished segment in one piece. */
  read(name: string): Uint8Array | undefined {
    const kept = this.segments.findLast(({ segment }) => segmentName(segment) === name);
    return kept && Buffer.concat(kept.parts);
  }

  /** The generation that has this init segment, while a kept or coming segment needs it. */
  findGeneration(name: string): Generation | undefined {
    if (this.#generation?.name === name) return this.#generation;
    return this.segments.find(({ generation }) => generation.name === name)?.generation;
  }

  /** Forgets a segment; the oldest goes first, so it is found at once. */
  evict(kept: KeptSegment): void {
    const index = this.segments.indexOf(kept);
    if (index >= 0) this.segments.splice(index, 1);
  }

  #generationFor(chunk: Chunk): Generation {
    const current = this.#generation;
    if (current && sameBytes(current.caps.init, this.#caps.init)) return current;
    const name = initName({ number: chunk.segment, writer: chunk.writer });
    return (this.#generation = { name, caps: this.#caps });
  }
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a === b || Buffer.compare(a, b) === 0;
}
