/** When which picture and which block of sound is due, and what server time it shows. */

/** Beyond this error in ms the system's clock was set, not slewed: the pictures show the new time from then on. */
const STEP_MS = 50;

/** Server time of media time: fixed at the start, set anew when somebody sets the system's clock. */
export class ServerTime {
  #zero: number;

  /** `zero`: the server time (epoch ms) of media time 0. */
  constructor(zero: number) {
    this.#zero = zero;
  }

  /** Compares with the system's clock, at the media time that is now. */
  check(mediaMs: number, systemMs: number): void {
    const error = systemMs - (this.#zero + mediaMs);
    if (Math.abs(error) > STEP_MS) this.#zero += error;
  }

  /** Server time of a media time, epoch ms. */
  at(mediaMs: number): number {
    return this.#zero + mediaMs;
  }
}

/** How long each flash and beep lasts, in ms. */
const FLASH_MS = 100;

/** True during the flash that begins with every full period of server time. */
export function flashes(epochMs: number, period: number): boolean {
  // A hundredth of a ms forgives rounding: the first picture of a second belongs to it.
  return (epochMs + 0.01) % period < FLASH_MS;
}

/** A grid of moments from media time 0, met in real time. */
export class Pace {
  readonly #interval: number;
  readonly #lateLimit: number;
  #next: number;

  /** Begins after `now`. What is later than `lateLimit` is skipped, not made up for. All in ms. */
  constructor(interval: number, lateLimit: number, now: number) {
    this.#interval = interval;
    this.#lateLimit = lateLimit;
    this.#next = Math.ceil(now / interval);
  }

  /** The index of the next moment on the grid, if it is due. */
  take(now: number): number | undefined {
    if (this.#next * this.#interval > now) return undefined;
    if (now - this.#next * this.#interval > this.#lateLimit) this.#next = Math.floor(now / this.#interval);
    return this.#next++;
  }

  /** When the next one is due. */
  get due(): number {
    return this.#next * this.#interval;
  }
}
