/**
 * From a source's timestamps to the ticks of segments. RTMP counts milliseconds, so frames of 33.3 ms come as 33, 34, 33:
 * sample durations that wander break players, and a presentation that drifts breaks lip sync. Both are kept: durations
 * exact, presentation within a millisecond of what the source said.
 */
import { rescale } from 'eddy/plugin';
import type { VideoRate } from './rate.ts';

/** Video: onto a grid of equal frames where the rate is constant and the source coarse; else just rescaled. */
export class VideoTiming {
  readonly #from: number;
  readonly #rate: VideoRate;
  readonly #tolerance: number;
  #frame: number;
  #anchor: number | undefined;

  constructor(fromTimescale: number, rate: VideoRate) {
    this.#from = fromTimescale;
    this.#rate = rate;
    this.#frame = rate.frameTicks;
    // One tick of the source; a hair more, since ticks are compared as doubles.
    this.#tolerance = (rate.timescale / fromTimescale) * 1.0001;
  }

  /** Ticks of one frame as known so far. */
  get frameTicks(): number {
    return this.#frame;
  }

  /** Decode and presentation time in output ticks. */
  map(dts: number, pts: number): { dts: number; pts: number } {
    const { timescale, grid } = this.#rate;
    const exactPts = rescale(pts, this.#from, timescale);
    const exact = rescale(dts, this.#from, timescale);
    if (grid.length === 0) return { dts: exact, pts: exactPts };
    const placed = this.#onGrid(exact);
    const steps = Math.round((exactPts - exact) / this.#frame);
    const placedPts = placed + steps * this.#frame;
    return { dts: placed, pts: Math.abs(placedPts - exactPts) <= this.#tolerance ? placedPts : exactPts };
  }

  #onGrid(exact: number): number {
    this.#anchor ??= exact;
    const likely = [this.#frame, ...this.#rate.grid.filter((frame) => frame !== this.#frame)];
    for (const frame of likely) {
      const placed = this.#anchor + Math.round((exact - this.#anchor) / frame) * frame;
      if (Math.abs(placed - exact) <= this.#tolerance) {
        this.#frame = frame;
        return placed;
      }
    }
    // The source runs a little off its nominal rate: one frame takes up the difference.
    this.#anchor = exact;
    return exact;
  }
}

/** Beyond this an audio timestamp means what it says: a hole, or media sent twice. */
const HARD_MS = 60;
/** Audio follows its timestamps when they stay this far off the sum of its frames. */
const SOFT_MS = 5;
/** Share of a new error in the running mean: about a second of frames. */
const SMOOTHING = 0.02;

/** Audio: frame after frame without a seam, corrected only where its clock really runs off. */
export class AudioTiming {
  readonly #from: number;
  readonly #to: number;
  #next: number | undefined;
  #error = 0;

  constructor(fromTimescale: number, sampleRate: number) {
    this.#from = fromTimescale;
    this.#to = sampleRate;
  }

  /** The frame's time in samples, or undefined where its time was already filled: it is to be dropped. */
  map(pts: number, frameTicks: number): number | undefined {
    const exact = rescale(pts, this.#from, this.#to);
    const hard = (HARD_MS * this.#to) / 1000;
    this.#next ??= exact;
    const error = exact - this.#next;
    if (error < -hard) return undefined;
    if (error > hard) {
      this.#next = exact;
      this.#error = 0;
    } else {
      this.#error += (error - this.#error) * SMOOTHING;
      if (Math.abs(this.#error) > (SOFT_MS * this.#to) / 1000) {
        this.#next += Math.round(this.#error);
        this.#error = 0;
      }
    }
    const placed = this.#next;
    this.#next += frameTicks;
    return placed;
  }

  /** The timestamps before say nothing about those to come. */
  reset(): void {
    this.#next = undefined;
    this.#error = 0;
  }
}
