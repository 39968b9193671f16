/**
 * Message timestamps as one timeline a publication: unwrapped, and continued where the source's clock jumps.
 */
import { Unwrapper } from 'eddy/plugin';

/** A step back by more than this is a jump; smaller ones are untidy encoders, and the track's dts just waits. */
const JUMP_BACK_MS = 500;
/** A step ahead by more than this beyond the time that really passed is a jump. */
const JUMP_AHEAD_MS = 10_000;

/** Timestamps of messages have 32 bits. */
const RANGE = 2 ** 32;

/** The kinds whose timestamps are a clock. Script messages often say 0, whenever they come. */
export type ClockedKind = 'video' | 'audio';

/** A moment of the timeline. */
export interface Moment {
  /** Milliseconds on the publication's timeline. */
  readonly ms: number;
  /** Where the source's clock jumped just here: by how many ms. */
  readonly jumpedBy: number | undefined;
}

/** One a publication, so that all its tracks keep one clock. */
export class Timeline {
  readonly #unwrapper = new Unwrapper(32);
  readonly #last = new Map<ClockedKind, { ms: number; arrival: number }>();
  #shift = 0;
  #newest: number | undefined;

  /**
   * Places a message. `timestamp` is the wire's 32-bit ms; `arrival` is monotonic ms. After a jump the timeline goes on
   * by the time that passed between the arrivals: dts must not go back within a track, and a leap of hours is no media.
   */
  place(kind: ClockedKind, timestamp: number, arrival: number): Moment {
    const raw = this.#unwrapper.unwrap(timestamp);
    let ms = raw + this.#shift;
    let jumpedBy: number | undefined;
    const last = this.#last.get(kind);
    if (last) {
      const step = ms - last.ms;
      const passed = Math.max(0, Math.round(arrival - last.arrival));
      if (step < -JUMP_BACK_MS || step > passed + JUMP_AHEAD_MS) {
        jumpedBy = step;
        ms = last.ms + passed;
        this.#shift = ms - raw;
      }
    }
    this.#last.set(kind, { ms, arrival });
    this.#newest = ms;
    return { ms, jumpedBy };
  }

  /** Places a script message: where it says, if that is near the media around it, else there. */
  placeScript(timestamp: number): number {
    if (this.#newest === undefined) return timestamp;
    const wrapped = (((this.#newest - this.#shift) % RANGE) + RANGE) % RANGE;
    const distance = timestamp - wrapped;
    return Math.abs(distance) <= JUMP_AHEAD_MS ? this.#newest + distance : this.#newest;
  }
}
