/** How long to wait before the next attempt. */

/** Options of {@link Backoff}, in ms. */
export interface BackoffOptions {
  /** The shortest delay. */
  readonly min: number;
  /** The longest delay. */
  readonly max: number;
  /** An attempt that held for so long was a success: the next one is made at once. Default `max`. */
  readonly steadyAfter?: number;
}

/** ms to wait after so many failures in a row (from 1): doubles from the least to the most. */
export function delayAfter(failures: number, { min, max }: { readonly min: number; readonly max: number }): number {
  return Math.min(max, min * 2 ** Math.min(failures - 1, 30));
}

/**
 * Nothing after an attempt that went well for a while; else doubles from `min` to `max`. Up to a fifth is taken off at
 * random, so that hundreds of cameras that failed at one moment do not come back at one moment.
 */
export class Backoff {
  readonly #options: Required<BackoffOptions>;
  readonly #random: () => number;
  #failures = 0;

  constructor(options: BackoffOptions, random: () => number = Math.random) {
    this.#options = { steadyAfter: options.max, ...options };
    this.#random = random;
  }

  /** The delay after an attempt that held for `heldFor` ms, in ms. */
  next(heldFor = 0): number {
    if (heldFor >= this.#options.steadyAfter) {
      this.#failures = 0;
      return 0;
    }
    this.#failures += 1;
    return delayAfter(this.#failures, this.#options) * (1 - 0.2 * this.#random());
  }
}
