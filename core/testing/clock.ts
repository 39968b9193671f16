/** Time that stands still until a test moves it. */
import type { Clock } from '../plugin/index.ts';

/** Where a virtual clock begins: 2026-01-01T00:00:00Z, an arbitrary but round moment. */
const EPOCH = Date.UTC(2026, 0, 1);

/** A timer that has not fired. */
export interface PendingTimer {
  /** ms until it fires. */
  readonly in: number;
  /** Its period in ms; undefined for a timer that fires once. */
  readonly every: number | undefined;
  /** The source line that made it, for messages. */
  readonly madeAt: string;
}

interface Timer {
  at: number;
  readonly order: number;
  readonly every: number | undefined;
  readonly callback: () => void;
  readonly made: Error;
}

/** Lets promises, next ticks and immediates that are ready run, without waiting for time or the outside. */
export async function settle(turns = 1): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

/**
 * A {@link Clock} under the test's hand. Wall clock and monotonic time move together by {@link VirtualClock.advance};
 * {@link VirtualClock.step} moves the wall clock alone, as an operator or NTP does.
 */
export class VirtualClock implements Clock {
  #wall: number;
  #monotonic: number;
  #order = 0;
  readonly #timers = new Set<Timer>();

  /** `now`: the wall clock's first value in epoch ms; `monotonic`: that of the monotonic clock in ms. */
  constructor(options: { readonly now?: number; readonly monotonic?: number } = {}) {
    this.#wall = options.now ?? EPOCH;
    this.#monotonic = options.monotonic ?? 0;
  }

  now(): number {
    return this.#wall;
  }

  monotonic(): number {
    return this.#monotonic;
  }

  after(ms: number, callback: () => void): () => void {
    return this.#add(ms, undefined, callback);
  }

  every(ms: number, callback: () => void): () => void {
    if (!(ms > 0)) throw new TypeError(`every(${ms}): a period must be above zero`);
    return this.#add(ms, ms, callback);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const aborted = (): void => {
        cancel();
        reject(signal!.reason as Error);
      };
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      });
      if (signal?.aborted) aborted();
      else signal?.addEventListener('abort', aborted, { once: true });
    });
  }

  /** Moves both clocks on by `ms`: every timer due on the way fires at its own moment, in order, and what it set off settles. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms;
    await settle();
    for (let next = this.#next(); next && next.at <= until; next = this.#next()) {
      this.#moveTo(next.at);
      if (next.every === undefined) this.#timers.delete(next);
      else next.at += next.every;
      next.callback();
      await settle();
    }
    this.#moveTo(until);
    await settle();
  }

  /** Moves the wall clock alone by `ms`, back or forth; no timer fires. */
  step(ms: number): void {
    this.#wall += ms;
  }

  /**
   * Waits for a promise, moving time on whenever it does not settle by itself: from timer to timer, by at most `limit`
   * ms in all (default one minute). `patience` is how many real ms the outside (files, sockets) is given before each
   * move (default 5), and `grace` how many where no timer is left to wait for (default 5000). Rejects with a plain Error
   * where the promise is still pending then.
   */
  async run<T>(
    promise: Promise<T>,
    options: { readonly limit?: number; readonly patience?: number; readonly grace?: number } = {},
  ): Promise<T> {
    const { limit = 60_000, patience = 5, grace = 5000 } = options;
    const end = this.#monotonic + limit;
    let settled = false;
    const watched = promise.finally(() => (settled = true));
    watched.catch(() => {});
    const wait = async (real: number, enough: () => boolean): Promise<void> => {
      for (const since = performance.now(); !enough() && performance.now() - since < real;) await settle();
    };
    for (;;) {
      await wait(patience, () => settled);
      await wait(grace, () => settled || this.#timers.size > 0);
      if (settled) return watched;
      const due = this.#next();
      if (!due || due.at > end)
        throw new Error(`still pending after ${this.#monotonic - end + limit} ms of virtual time`);
      await this.advance(Math.max(0, due.at - this.#monotonic));
    }
  }

  /** Timers that have not fired, the next first. */
  timers(): PendingTimer[] {
    return [...this.#timers]
      .sort((a, b) => a.at - b.at || a.order - b.order)
      .map(({ at, every, made }) => ({ in: at - this.#monotonic, every, madeAt: caller(made) }));
  }

  #add(ms: number, every: number | undefined, callback: () => void): () => void {
    const made = new Error('made here');
    const timer: Timer = { at: this.#monotonic + Math.max(0, ms), order: this.#order++, every, callback, made };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  #next(): Timer | undefined {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer;
    }
    return next;
  }

  #moveTo(monotonic: number): void {
    this.#wall += monotonic - this.#monotonic;
    this.#monotonic = monotonic;
  }
}

/** The first line of a stack outside the clocks. */
function caller(made: Error): string {
  const lines = (made.stack ?? '').split('\n').slice(1);
  const outside = lines.find((line) => !/core[/\\](testing|engine)[/\\]clock\./.test(line)) ?? lines[0] ?? '';
  return outside.trim().replace(/^at /, '');
}
