/** A thread of the database, as the engine's thread sees it. */
import { Worker } from 'node:worker_threads';
import { EddyError, siblingModule } from 'eddy/plugin';
import type { Calls, FromThread, ThreadData, ThreadError, ToThread } from './protocol.ts';

/** A thread that does not close by itself within this many ms is ended: its disk hangs. */
const CLOSE_MS = 5000;

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: EddyError) => void;
}

const toEddyError = ({ code, message }: ThreadError): EddyError => new EddyError(code, message);
const gone = (why: string): EddyError => new EddyError('INDEX_UNREACHABLE', `the segment index ${why}`);

/** See the file's head. */
export class DatabaseThread {
  readonly #worker: Worker;
  readonly #pending = new Map<number, Pending>();
  readonly #ended: Promise<void>;
  #next = 0;
  #closing = false;
  #end: EddyError | undefined;

  private constructor(data: ThreadData, onReady: Pending, onCrash: (error: EddyError) => void) {
    this.#worker = new Worker(new URL(siblingModule('./host/thread', import.meta.url)), {
      workerData: data,
      name: `eddy ${data.role}`,
    });
    this.#ended = new Promise((resolve) => this.#worker.once('exit', () => resolve()));
    this.#worker.on('message', (message: FromThread) => {
      if (message.kind === 'ready') onReady.resolve(this);
      else if (message.kind === 'failed') onReady.reject(toEddyError(message.error));
      else this.#settle(message);
    });
    const end = (why: string): void => {
      this.#end ??= gone(why);
      onReady.reject(this.#end);
      for (const { reject } of this.#pending.values()) reject(this.#end);
      this.#pending.clear();
      if (!this.#closing) onCrash(this.#end);
      this.#closing = true;
    };
    this.#worker.on('error', (error) => end(`failed: ${error instanceof Error ? error.message : String(error)}`));
    this.#worker.on('exit', () => end(this.#closing ? 'is stopped' : 'ended'));
  }

  /** Starts a thread and opens the file. `onCrash` is called when the thread ends later without being told to. */
  static async start(data: ThreadData, onCrash: (error: EddyError) => void): Promise<DatabaseThread> {
    let started = false;
    const ready = Promise.withResolvers<unknown>();
    const thread = new DatabaseThread(data, ready, (error) => {
      if (started) onCrash(error);
    });
    try {
      await ready.promise;
    } catch (error) {
      await thread.close();
      throw error;
    }
    started = true;
    return thread;
  }

  call<K extends keyof Calls>(call: K, ...args: Calls[K]['args']): Promise<Calls[K]['answer']> {
    if (this.#end || this.#closing) return Promise.reject(this.#end ?? gone('is stopped'));
    const id = this.#next++;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    this.#pending.set(id, { resolve, reject });
    this.#worker.postMessage({ kind: 'call', id, call, args } satisfies ToThread);
    return promise as Promise<Calls[K]['answer']>;
  }

  /** What was asked for is done first. Safe to repeat. */
  async close(): Promise<void> {
    this.#closing = true;
    this.#worker.postMessage({ kind: 'close' } satisfies ToThread);
    const timer = setTimeout(() => void this.#worker.terminate(), CLOSE_MS);
    await this.#ended;
    clearTimeout(timer);
  }

  #settle(message: Extract<FromThread, { kind: 'answer' | 'refusal' }>): void {
    const pending = this.#pending.get(message.id);
    this.#pending.delete(message.id);
    if (message.kind === 'answer') pending?.resolve(message.value);
    else pending?.reject(toEddyError(message.error));
  }
}
