/**
 * Time through a ladder. Frames go in on a line that only goes forward, since decoders and encoders know nothing else; what comes
 * out of each rung is placed in media time again by where on the line it lies. Where the source's timeline breaks the line goes on a
 * frame later, and each rung tells of the break at the first picture behind it.
 */
import { rescale, type AccessUnit } from 'eddy/plugin';
import type { PassedOn } from '../shared/words.ts';

/** Ticks a second of the line, as encoders' output is counted. */
export const LINE_RATE = 90_000;
/**
 * Where the line begins, in ticks: encoders that reorder give decode times before their first picture. One more than ten seconds: av1enc counts
 * whole pictures of a timestamp in ns that was rounded down, takes each second one for no time at all, and spends twice its bit rate.
 */
const LINE_START = 10 * LINE_RATE + 1;
/** A source whose timestamps jump back by more than this without a word has jumped, s. */
const BACK_S = 1;
/** Entries that are kept for rungs that are behind: a minute of pictures. */
const KEPT = 3600;

/** A frame's times on the line, in ticks of {@link LINE_RATE}. */
export interface Placed {
  readonly dts: number;
  readonly pts: number;
}

/** What is known of a moment of the line. */
export interface Moment {
  /** To be added to times of the line to have media time, in ticks of {@link LINE_RATE}. */
  readonly offset: number;
  readonly arrivedAt: number;
  readonly capturedAt: number | undefined;
  /** What this rung is to tell before it. */
  readonly events: readonly PassedOn[];
}

/** What was known of it when its frame was placed. */
interface Entry extends Omit<Moment, 'events'> {
  readonly at: number;
}

/** An event that each rung tells once. */
interface Told {
  readonly at: number;
  readonly event: PassedOn;
}

/** See the file's head. One for each launch. */
export class LadderTimeline {
  readonly #timescale: number;
  /** By their place on the line. */
  readonly #entries: Entry[] = [];
  readonly #told: Told[] = [];
  /** Of each rung: how many events it has told. */
  readonly #cursors = new Map<string, number>();
  #offset: number | undefined;
  #lastDts = LINE_START;
  #end = LINE_START;
  #pending: PassedOn[] = [];
  #cut = false;

  constructor(timescale: number) {
    this.#timescale = timescale;
  }

  /** To be told before the next frame's pictures. */
  note(event: PassedOn): void {
    this.#pending.push(event);
    this.#cut ||= event.type === 'discontinuity';
  }

  /** Places a frame. */
  place(unit: AccessUnit): Placed {
    const line = (ticks: number): number => rescale(ticks, this.#timescale, LINE_RATE);
    const dts = line(unit.dts);
    if (this.#offset === undefined) this.#offset = dts - this.#lastDts;
    else if (this.#cut || dts - this.#offset < this.#lastDts - BACK_S * LINE_RATE) this.#offset = dts - this.#end;
    this.#cut = false;
    const placed = {
      dts: Math.max(this.#lastDts, dts - this.#offset),
      pts: Math.max(0, line(unit.pts) - this.#offset),
    };
    this.#lastDts = placed.dts;
    const duration = unit.duration === undefined ? 0 : line(unit.duration);
    this.#end = Math.max(this.#end, placed.dts + duration, placed.pts + duration);
    for (const event of this.#pending.splice(0)) this.#told.push({ at: placed.pts, event });
    this.#insert({
      at: placed.pts,
      offset: this.#offset,
      arrivedAt: unit.arrivedAt,
      capturedAt: unit.capturedAt,
    });
    return placed;
  }

  /** Looks up a picture of a rung; a rung's pictures are asked for in decode order. */
  moment(rung: string, at: number): Moment | undefined {
    // Of a picture that has just come out: a few places from the end. A tick is rounding.
    const entry = this.#entries.findLast((each) => each.at <= at + 1) ?? this.#entries[0];
    if (!entry) return undefined;
    const told = this.#cursors.get(rung) ?? 0;
    const events: PassedOn[] = [];
    let next = told;
    while (next < this.#told.length && this.#told[next]!.at <= at) events.push(this.#told[next++]!.event);
    if (next !== told) this.#cursors.set(rung, next);
    return { ...entry, events };
  }

  /** Events that a rung has not told; at the end. */
  rest(rung: string): PassedOn[] {
    return [...this.#told.slice(this.#cursors.get(rung) ?? 0).map(({ event }) => event), ...this.#pending];
  }

  /** Seconds of media placed after a moment of the line. */
  inside(at: number): number {
    return (this.#end - Math.max(at, LINE_START)) / LINE_RATE;
  }

  /** Pictures come nearly in order: reordered ones are a few places from the end. */
  #insert(entry: Entry): void {
    let index = this.#entries.length;
    while (index > 0 && this.#entries[index - 1]!.at > entry.at) index -= 1;
    this.#entries.splice(index, 0, entry);
    if (this.#entries.length > 2 * KEPT) this.#entries.splice(0, KEPT);
  }
}
