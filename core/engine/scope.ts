/** Scopes: nothing outlives the scope it was made in. */
import type { Scope } from '../plugin/index.ts';

/** A scope that can be closed and have children. Undoings run in reverse order, each awaited, each allowed to fail. */
export class DisposableScope implements Scope {
  readonly #abort = new AbortController();
  readonly #undos = new Set<() => void | Promise<void>>();
  readonly #onError: (error: unknown) => void;
  #closing: Promise<void> | undefined;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get closed(): boolean {
    return this.#abort.signal.aborted;
  }

  add(undo: () => void | Promise<void>): () => void {
    if (this.closed) {
      void this.#run(undo);
      return () => {};
    }
    // A wrapper, so that the same function registered twice is undone twice.
    const entry = (): void | Promise<void> => undo();
    this.#undos.add(entry);
    return () => this.#undos.delete(entry);
  }

  /** A scope that closes with this one, or before it. */
  child(): DisposableScope {
    const child = new DisposableScope(this.#onError);
    const forget = this.add(() => child.close(this.#abort.signal.reason));
    child.add(forget);
    return child;
  }

  /** Aborts the signal, then undoes everything. Safe to repeat: later calls wait for the first. */
  close(reason?: unknown): Promise<void> {
    return (this.#closing ??= this.#close(reason));
  }

  async #close(reason: unknown): Promise<void> {
    this.#abort.abort(reason ?? new Error('closed'));
    for (const undo of [...this.#undos].reverse()) await this.#run(undo);
    this.#undos.clear();
  }

  async #run(undo: () => void | Promise<void>): Promise<void> {
    try {
      await undo();
    } catch (error) {
      this.#onError(error);
    }
  }
}

/**
 * Waits for work until the signal says that the time is up; true where the work settled by itself. Where the time was up
 * before, what needs no time still gets its turn, so that only who really blocks is named.
 */
export async function beforeDeadline(work: Promise<unknown>, signal: AbortSignal): Promise<boolean> {
  const finished = work.then(() => true);
  const { promise, resolve } = Promise.withResolvers<false>();
  const timeIsUp = (): void => void setImmediate(resolve, false);
  if (signal.aborted) timeIsUp();
  else signal.addEventListener('abort', timeIsUp, { once: true });
  try {
    return await Promise.race([finished, promise]);
  } finally {
    signal.removeEventListener('abort', timeIsUp);
  }
}
