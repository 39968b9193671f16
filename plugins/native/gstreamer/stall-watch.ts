/** Notices a launch that owes frames and gives none. */
import { Watchdog } from 'eddy/plugin';

/** See the file's head. What waits for its consumer, or for input, owes nothing. */
export class StallWatch {
  readonly #timeout: number;
  readonly #always: boolean;
  readonly #onStall: (message: string) => void;
  #watchdog: Watchdog | undefined;
  #stopped = false;
  /** Consumers that hold their output back just now. */
  #held = 0;
  #owing: boolean;

  /** `timeout` in ms, 0 for none; `always`: it owes frames without having been given any. */
  constructor(timeout: number, always: boolean, onStall: (message: string) => void) {
    this.#timeout = timeout;
    this.#always = always;
    this.#owing = always;
    this.#onStall = onStall;
  }

  start(): void {
    if (this.#timeout === 0 || this.#stopped) return;
    this.#watchdog = new Watchdog(this.#timeout, () => {
      if (this.#held > 0 || !this.#owing) this.start();
      else this.#onStall(`no frame came out for ${this.#timeout} ms`);
    });
  }

  /** It was given a frame. */
  asked(): void {
    // The time that it had nothing to do is not held against it.
    if (!this.#owing) this.#watchdog?.touch();
    this.#owing = true;
  }

  /** It gave something. */
  came(): void {
    this.#watchdog?.touch();
    this.#owing = this.#always;
  }

  /** Its consumer takes no more until this settles. */
  async hold(taken: Promise<void>): Promise<void> {
    this.#held++;
    try {
      await taken;
    } finally {
      this.#held--;
      this.#watchdog?.touch();
    }
  }

  /** Safe to repeat. */
  stop(): void {
    this.#stopped = true;
    this.#watchdog?.stop();
  }
}
