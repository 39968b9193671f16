/** A live segment and its parts: what playlists and manifests are written from. */
import { type Chunk, type ChunkCaps, type Segment, segmentName } from 'eddy/plugin';

/** An init segment under the name that playlists give it. */
export interface LiveInit {
  readonly name: string;
  readonly caps: ChunkCaps;
}

/** One CMAF chunk as it is listed. A part without bytes is a hole: it was lost on the way. */
export interface LivePart {
  readonly index: number;
  readonly name: string;
  /** Seconds. */
  readonly duration: number;
  readonly independent: boolean;
  readonly data: Uint8Array | undefined;
}

/** What is known of a segment when its first part comes. */
export type LiveSegmentHead = Pick<
  LiveSegment,
  'number' | 'startTs' | 'writer' | 'init' | 'discontinuity' | 'epoch' | 'baseTime'
>;

/** Made of chunks while it is written; its media never changes after it is complete, but may be let go. */
export class LiveSegment {
  readonly number: number;
  /** Server time (epoch ms) of its first sample's presentation. */
  readonly startTs: number;
  /** Decode time of its first sample, in ticks of its init segment's timescale; of a hole: where the media before ends. */
  readonly baseTime: number;
  readonly writer: string;
  readonly init: LiveInit;
  /** True where its timeline does not continue that of the segment before. */
  readonly discontinuity: boolean;
  /** How many discontinuities lie before its first sample, its own included: hls.js's `cc`. */
  readonly epoch: number;
  /** `{startMs}-{number}.{writer}.m4s`. */
  readonly name: string;
  /** What the names of its parts begin with: fixed by the hint that announced part 0, so that a hint is kept. */
  readonly stem: string;
  readonly parts: LivePart[] = [];
  #gap = false;
  #complete = false;
  #released = false;
  #independent = false;
  #duration = 0;
  #endTime: number;
  #bytes = 0;

  constructor(
    head: LiveSegmentHead & {
      readonly stem?: string;
      /** Seconds: a hole as long as this, told in parts of at most `partTarget`. */
      readonly gap?: { readonly duration: number; readonly partTarget: number };
    },
  ) {
    this.number = head.number;
    this.startTs = head.startTs;
    this.baseTime = this.#endTime = head.baseTime;
    this.writer = head.writer;
    this.init = head.init;
    this.discontinuity = head.discontinuity;
    this.epoch = head.epoch;
    this.name = segmentName(head);
    this.stem = head.stem ?? partStem(head);
    if (!head.gap) return;
    const { duration, partTarget } = head.gap;
    const parts = Math.max(1, Math.ceil(duration / partTarget));
    for (let index = 0; index < parts; index += 1) this.#push(duration / parts, false, undefined);
    this.#gap = this.#complete = true;
  }

  /** A finished segment as the timeline knows it: its media is there. */
  static past(segment: Segment, head: Pick<LiveSegmentHead, 'init' | 'discontinuity' | 'epoch'>): LiveSegment {
    const { number, startTs, baseTime, writer } = segment;
    const past = new LiveSegment({ number, startTs, baseTime, writer, ...head });
    past.#complete = past.#released = true;
    past.#independent = segment.independent;
    past.#duration = segment.durationTicks / segment.timescale;
    past.#endTime = baseTime + segment.durationTicks;
    past.#bytes = segment.bytes;
    return past;
  }

  /** The whole segment is a hole: one begins with media, or has none. */
  get gap(): boolean {
    return this.#gap;
  }

  /** True once no part will follow. */
  get complete(): boolean {
    return this.#complete;
  }

  /** Seconds so far: the sum of its parts. */
  get duration(): number {
    return this.#duration;
  }

  /** Exact duration so far, in ticks of its init segment's timescale. */
  get ticks(): number {
    return this.#endTime - this.baseTime;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** True where its media is no longer held here: the timeline has it. */
  get released(): boolean {
    return this.#released;
  }

  /** Server time (epoch ms) at which its media ends so far. */
  get endTs(): number {
    return this.startTs + this.#duration * 1000;
  }

  /** True where decoding can begin at its first sample. */
  get independent(): boolean {
    return this.gap || this.#independent;
  }

  /** Adds a chunk; where chunks before it were lost, their places are holes of `partTarget` seconds. */
  add(chunk: Chunk, partTarget: number): void {
    const { timescale } = this.init.caps;
    while (this.parts.length < chunk.part) this.#push(partTarget, false, undefined);
    if (this.parts.length === 0) {
      this.#independent = chunk.independent;
      this.#gap = chunk.gap === true;
    }
    this.#push(chunk.duration / timescale, chunk.independent, chunk.gap ? undefined : chunk.data);
    this.#endTime = chunk.baseTime + chunk.duration;
    if (chunk.last) this.#complete = true;
  }

  /** No part will follow: its last was lost, or the track has ended. */
  close(): void {
    this.#complete = true;
  }

  /** Lets its media go; playlists still list it as a whole. */
  release(): void {
    this.#released = true;
    this.parts.length = 0;
  }

  /** The buffers of its parts, in order. */
  data(): Uint8Array[] {
    return this.parts.flatMap(({ data }) => (data ? [data] : []));
  }

  #push(duration: number, independent: boolean, data: Uint8Array | undefined): void {
    const index = this.parts.length;
    this.parts.push({ index, name: partName(this.stem, index), duration, independent, data });
    this.#duration += duration;
    this.#bytes += data?.byteLength ?? 0;
  }
}

/** What the names of a segment's parts begin with. */
export function partStem(segment: {
  readonly startTs: number;
  readonly number: number;
  readonly writer: string;
}): string {
  return segmentName(segment).slice(0, -'.m4s'.length);
}

/** The media name of a part: `{startMs}-{number}.{writer}.{part}.m4s`. */
export function partName(stem: string, index: number): string {
  return `${stem}.${index}.m4s`;
}

const PART_NAME = /^(\d{1,16}-(\d{1,16})\.[a-z0-9]{1,16})\.(\d{1,5})\.m4s$/;

/** Reads a name made by {@link partName}; undefined where it is not one. */
export function parsePartName(name: string): { stem: string; number: number; index: number } | undefined {
  const match = PART_NAME.exec(name);
  return match ? { stem: match[1]!, number: Number(match[2]), index: Number(match[3]) } : undefined;
}
