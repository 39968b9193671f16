/**
 * Time through a transcoder. Frames go in on a line of samples without holes, since decoder and encoder know nothing
 * else; what comes out is placed in media time again by where on the line it lies. So the timestamps of the input are
 * followed to the sample, whatever they do: a clock that runs off is followed gently, a hole of a lost packet becomes
 * silence, and a jump is a jump.
 */
import { rescale, type AccessUnit } from 'eddy/plugin';

/** Where the line begins, in s: encoders may give times before their first sample. */
const LINE_START = 10;
/** Timestamps off by less than this (ms), or three quarters of a frame, are untidy; beyond it something is missing. */
const UNTIDY_MS = 15;
/** Holes up to this long (ms) become silence; longer ones stay holes. */
const FILL_MS = 1000;
/** Media that comes twice up to this far back (ms) is left out; further back it is a jump. */
const OVERLAP_MS = 500;
/** A drift of less than this (ms) is rounding: RTMP's timestamps are whole milliseconds. */
const DRIFT_MS = 1;
/** Share of a new error in the running mean: a second or two of frames. */
const SMOOTHING = 1 / 64;

/** A frame's place on the line. */
export interface Placed {
  readonly unit: AccessUnit;
  /** Ticks of the line's rate. */
  readonly at: number;
  readonly duration: number;
}

/** What is known of a moment of the output. */
export interface Moment<Event> {
  /** Media time in ticks of the output's rate. */
  readonly pts: number;
  readonly arrivedAt: number;
  readonly capturedAt: number | undefined;
  /** What is to be told before it: each is given once. */
  readonly events: readonly Event[];
}

interface Mark<Event> {
  /** Ticks of the output's rate, on the line. */
  readonly at: number;
  /** From the line to media time, in ticks of the input's rate. */
  readonly offset: number;
  readonly unit: AccessUnit;
  events: readonly Event[];
}

/** What the line counts, and how. */
export interface TimelineOptions<Event> {
  /** Ticks a second of the input's timestamps. */
  readonly timescale: number;
  /** Samples a second of the input, and of the output. */
  readonly inputRate: number;
  readonly outputRate: number;
  /** Samples of a frame, at the input's rate. */
  readonly samplesOf: (data: Uint8Array) => number;
  /** Made where the timestamps jump back without a word of the source. */
  readonly jumped: () => Event;
  /** So many seconds of silence were put in. */
  readonly onSilence?: (seconds: number) => void;
}

/** See the file's head. One for each launch. */
export class Timeline<Event> {
  readonly #options: TimelineOptions<Event>;
  readonly #marks: Mark<Event>[] = [];
  readonly #ms: number;
  #end: number;
  /** The moment that was looked up last, in s of the line. */
  #seen = LINE_START;
  #offset: number | undefined;
  /** How far the timestamps are ahead of the line, by a running mean. */
  #drift = 0;
  #slewing = 0;
  /** The source said that its timeline breaks before the next frame. */
  #cut = false;
  /** A frame that is out of line: the next one tells whether that is an untidy timestamp or a hole. */
  #suspect: AccessUnit | undefined;
  #events: Event[] = [];

  constructor(options: TimelineOptions<Event>) {
    this.#options = options;
    this.#ms = options.inputRate / 1000;
    this.#end = LINE_START * options.inputRate;
  }

  /** To be told before the next frame's output. `cut`: the timeline breaks there. */
  note(event: Event, cut: boolean): Placed[] {
    const placed = this.flush();
    this.#events.push(event);
    this.#cut ||= cut;
    return placed;
  }

  /** Events that no frame has followed; to be told at the end. */
  rest(): Event[] {
    return [...this.#marks.splice(0).flatMap(({ events }) => events), ...this.#events.splice(0)];
  }

  /** Places a frame: none while it is held for the next one, two after that. Throws a MediaError for unreadable data. */
  place(unit: AccessUnit): Placed[] {
    const error = this.#error(unit);
    const limit = this.#limit(unit);
    const suspect = this.#suspect;
    if (suspect) {
      this.#suspect = undefined;
      const inLine = Math.abs(error - this.#options.samplesOf(suspect.data)) <= limit;
      const first = inLine ? this.#append(suspect) : this.#correct(suspect, this.#error(suspect));
      return [...first, ...this.place(unit)];
    }
    if (this.#cut) return this.#correct(unit, error);
    if (Math.abs(error) <= limit) return this.#append(unit, error);
    this.#suspect = unit;
    return [];
  }

  /** No further frame will tell: places the one that is held. */
  flush(): Placed[] {
    const suspect = this.#suspect;
    this.#suspect = undefined;
    return suspect ? this.#correct(suspect, this.#error(suspect)) : [];
  }

  /** Looks up a moment of the line, in ticks of the output's rate. Moments must be asked for in order. */
  moment(at: number): Moment<Event> | undefined {
    const events: Event[] = [];
    const take = (): void => {
      const mark = this.#marks[0];
      if (!mark) return;
      events.push(...mark.events);
      mark.events = [];
    };
    take();
    while (this.#marks.length > 1 && this.#marks[1]!.at <= at) {
      this.#marks.shift();
      take();
    }
    const mark = this.#marks[0];
    if (!mark) return undefined;
    const { inputRate, outputRate } = this.#options;
    this.#seen = at / outputRate;
    const { arrivedAt } = mark.unit;
    const begun = mark.unit.capturedAt;
    const capturedAt = begun === undefined ? undefined : begun + ((at - mark.at) * 1000) / outputRate;
    return { pts: at + rescale(mark.offset, inputRate, outputRate), arrivedAt, capturedAt, events };
  }

  /** Seconds between what was placed last and what was looked up last. */
  get inside(): number {
    return this.#end / this.#options.inputRate - this.#seen;
  }

  /** How far a frame's timestamp is ahead of where the line goes on. */
  #error(unit: AccessUnit): number {
    const { timescale, inputRate } = this.#options;
    const media = rescale(unit.pts, timescale, inputRate);
    this.#offset ??= media - this.#end;
    return media - this.#end - this.#offset;
  }

  /** Timestamps that are off by no more than this are in line. */
  #limit(unit: AccessUnit): number {
    return Math.max(UNTIDY_MS * this.#ms, 0.75 * this.#options.samplesOf(unit.data));
  }

  #correct(unit: AccessUnit, error: number): Placed[] {
    const { inputRate, onSilence, jumped } = this.#options;
    const cut = this.#cut;
    this.#cut = false;
    // Many a break is said where the time goes on in line.
    if (Math.abs(error) <= this.#limit(unit)) return this.#append(unit, error);
    this.#drift = 0;
    if (error >= 0 && error <= FILL_MS * this.#ms) {
      this.#end += error;
      onSilence?.(error / inputRate);
    } else if (!cut && error < 0 && error >= -OVERLAP_MS * this.#ms) {
      return [];
    } else {
      this.#offset! += error;
      if (!cut && error < 0) this.#events.push(jumped());
    }
    return this.#append(unit);
  }

  #append(unit: AccessUnit, error?: number): Placed[] {
    if (error !== undefined) this.#follow(error);
    const at = this.#end;
    const duration = this.#options.samplesOf(unit.data);
    const { inputRate, outputRate } = this.#options;
    const events = this.#events;
    this.#events = [];
    this.#marks.push({ at: rescale(at, inputRate, outputRate), offset: this.#offset!, unit, events });
    this.#end = at + duration;
    return [{ unit, at, duration }];
  }

  /** A source whose samples do not last as long as its timestamps say: by one tick a frame, which nobody hears. */
  #follow(error: number): void {
    this.#drift += (error - this.#drift) * SMOOTHING;
    const off = Math.abs(this.#drift);
    if (off > DRIFT_MS * this.#ms) this.#slewing = Math.sign(this.#drift);
    else if (off < 1 || Math.sign(this.#drift) !== this.#slewing) this.#slewing = 0;
    this.#offset! += this.#slewing;
    this.#drift -= this.#slewing;
  }
}
