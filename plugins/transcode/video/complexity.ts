/**
 * How much there is to encode in a source's pictures, measured on its own first GOPs and at next to no cost. Its bit rate alone tells what its
 * publisher was set to; beside how coarsely it is quantised it tells what the content takes. With each 6 steps of H.264's quantiser half the bits are
 * left, so bits are counted as what they would be at the one quantiser that rungs usually end up with.
 */
import { H264Quantisers, MediaError } from 'eddy/media';
import type { AccessUnit, VideoCaps, VideoCodec } from 'eddy/plugin';
import { usualBitrate } from './rungs.ts';
import { fpsOf } from './source-rung.ts';

/** GOPs that are measured, and how much media they are at least and at most, in s. */
const GOPS = 2;
const LEAST_S = 2;
const MOST_S = 6;
/** The quantiser at which the content that usual bit rates are for takes those. */
const USUAL_QUANTISER = 28;
/** Where the quantiser is not read the bit rate has to do: bits of H.264 that are worth one of these. */
const WORTH: Readonly<Record<VideoCodec, number>> = { h264: 1, vp8: 1, hevc: 1.5, vp9: 1.4, av1: 1.8 };
/** What is taken for true: beyond lies what nobody would want to see, or pay. */
const RANGE = { least: 0.35, most: 1.8 } as const;

/** What was found. */
export interface Complexity {
  /** What the content takes, as a share of what its size and frame rate usually take. */
  readonly share: number;
  /** What the source has, in bits a second of H.264 that would be as good. */
  readonly bitrate: number;
  /** Mean of its pictures by their bits; undefined where the codec's is not read. */
  readonly quantiser: number | undefined;
}

/** See the file's head. Count every frame, in decode order. */
export class ComplexityMeter {
  readonly #caps: VideoCaps;
  readonly #quantisers: H264Quantisers | undefined;
  #gops = -1;
  #first = 0;
  #bits = 0;
  /** Bits as they would be at the usual quantiser; quantisers by their bits, and those bits. */
  #worth = 0;
  #weighed = 0;
  #read = 0;
  #found: Complexity | undefined;

  constructor(caps: VideoCaps) {
    this.#caps = caps;
    this.#quantisers = caps.codec === 'h264' ? guarded(() => new H264Quantisers(caps.config)) : undefined;
  }

  /** Once enough was seen; it is measured once, since it is to plan by. */
  get found(): Complexity | undefined {
    return this.#found;
  }

  /** Counts a frame; true with the one that tells. */
  count({ key, dts, data }: AccessUnit): boolean {
    if (this.#found || (this.#gops < 0 && !key)) return false;
    if (key) this.#gops += 1;
    if (this.#gops === 0 && key) this.#first = dts;
    const seconds = (dts - this.#first) / this.#caps.timescale;
    const enough = key && this.#gops >= GOPS && seconds >= LEAST_S;
    if (seconds > 0 && (enough || seconds >= MOST_S)) {
      this.#found = this.#tell(seconds);
      return true;
    }
    const bits = data.length * 8;
    const quantiser = guarded(() => this.#quantisers?.of(data));
    this.#bits += bits;
    this.#worth += bits * (quantiser === undefined ? 1 : 2 ** ((quantiser - USUAL_QUANTISER) / 6));
    if (quantiser === undefined) return false;
    this.#weighed += bits * quantiser;
    this.#read += bits;
    return false;
  }

  /** The timeline breaks: what was counted of these GOPs says nothing. */
  interrupted(): void {
    this.#gops = -1;
    this.#bits = this.#worth = this.#weighed = this.#read = 0;
  }

  #tell(seconds: number): Complexity {
    const { width, height, codec } = this.#caps;
    const share = (this.#worth * WORTH[codec]) / seconds / usualBitrate(width, height, fpsOf(this.#caps));
    return {
      share: Number(Math.min(RANGE.most, Math.max(RANGE.least, share)).toFixed(2)),
      bitrate: Math.round((this.#bits * WORTH[codec]) / seconds),
      quantiser: this.#read > 0 ? Number((this.#weighed / this.#read).toFixed(1)) : undefined,
    };
  }
}

/** What cannot be read of a damaged frame is not told. */
function guarded<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof MediaError) return undefined;
    throw error;
  }
}
