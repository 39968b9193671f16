/** The pool of workers: as many as configured, each replaced when it dies. */
import { asEddyError, Backoff, EddyError, type Clock, type Logger } from 'eddy/plugin';
import type { SfuWorker } from './sfu-worker.ts';

/** What the pool is made of. */
export interface PoolOptions {
  readonly size: number;
  readonly start: (index: number) => Promise<SfuWorker>;
  readonly clock: Pick<Clock, 'monotonic' | 'after'>;
  readonly log: Logger;
  /** Told at once when a worker has died, before its place is taken. */
  readonly onDeath: (worker: SfuWorker, reason: string) => void;
}

/**
 * A worker that held for so long is replaced at once; one that dies sooner waits, longer each time. The longest wait stays
 * well below what callers wait: starting a process every two seconds costs less than everybody without a picture.
 */
const STEADY_MS = 10_000;
const BACKOFF = { min: 100, max: 2000, steadyAfter: STEADY_MS } as const;
/** How long a caller waits for the first worker of a pool that has none. */
const WAIT_MS = 5_000;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: EddyError) => void;
  readonly cancel: () => void;
}

/** See the file's head. */
export class WorkerPool {
  readonly #options: PoolOptions;
  readonly #workers: (SfuWorker | undefined)[];
  readonly #backoffs: readonly Backoff[];
  readonly #pending = new Set<Promise<void>>();
  readonly #waiting = new Set<Waiting>();
  #stopped = false;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.#workers = Array.from({ length: options.size }, () => undefined);
    this.#backoffs = this.#workers.map(() => new Backoff(BACKOFF));
  }

  /** Starts them all; where one cannot start, none is left running and the reason is thrown. */
  async start(): Promise<void> {
    const started = await Promise.allSettled(this.#workers.map((_, index) => this.#startOne(index)));
    const failed = started.find((result) => result.status === 'rejected');
    if (!failed) return;
    await this.stop();
    throw failed.reason;
  }

  /** Those that run. */
  get alive(): readonly SfuWorker[] {
    return this.#workers.filter((worker) => worker?.alive) as SfuWorker[];
  }

  /** At least one worker, as soon as there is one. Rejects with WEBRTC_WORKERS_DOWN. */
  async ready(): Promise<readonly SfuWorker[]> {
    if (this.alive.length === 0) await this.#first();
    const { alive } = this;
    if (alive.length === 0) throw down('the SFU worker that came up died at once');
    return alive;
  }

  /** Ends every worker. Settles when their processes have gone. */
  async stop(): Promise<void> {
    this.#stopped = true;
    for (const { reject, cancel } of this.#waiting) {
      cancel();
      reject(down('the SFU has stopped'));
    }
    this.#waiting.clear();
    await Promise.allSettled(this.#pending);
    await Promise.allSettled(this.alive.map((worker) => worker.close()));
  }

  #first(): Promise<void> {
    if (this.#stopped) return Promise.reject(down('the SFU has stopped'));
    return new Promise((resolve, reject) => {
      const cancel = this.#options.clock.after(WAIT_MS, () => {
        this.#waiting.delete(waiting);
        reject(down(`no SFU worker came up within ${WAIT_MS / 1000} s`));
      });
      const waiting: Waiting = { resolve, reject, cancel };
      this.#waiting.add(waiting);
    });
  }

  async #startOne(index: number): Promise<void> {
    const worker = await this.#options.start(index);
    if (this.#stopped) {
      await worker.close();
      return;
    }
    this.#workers[index] = worker;
    worker.process.once('died', (error) => this.#died(worker, error.message));
    if (!worker.alive) return this.#died(worker, 'it died while it was started');
    this.#options.log.info({ worker: index, pid: worker.pid }, 'SFU worker started');
    for (const { resolve, cancel } of this.#waiting) {
      cancel();
      resolve();
    }
    this.#waiting.clear();
  }

  #died(worker: SfuWorker, reason: string): void {
    this.#workers[worker.index] = undefined;
    if (this.#stopped) return;
    this.#options.onDeath(worker, reason);
    this.#replace(worker.index, this.#options.clock.monotonic() - worker.startedAt);
  }

  #replace(index: number, heldFor: number): void {
    const delay = this.#backoffs[index]!.next(heldFor);
    if (delay === 0) this.#try(index);
    else this.#options.clock.after(delay, () => this.#try(index));
  }

  #try(index: number): void {
    if (this.#stopped) return;
    const attempt = this.#startOne(index).catch((error: unknown) => {
      const { code, message } = asEddyError(error);
      this.#options.log.error({ worker: index, code, err: error }, `SFU worker does not start: ${message}`);
      if (!this.#stopped) this.#replace(index, 0);
    });
    this.#pending.add(attempt);
    void attempt.then(() => this.#pending.delete(attempt));
  }
}

const down = (message: string): EddyError => new EddyError('WEBRTC_WORKERS_DOWN', message);
