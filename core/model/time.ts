/**
 * Time. Timestamps are integer ticks of a track's own timescale (as RTP and MP4 have them), unwrapped; wall clock is
 * the server's, in epoch milliseconds. A double holds ticks exactly up to 2^53: three thousand years at 90 kHz.
 */

/** An exact fraction, such as the frame rate 30000/1001. */
export interface Rational {
  readonly num: number;
  readonly den: number;
}

/** The same fraction in its lowest terms: 60000/2002 is 30000/1001. Both are positive integers. */
export function reduced(num: number, den: number): Rational {
  let [a, b] = [num, den];
  while (b !== 0) [a, b] = [b, a % b];
  return { num: num / a, den: den / a };
}

/**
 * Converts ticks from one timescale to another, rounded to the nearest tick (halves up).
 * Exact for every safe integer: the doubled product may pass 2^53, so large values go through BigInt.
 */
export function rescale(ticks: number, from: number, to: number): number {
  if (from === to) return ticks;
  const numerator = 2 * ticks * to + from;
  if (Number.isSafeInteger(numerator)) return Math.floor(numerator / (2 * from));
  const doubled = 2n * BigInt(ticks) * BigInt(to) + BigInt(from);
  const divisor = 2n * BigInt(from);
  const quotient = doubled / divisor;
  const floor = doubled < 0n && doubled % divisor !== 0n ? quotient - 1n : quotient;
  return Number(floor);
}

/** Ticks as milliseconds (a double; for arithmetic with the wall clock, not for timestamps). */
export function ticksToMs(ticks: number, timescale: number): number {
  return (ticks / timescale) * 1000;
}

/**
 * Unwraps a counter of `bits` bits (RTP sequence numbers: 16, RTP timestamps and RTMP milliseconds: 32) into a number
 * that only wraps after 2^53. A step of less than half the range either way is taken as given, so reordering works.
 */
export class Unwrapper {
  readonly #range: number;
  #last: number | undefined;

  constructor(bits: 16 | 24 | 32 | 33) {
    this.#range = 2 ** bits;
  }

  /** The unwrapped value nearest to the one before. */
  unwrap(value: number): number {
    const range = this.#range;
    if (this.#last === undefined) return (this.#last = value);
    const lastLow = ((this.#last % range) + range) % range;
    let step = value - lastLow;
    if (step >= range / 2) step -= range;
    else if (step < -range / 2) step += range;
    this.#last += step;
    return this.#last;
  }
}
