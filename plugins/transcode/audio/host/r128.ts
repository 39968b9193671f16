/**
 * Loudness as ITU-R BS.1770-4 measures it and EBU R 128 counts it: K-weighted power of all channels in blocks of 400 ms, those left out that
 * are silent (below -70 LUFS) or far below the others (10 LU). Filters at any sample rate after libebur128.
 */

/** Parts of a block that begin anew: each block shares three quarters with the one before. */
const PARTS = 4;
/** One of them, s. */
const PART_S = 0.1;
const FAR_BELOW = 10;

/** LUFS of a mean square, and the other way round. */
const loudnessOf = (power: number): number => -0.691 + 10 * Math.log10(power);
const powerOf = (loudness: number): number => 10 ** ((loudness + 0.691) / 10);
const SILENT = powerOf(-70);

/** A filter of the second order: what of it does not change. `a0` is 1. */
interface Biquad {
  readonly b0: number;
  readonly b1: number;
  readonly b2: number;
  readonly a1: number;
  readonly a2: number;
}

/** How a head hears: treble louder (shelf), and bass hardly at all (high pass). */
function kWeighting(rate: number): readonly [Biquad, Biquad] {
  const shelf = Math.tan((Math.PI * 1681.974450955533) / rate);
  const q = 0.7071752369554196;
  const high = 10 ** (3.999843853973347 / 20);
  const middle = high ** 0.4996667741545416;
  const norm = 1 + shelf / q + shelf * shelf;
  const pass = Math.tan((Math.PI * 38.13547087602444) / rate);
  const passQ = 0.5003270373238773;
  const passNorm = 1 + pass / passQ + pass * pass;
  return [
    {
      b0: (high + (middle * shelf) / q + shelf * shelf) / norm,
      b1: (2 * (shelf * shelf - high)) / norm,
      b2: (high - (middle * shelf) / q + shelf * shelf) / norm,
      a1: (2 * (shelf * shelf - 1)) / norm,
      a2: (1 - shelf / q + shelf * shelf) / norm,
    },
    { b0: 1, b1: -2, b2: 1, a1: (2 * (pass * pass - 1)) / passNorm, a2: (1 - pass / passQ + pass * pass) / passNorm },
  ];
}

/** See the file's head: the loudness of the last seconds of interleaved samples. */
export class LoudnessMeter {
  readonly #channels: number;
  readonly #filters: readonly [Biquad, Biquad];
  /** Of each channel: two values of each filter. */
  readonly #state: Float64Array;
  readonly #partFrames: number;
  readonly #kept: number;
  /** Mean squares of the newest parts, and of blocks. */
  readonly #parts: number[] = [];
  readonly #blocks: number[] = [];
  #sum = 0;
  #frames = 0;

  /** `window`: seconds that are looked back on. */
  constructor(rate: number, channels: number, window: number) {
    this.#channels = channels;
    this.#filters = kWeighting(rate);
    this.#state = new Float64Array(4 * channels);
    this.#partFrames = Math.round(rate * PART_S);
    this.#kept = Math.round(window / PART_S);
  }

  /** Takes samples between -1 and 1; gives how many parts were completed. */
  add(samples: Float32Array): number {
    let completed = 0;
    for (let at = 0; at + this.#channels <= samples.length; at += this.#channels) {
      for (let channel = 0; channel < this.#channels; channel += 1) {
        const heard = this.#weigh(samples[at + channel]!, 4 * channel);
        this.#sum += heard * heard;
      }
      if (++this.#frames === this.#partFrames) {
        this.#complete();
        completed += 1;
      }
    }
    return completed;
  }

  /** LUFS; undefined where all was silence. */
  get loudness(): number | undefined {
    const heard = this.#blocks.filter((power) => power > SILENT);
    if (heard.length === 0) return undefined;
    const near = powerOf(loudnessOf(mean(heard)) - FAR_BELOW);
    return loudnessOf(mean(heard.filter((power) => power > near)));
  }

  /** Seconds of sound, silence apart, that the loudness is of. */
  get heard(): number {
    return this.#blocks.filter((power) => power > SILENT).length * PART_S;
  }

  /** Both filters, in the second direct form, transposed. */
  #weigh(sample: number, at: number): number {
    const state = this.#state;
    const [shelf, pass] = this.#filters;
    const treble = shelf.b0 * sample + state[at]!;
    state[at] = shelf.b1 * sample - shelf.a1 * treble + state[at + 1]!;
    state[at + 1] = shelf.b2 * sample - shelf.a2 * treble;
    const heard = pass.b0 * treble + state[at + 2]!;
    state[at + 2] = pass.b1 * treble - pass.a1 * heard + state[at + 3]!;
    state[at + 3] = pass.b2 * treble - pass.a2 * heard;
    return heard;
  }

  #complete(): void {
    this.#parts.push(this.#sum / this.#partFrames);
    this.#sum = 0;
    this.#frames = 0;
    if (this.#parts.length < PARTS) return;
    this.#blocks.push(mean(this.#parts));
    this.#parts.shift();
    if (this.#blocks.length > this.#kept) this.#blocks.shift();
  }
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
