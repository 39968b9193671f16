/** A set of listeners of which one that throws keeps the others from nothing. */
import type { Logger } from 'eddy/plugin';

/** See the file's head. */
export class Listeners<T> {
  readonly #log: Logger;
  readonly #listeners = new Set<(event: T) => void>();

  constructor(log: Logger) {
    this.#log = log;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Returns the function that takes it away. */
  add(listener: (event: T) => void): () => void {
    // A function of its own, so that the same listener may be added twice.
    const own = (event: T): void => listener(event);
    this.#listeners.add(own);
    return () => void this.#listeners.delete(own);
  }

  tell(event: T): void {
    for (const listener of [...this.#listeners]) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener of the SFU threw');
      }
    }
  }

  clear(): void {
    this.#listeners.clear();
  }
}
