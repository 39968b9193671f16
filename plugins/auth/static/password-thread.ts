/** The thread that verifies passwords, as the engine's thread sees it: argon2 takes tens of milliseconds of processor time. */
import { Worker } from 'node:worker_threads';
import { EddyError, siblingModule } from 'eddy/plugin';
import type { Verified, ToVerify } from './argon2-thread.ts';

/** As many may wait; at some 30 ms each the last of them waits two seconds. */
const MOST_WAITING = 64;

interface Waiting extends ToVerify {
  readonly resolve: (right: boolean) => void;
  readonly reject: (error: EddyError) => void;
}

/** One password at a time, in a thread that is there while there are passwords to verify. */
export class PasswordThread {
  #worker: Worker | undefined;
  #current: Waiting | undefined;
  readonly #waiting: Waiting[] = [];
  #stopped = false;

  /** True where the password is the one of the hash. Rejects with auth.static/PASSWORDS_BUSY where too many wait. */
  verify(password: string, hash: string): Promise<boolean> {
    if (this.#stopped || this.#waiting.length >= MOST_WAITING) {
      const why = this.#stopped ? 'the service is stopping' : `${MOST_WAITING} others wait already`;
      return Promise.reject(failure(`the password cannot be verified now: ${why}`));
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ password, hash, resolve, reject });
      this.#next();
    });
  }

  /** Whoever waits is told; safe to repeat. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { reject } of [...(this.#current ? [this.#current] : []), ...this.#waiting.splice(0)])
      reject(failure('the service is stopping'));
    this.#current = undefined;
    await this.#worker?.terminate();
    this.#worker = undefined;
  }

  #next(): void {
    if (this.#current) return;
    this.#current = this.#waiting.shift();
    if (!this.#current) {
      // An idle thread keeps nobody from ending.
      this.#worker?.unref();
      return;
    }
    this.#worker ??= this.#start();
    this.#worker.ref();
    const { password, hash } = this.#current;
    this.#worker.postMessage({ password, hash } satisfies ToVerify);
  }

  #start(): Worker {
    const worker = new Worker(new URL(siblingModule('./argon2-thread', import.meta.url)), { name: 'eddy passwords' });
    worker.on('message', ({ right, error }: Verified) => {
      const asked = this.#current;
      this.#current = undefined;
      if (error === undefined) asked?.resolve(right);
      else asked?.reject(failure(`the password could not be verified: ${error}`));
      this.#next();
    });
    const ended = (why: string): void => {
      if (this.#worker !== worker) return;
      this.#worker = undefined;
      const asked = this.#current;
      this.#current = undefined;
      asked?.reject(failure(`the password could not be verified: its thread ${why}`));
      this.#next();
    };
    worker.on('error', (error) => ended(`failed: ${error instanceof Error ? error.message : String(error)}`));
    worker.on('exit', () => ended('ended'));
    return worker;
  }
}

const failure = (message: string): EddyError => new EddyError('auth.static/PASSWORDS_BUSY', message, { kind: 'peer' });
