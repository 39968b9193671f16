/**
 * One track's parts. A part closes when the next frame arrives, since only then are its last frame's duration and
 * whether it ends the segment known; it closes before the frame that would take it past its target.
 */
import { type ChunkSample, writeChunk } from 'eddy/media';
import type { Chunk } from 'eddy/plugin';
import type { Boundary } from './plan.ts';

/** A frame on the camera's timeline. */
export interface TimedUnit {
  /** Output ticks; decode times count up by at least one. */
  readonly dts: number;
  readonly pts: number;
  readonly key: boolean;
  readonly data: Uint8Array;
  /** Server time (epoch ms) of its presentation. */
  readonly wall: number;
  /** Ticks that it lasts where no frame follows. */
  readonly nominal: number;
}

/** What a {@link PartWriter} must know of its track. */
export interface PartWriterOptions {
  readonly timescale: number;
  /** Seconds. */
  readonly partTarget: number;
  /** No segment is longer than this; seconds. */
  readonly segmentLimit: number;
  /** Frames of equal duration: a part is full when no further one fits. */
  readonly constant: boolean;
  /** A longer frame than the next part can hold is a hole; audio frames never stretch over one. */
  readonly stretch: boolean;
  readonly writer: string;
  /** No `startTs` is before this, epoch ms: the newest one before the camera's present timeline began. */
  readonly notBefore: number;
  /** The newest segment of the track that this one replaces. */
  readonly lastNumber: number | undefined;
  /** Where its media ends, ticks; 0 where it had none. */
  readonly end: number;
  readonly emit: (chunk: Chunk) => void;
}

const NO_DATA = new Uint8Array(0);

interface OpenSegment {
  readonly boundary: Boundary;
  readonly startDts: number;
  readonly independent: boolean;
  nextPart: number;
}

interface Pending extends TimedUnit {
  duration: number;
}

export class PartWriter {
  readonly #options: PartWriterOptions;
  readonly #target: number;
  readonly #limit: number;
  #segment: OpenSegment | undefined;
  /** Frames of the open part; the last one's duration is unknown until the next frame. */
  #pending: Pending[] = [];
  #known = 0;
  #sequence = 0;
  #lastStartTs: number;
  #lastNumber: number | undefined;
  #end: number;
  #newest: TimedUnit | undefined;

  constructor(options: PartWriterOptions) {
    this.#options = options;
    this.#lastStartTs = options.notBefore;
    this.#lastNumber = options.lastNumber;
    this.#end = options.end;
    this.#target = Math.floor(options.partTarget * options.timescale);
    this.#limit = Math.floor(options.segmentLimit * options.timescale);
  }

  /** The segment being written. */
  get segment(): Pick<OpenSegment, 'boundary' | 'startDts' | 'independent'> | undefined {
    return this.#segment;
  }

  /** The newest segment's number, also after it was finished. */
  get lastNumber(): number | undefined {
    return this.#lastNumber;
  }

  /** The newest `startTs`, epoch ms. */
  get lastStartTs(): number {
    return this.#lastStartTs;
  }

  /** True once it has been given a frame. */
  get begun(): boolean {
    return this.#newest !== undefined;
  }

  /** Where the media written so far ends, that of the track before it included: decode time in ticks. */
  get end(): number {
    const tail = this.#pending.at(-1);
    return tail ? tail.dts + tail.nominal : this.#end;
  }

  /** Adds a frame; with `begin` it is the first of that segment. */
  push(unit: TimedUnit, begin?: Boundary): void {
    const hole = this.#settle(unit.dts);
    if (begin) {
      this.#close(this.#pending.length, true);
      this.#segment = { boundary: begin, startDts: unit.dts, independent: unit.key, nextPart: 0 };
      this.#lastNumber = begin.number;
    } else if (hole || this.#full(unit.nominal)) {
      this.#close(this.#pending.length, false);
    }
    this.#newest = unit;
    this.#pending.push({ ...unit, duration: 0 });
  }

  /** Nothing follows: what is pending ends the segment. */
  flush(): void {
    const tail = this.#pending.at(-1);
    if (tail) this.#settle(tail.dts + Math.max(1, tail.nominal));
    this.#close(this.#pending.length, true);
    this.#segment = undefined;
  }

  /** A segment without any media, up to `until`: decode time in ticks. No segment is being written. */
  gap(boundary: Boundary, until: number): void {
    const at = Math.round((boundary.at * this.#options.timescale) / 1000);
    // It joins on to what there is, so that a playlist adds up; but no segment is longer than the limit, rounded (4.4.4.1).
    const most = this.#limit + 0.49 * this.#options.timescale;
    if (boundary.discontinuity || until - this.#end > most) this.#end = Math.max(this.#end, at);
    until = Math.min(until, this.#end + most);
    this.#segment = { boundary, startDts: this.#end, independent: false, nextPart: 0 };
    this.#lastNumber = boundary.number;
    this.#tellHole(until, this.#wallOf(until));
    this.#segment = undefined;
  }

  /** Server time of a moment after the newest frame, by that frame's. */
  #wallOf(dts: number): number {
    const { dts: known, wall } = this.#newest!;
    return wall + ((dts - known) / this.#options.timescale) * 1000;
  }

  /** The last frame's duration is known now; true where it ends before the next frame begins. */
  #settle(nextDts: number): boolean {
    const tail = this.#pending.at(-1);
    if (!tail || !this.#segment) return false;
    const distance = nextDts - tail.dts;
    let duration = distance;
    if (!this.#options.stretch && distance > tail.nominal * 1.5) duration = tail.nominal;
    duration = Math.min(duration, this.#target);
    const hole = duration < distance;
    if (this.#options.stretch)
      duration = Math.max(1, Math.min(duration, this.#segment.startDts + this.#limit - tail.dts));
    if (this.#pending.length > 1 && this.#known + duration > this.#target) this.#close(this.#pending.length - 1, false);
    tail.duration = duration;
    this.#known += duration;
    return hole;
  }

  /** The open segment up to a moment, as parts without media. `wall` is that moment's server time. */
  #tellHole(until: number, wall: number): void {
    const { boundary } = this.#segment!;
    for (let from = this.#end; from < until;) {
      const duration = Math.min(until - from, this.#target);
      const startTs = (this.#lastStartTs = Math.max(
        this.#lastStartTs,
        wall - ((until - from) / this.#options.timescale) * 1000,
      ));
      const part = this.#segment!.nextPart++;
      this.#options.emit({
        segment: boundary.number,
        part,
        last: from + duration >= until,
        independent: false,
        gap: true,
        baseTime: from,
        duration,
        startTs,
        discontinuity: part === 0 && boundary.discontinuity,
        writer: this.#options.writer,
        data: NO_DATA,
      });
      from += duration;
    }
    this.#end = until;
  }

  #full(frame: number): boolean {
    const left = this.#target - this.#known;
    return left < (this.#options.constant ? frame * 0.9 : this.#target * 0.15);
  }

  #close(count: number, last: boolean): void {
    const segment = this.#segment;
    if (!segment || count === 0) return;
    const units = this.#pending.splice(0, count);
    this.#known = 0;
    const first = units[0]!;
    let shown = first;
    let duration = 0;
    const samples: ChunkSample[] = units.map((unit) => {
      if (unit.pts < shown.pts) shown = unit;
      duration += unit.duration;
      return { data: unit.data, duration: unit.duration, compositionOffset: unit.pts - unit.dts, key: unit.key };
    });
    this.#end = first.dts + duration;
    // The mapping to wall time follows the source's clock in both directions; the index must never see it go back.
    const startTs = (this.#lastStartTs = Math.max(this.#lastStartTs, shown.wall));
    const part = segment.nextPart++;
    this.#options.emit({
      segment: segment.boundary.number,
      part,
      last,
      independent: first.key,
      baseTime: first.dts,
      duration,
      startTs,
      discontinuity: part === 0 && segment.boundary.discontinuity,
      writer: this.#options.writer,
      data: writeChunk({
        sequence: ++this.#sequence,
        baseTime: first.dts,
        samples,
        ...(part === 0 && { startsSegment: true, wallClock: startTs }),
      }),
    });
  }
}
