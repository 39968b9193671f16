/** The live window of one track: its newest segments with their parts, from chunks as they come. */
import { type Chunk, type ChunkCaps, initName, type Segment, type TrackId } from 'eddy/plugin';
import { BitrateMeter } from './bitrate.ts';
import { type LiveInit, LiveSegment, partName, type LivePart, partStem } from './live-segment.ts';

/** Options of a {@link LiveTrack}. */
export interface LiveTrackOptions {
  /** Seconds of finished segments that playlists list. */
  readonly window: number;
  /** Seconds for which segments stay readable after they were listed. */
  readonly grace: number;
  /** Seconds of media held in memory; what is older is read from the timeline. Default: all that is listed. */
  readonly hold?: number;
}

/** Where a track stands: the newest segment and its newest part; part -1 for a segment without parts. */
export interface LivePosition {
  readonly number: number;
  readonly part: number;
}

/** Init segments of the past that stay readable. */
const MAX_INITS = 16;
/** A segment lasts; seconds. */
const LEAST_HOLE = 0.001;

export class LiveTrack {
  readonly id: TrackId;
  readonly kind: 'video' | 'audio';
  /** Seconds; never change, as RFC 8216bis demands, whatever caps follow. */
  readonly partTarget: number;
  readonly targetDuration: number;
  readonly bitrate = new BitrateMeter();
  /** Listed segments, oldest first; only the newest may be incomplete. */
  readonly segments: LiveSegment[] = [];
  /** True while somebody writes it. */
  active = true;
  /** True once no segment will follow for those who play it (EXT-X-ENDLIST). */
  ended = false;
  readonly #options: LiveTrackOptions;
  #caps: ChunkCaps;
  #init: LiveInit | undefined;
  readonly #inits: LiveInit[] = [];
  #retired: LiveSegment[] = [];
  #cut = false;
  /** The newest segment was remembered: who goes on with the next number is the same writer, or a new beginning. */
  #remembered = false;
  #epoch: number;

  /** `epoch` counts the discontinuities that the camera had before this track came. */
  constructor(id: TrackId, caps: ChunkCaps, epoch: number, options: LiveTrackOptions) {
    this.id = id;
    this.kind = caps.kind;
    this.partTarget = caps.partTarget;
    // A segment may be cut without a key frame at twice its target, so that is the longest one.
    this.targetDuration = Math.ceil(2 * caps.segmentTarget);
    this.#options = options;
    this.#caps = caps;
    this.#epoch = epoch;
  }

  /** The caps of the newest media. */
  get caps(): ChunkCaps {
    return this.#caps;
  }

  /** Discontinuities so far, those before it came included. */
  get epoch(): number {
    return this.#epoch;
  }

  get last(): LiveSegment | undefined {
    return this.segments.at(-1);
  }

  /** True where its newest segment is a gap: others go on, and this one has stopped. */
  get stopped(): boolean {
    return this.last?.gap === true;
  }

  /** The newest segment that playlists list as a whole. */
  get lastWhole(): LiveSegment | undefined {
    return this.segments.findLast((segment) => this.isWhole(segment));
  }

  /**
   * True where playlists tell this segment as a whole (EXTINF), and not by its parts alone: from the first part of the
   * next one on. A part later than it could be, and on purpose: hls.js takes a segment that becomes whole while it
   * works on one of its parts for buffered, and never asks for the last part. See docs/decisions/0006-hls-js-stall.md.
   * A gap has no parts to work on, and the sooner players know of it the better.
   */
  isWhole(segment: LiveSegment): boolean {
    return segment.complete && (segment !== this.last || this.ended || segment.gap);
  }

  /** Where its playlist ends; undefined while there is nothing to list. */
  get position(): LivePosition | undefined {
    const last = this.last;
    return last && { number: last.number, part: last.parts.length - 1 };
  }

  /** The track goes on with these caps: after its publisher's return, or a change. */
  begin(caps: ChunkCaps): void {
    this.#caps = caps;
    this.active = true;
    this.ended = false;
  }

  /**
   * Begins with what the camera had before this process, or this stage, began: its finished segments, oldest first, each with its init
   * segment. What comes next is told as a discontinuity, unless its writer has written the newest of them too.
   */
  remember(past: readonly { readonly segment: Segment; readonly init: LiveInit }[]): void {
    if (this.segments.length > 0) return;
    for (const { segment, init } of past) {
      const last = this.last;
      if (last && segment.number <= last.number) continue;
      if (last && segment.number > last.number + 1) this.#fill(last, segment.number, segment.startTs);
      const discontinuity = last !== undefined && (segment.discontinuity || init !== last.init || this.#cut);
      this.#cut = false;
      if (discontinuity) this.#epoch += 1;
      this.segments.push(LiveSegment.past(segment, { init, discontinuity, epoch: this.#epoch }));
      if (!this.#inits.includes(init)) this.#inits.push(init);
      this.#init = init;
      this.bitrate.add(segment.bytes, segment.duration / 1000);
    }
    this.#remembered = this.segments.length > 0;
    this.#trim();
  }

  /** Lists nothing that ended before this moment (epoch ms), because it can no longer be read. */
  dropBefore(moment: number): void {
    const gone = this.segments.findIndex(({ endTs }) => endTs > moment);
    if (gone > 0) this.#retire(gone);
  }

  /** Nobody writes it now. What was being written is as whole as it will get. */
  pause(): void {
    this.active = false;
    this.#complete(this.last);
  }

  /** The timeline of what comes next does not continue. */
  cut(): void {
    this.#cut = true;
  }

  /** Takes a chunk in. False where it has no place: late, twice, or the middle of a segment whose start was missed. */
  append(chunk: Chunk): boolean {
    const last = this.last;
    if (last && chunk.segment < last.number) return false;
    if (last?.number === chunk.segment) {
      if (last.complete || chunk.part < last.parts.length) return false;
      last.add(chunk, this.partTarget);
      if (last.complete) this.#measure(last);
      return true;
    }
    if (chunk.part !== 0) return false;
    this.#complete(last);
    if (last && chunk.segment > last.number + 1) this.#fill(last, chunk.segment, chunk.startTs);
    this.#open(chunk);
    this.#trim();
    return true;
  }

  /** Whether playlists hold this segment, or this part of it, or anything newer (RFC 8216bis 6.2.5.2). */
  has(number: number, part?: number): boolean {
    const last = this.last;
    if (!last || number > last.number) return false;
    if (number < last.number) return part === undefined || this.#hasPart(number, part);
    if (part === undefined) return this.isWhole(last);
    // A part beyond a segment's last is part 0 of the next one, and that has not come yet.
    return part < last.parts.length;
  }

  /** A segment by its media name, listed or within its grace. */
  find(name: string): LiveSegment | undefined {
    return this.segments.findLast((segment) => segment.name === name) ?? this.#retired.find((old) => old.name === name);
  }

  /** A segment by who wrote it and its number, or its decode time: listed or within its grace. */
  findBy(writer: string, key: 'number' | 'baseTime', value: number): LiveSegment | undefined {
    const fits = (one: LiveSegment): boolean => one[key] === value && one.writer === writer && !one.gap;
    return this.segments.findLast(fits) ?? this.#retired.findLast(fits);
  }

  /** A part by the two halves of its media name. */
  findPart(stem: string, index: number): LivePart | undefined {
    const owner = this.segments.findLast((one) => one.stem === stem) ?? this.#retired.find((one) => one.stem === stem);
    return owner?.parts[index];
  }

  findInit(name: string): LiveInit | undefined {
    return this.#inits.findLast((init) => init.name === name);
  }

  /**
   * The name of the part that comes next, which may be asked for before it exists. A guess only where a segment ends:
   * the next segment's first part is then named after the time at which it should begin, and keeps that name.
   */
  get hint(): string | undefined {
    const last = this.last;
    if (!last || !this.active || this.ended) return undefined;
    return last.complete ? partName(this.#nextStem(last), 0) : partName(last.stem, last.parts.length);
  }

  #nextStem(last: LiveSegment): string {
    return partStem({ number: last.number + 1, startTs: last.endTs, writer: last.writer });
  }

  #hasPart(number: number, part: number): boolean {
    const segment = this.segments.findLast((one) => one.number === number);
    // Gone from the window: certainly past. Beyond its last part: part 0 of the next one, which exists.
    return !segment || part < segment.parts.length || segment.number < this.last!.number;
  }

  #open(chunk: Chunk): void {
    const last = this.last;
    const before = this.#init;
    const init = this.#initFor(chunk);
    // Where a camera begins there is nothing to continue, whatever its packager says.
    const goesOn = last?.writer === chunk.writer && last.number + 1 === chunk.segment;
    const cut = this.#cut || (this.#remembered && !goesOn);
    const discontinuity = before !== undefined && (chunk.discontinuity || cut || init !== before);
    this.#cut = this.#remembered = false;
    if (discontinuity) this.#epoch += 1;
    const hinted = goesOn ? this.#nextStem(last) : undefined;
    const { segment: number, startTs, baseTime, writer } = chunk;
    const head = {
      number,
      startTs,
      baseTime,
      writer,
      init,
      discontinuity,
      epoch: this.#epoch,
      ...(hinted ? { stem: hinted } : {}),
    };
    const segment = new LiveSegment(head);
    segment.add(chunk, this.partTarget);
    this.segments.push(segment);
    if (segment.complete) this.#measure(segment);
  }

  /** Numbers that never came are holes, so that a number keeps its place; a jump past the window begins anew. */
  #fill(last: LiveSegment, next: number, startTs: number): void {
    const missing = next - last.number - 1;
    // Numbers may be missing where no time is: segments of other tracks that were shorter than this one's frames.
    const each = Math.max(LEAST_HOLE, (startTs - last.endTs) / 1000 / missing);
    if (missing * this.#caps.segmentTarget > this.#options.window || each > this.targetDuration) {
      this.#retire(this.segments.length);
      this.#cut = true;
      return;
    }
    for (let index = 0; index < missing; index += 1) {
      this.segments.push(
        new LiveSegment({
          number: last.number + 1 + index,
          startTs: last.endTs + index * each * 1000,
          baseTime: last.baseTime + last.ticks,
          writer: last.writer,
          init: last.init,
          discontinuity: false,
          epoch: this.#epoch,
          gap: { duration: each, partTarget: this.partTarget },
        }),
      );
    }
  }

  #initFor(chunk: Chunk): LiveInit {
    const current = this.#init;
    if (current && Buffer.compare(current.caps.init, this.#caps.init) === 0) return current;
    const init = { name: initName({ number: chunk.segment, writer: chunk.writer }), caps: this.#caps };
    this.#inits.push(init);
    if (this.#inits.length > MAX_INITS) this.#inits.shift();
    return (this.#init = init);
  }

  #complete(segment: LiveSegment | undefined): void {
    if (!segment || segment.complete) return;
    segment.close();
    this.#measure(segment);
  }

  #measure(segment: LiveSegment): void {
    if (segment.gap) return;
    this.bitrate.add(segment.bytes, segment.duration);
  }

  /** Lists what the window asks for, and never less than three target durations (RFC 8216bis 6.2.2). */
  #trim(): void {
    const window = Math.max(this.#options.window, 3 * this.targetDuration) * 1000;
    const { segments } = this;
    const last = segments.at(-1);
    if (!last) return;
    const end = last.complete ? last.endTs : last.startTs;
    // By their times, not by adding them up: a window may hold many thousands.
    const kept = segments.findIndex((_, index) => end - (segments[index + 1] ?? last).startTs < window);
    this.#retire(kept);
    this.#release();
  }

  /** Media beyond what is to be held goes; the newest that went is where those before it have gone too. */
  #release(): void {
    const { hold = Infinity } = this.#options;
    let held = 0;
    for (let index = this.segments.length - 1; index >= 0; index -= 1) {
      const segment = this.segments[index]!;
      if (segment.released) return;
      // Players take the newest three target durations part by part.
      if (held > Math.max(hold, 4 * this.targetDuration) && !segment.gap) segment.release();
      held += segment.duration;
    }
  }

  #retire(count: number): void {
    if (count <= 0) return;
    this.#retired.push(...this.segments.splice(0, count));
    const newest = this.segments.at(-1)?.endTs ?? this.#retired.at(-1)!.endTs;
    const readable = Math.max(this.#options.window, 3 * this.targetDuration) + this.#options.grace;
    this.#retired = this.#options.grace > 0 ? this.#retired.filter((old) => newest - old.endTs < readable * 1000) : [];
  }
}
