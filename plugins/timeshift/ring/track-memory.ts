/** One track of one camera in memory: its init segments and its segments, as the parts they came in. */
import {
  type CameraId,
  type Chunk,
  type ChunkCaps,
  initName,
  type Segment,
  segmentName,
  type TrackId,
} from 'eddy/plugin';

/** The range in which an init segment holds. Every change of caps begins a new one. */
export interface Generation {
  readonly name: string;
  readonly caps: ChunkCaps;
}

/** A segment as it is kept: the buffers of its parts are those that came in, never copied. */
export interface KeptSegment {
  readonly segment: Segment;
  readonly generation: Generation;
  readonly parts: readonly Uint8Array[];
}

interface OpenSegment {
  readonly first: Chunk;
  readonly generation: Generation;
  readonly parts: Uint8Array[];
  independent: boolean;
  durationTicks: number;
  bytes: number;
}

/** Puts chunks of one track together to segments. It holds what {@link TrackMemory.evict} has not taken back. */
export class TrackMemory {
  readonly cameraId: CameraId;
  readonly id: TrackId;
  /** Finished segments, oldest first. */
  readonly segments: KeptSegment[] = [];
  #caps: ChunkCaps;
  #generation: Generation | undefined;
  #open: OpenSegment | undefined;

  constructor(cameraId: CameraId, id: TrackId, caps: ChunkCaps) {
    this.cameraId = cameraId;
    this.id = id;
    this.#caps = caps;
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
    if (this.#open && this.#open.first.segment !== chunk.segment) {
      // Its last part was lost on the way: what came of it is still media.
      const cut = this.finish();
      if (cut) finished.push(cut);
    }
    if (!this.#open) {
      if (chunk.part !== 0) return finished;
      this.#open = {
        first: chunk,
        generation: this.#generationFor(chunk),
        parts: [],
        independent: chunk.independent,
        durationTicks: 0,
        bytes: 0,
      };
    }
    const open = this.#open;
    open.parts.push(chunk.data);
    open.bytes += chunk.data.byteLength;
    open.durationTicks = chunk.baseTime + chunk.duration - open.first.baseTime;
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
    const { first, generation } = open;
    const name = segmentName({ startTs: first.startTs, number: first.segment, writer: first.writer });
    const { timescale, codecString } = generation.caps;
    const segment: Segment = {
      id: `${this.cameraId}/${this.id}/${name}`,
      cameraId: this.cameraId,
      track: this.id,
      number: first.segment,
      startTs: first.startTs,
      duration: (open.durationTicks / timescale) * 1000,
      writer: first.writer,
      url: `${this.cameraId}/${this.id}/${name}`,
      initUrl: `${this.cameraId}/${this.id}/${generation.name}`,
      bytes: open.bytes,
      timescale,
      baseTime: first.baseTime,
      durationTicks: open.durationTicks,
      discontinuity: first.discontinuity,
      independent: open.independent,
      codecString,
    };
    const kept = { segment, generation, parts: open.parts };
    this.segments.push(kept);
    return kept;
  }

  /** The bytes of a finished segment in one piece. */
  read(name: string): Uint8Array | undefined {
    const kept = this.segments.findLast(({ segment }) => segmentName(segment) === name);
    return kept && Buffer.concat(kept.parts);
  }

  /** An init segment that a kept or coming segment needs. */
  init(name: string): Uint8Array | undefined {
    return this.findGeneration(name)?.caps.init;
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
