/** A set of listeners of which one that throws keeps nothing from the others. */
import type { Logger } from 'eddy/plugin';

/** See the file's head. */
export class Listeners<T> {
  readonly #log: Logger;
  /** Never changed but replaced, so that telling needs no copy: packets come by the thousand. */
  #listeners: readonly ((event: T) => void)[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  get size(): number {
    return this.#listeners.length;
  }

  /** Returns the function that takes it away. */
  add(listener: (event: T) => void): () => void {
    // A function of its own, so that the same listener may be added twice.
    const own = (event: T): void => listener(event);
    this.#listeners = [...this.#listeners, own];
    return () => {
      this.#listeners = this.#listeners.filter((other) => other !== own);
    };
  }

  tell(event: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(event);
      } catch (error) {
        this.#log.error({ err: error }, 'a listener of the SFU threw');
      }
    }
  }

  clear(): void {
    this.#listeners = [];
  }
}
