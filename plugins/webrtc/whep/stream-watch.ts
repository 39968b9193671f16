/** What is followed of a stream while anybody wants to know it: once for all of them. */
import type { RtpHandle } from 'eddy/plugin';

/** One stream; it ends with the last that follows it, or by itself. */
export abstract class StreamWatch {
  readonly #followers = new Set<() => void>();
  #end = new AbortController();

  /** Aborted at its end. */
  get ended(): AbortSignal {
    return this.#end.signal;
  }

  /** Calls back at each change until the returned function is called. */
  follow(changed: () => void): () => void {
    // Each call is one of its own, whoever follows twice.
    const follower = (): void => changed();
    this.#followers.add(follower);
    return () => {
      this.#followers.delete(follower);
      if (this.#followers.size === 0) this.end();
    };
  }

  protected changed(): void {
    for (const follower of [...this.#followers]) follower();
  }

  protected end(): void {
    this.#end.abort();
  }
}

/** Watches by producer. */
export class StreamWatches<W extends StreamWatch> {
  readonly #make: (handle: RtpHandle) => W;
  readonly #watches = new Map<string, W>();

  constructor(make: (handle: RtpHandle) => W) {
    this.#make = make;
  }

  /** The one of this stream, made where there is none. Follow it at once. */
  of(handle: RtpHandle): W {
    const { producerId } = handle;
    const running = this.#watches.get(producerId);
    if (running) return running;
    const watch = this.#make(handle);
    this.#watches.set(producerId, watch);
    watch.ended.addEventListener('abort', () => this.#watches.delete(producerId), { once: true });
    return watch;
  }
}
