/**
 * Lines on their way to a disk that may fail: while it does they wait in memory, bounded in bytes, where what does not fit
 * pushes out the oldest. What a file is, and when the next one begins, is its user's.
 */
import type { Clock } from 'eddy/plugin';
import type { Fsync } from './append.ts';

/** Lines that the disk has not taken hold at most so much memory, bytes. */
const MEMORY_BYTES = 4 * 2 ** 20;
/** At most so many lines are written at once. */
const BATCH = 512;
/** After a failure the disk is tried again so many ms later. */
const RETRY_MS = 2000;
/** With `fsync: second`, ms. */
const SYNC_MS = 1000;

/** One line with its end, and what it is. */
interface Line<T> {
  readonly bytes: Buffer;
  readonly of: T;
}

/** Options of a {@link LineWriter}. */
export interface LineWriterOptions {
  readonly clock: Clock;
  /** It may change meanwhile. */
  readonly fsync: () => Fsync;
  /**
   * Writes what {@link LineWriter.take} gives, if anything, and tells {@link LineWriter.done} and {@link LineWriter.written}.
   * One call at a time; rejects where the disk fails.
   */
  readonly write: () => Promise<void>;
  /** Makes safe what is written, also while more is being written. Rejects where the disk fails. */
  readonly sync: () => Promise<void>;
  /** Each time that one of them failed. */
  readonly onFailed?: () => void;
  /** The disk takes what it is given again, or no longer does. */
  readonly onDisk: (up: boolean, error?: unknown) => void;
  /** So many of the oldest were pushed out. */
  readonly onDropped: (count: number) => void;
}

/** See the file's head. */
export class LineWriter<T> {
  readonly #options: LineWriterOptions;
  #lines: Line<T>[] = [];
  #bytes = 0;
  /** So many at the front are being written, and are not dropped meanwhile. */
  #taken = 0;
  #up = true;
  #opened = false;
  #working: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelSync: (() => void) | undefined;

  constructor(options: LineWriterOptions) {
    this.#options = options;
  }

  get length(): number {
    return this.#lines.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** The oldest; undefined while there is none. */
  get first(): T | undefined {
    return this.#lines[0]?.of;
  }

  /** While lines are being written: settles afterwards, and never rejects. */
  get working(): Promise<void> | undefined {
    return this.#working;
  }

  /** What came before waits until now. Even where nothing did, `write` is called. */
  open(): void {
    this.#opened = true;
    this.#try();
  }

  /** Never waits and never throws. */
  add(text: string, of: T): void {
    const bytes = Buffer.from(`${text}\n`);
    this.#lines.push({ bytes, of });
    this.#bytes += bytes.byteLength;
    let dropped = 0;
    // The newest is kept even where it alone is too large: its length has a bound of its own.
    while (this.#bytes > MEMORY_BYTES && this.#lines.length - this.#taken > 1) {
      const [line] = this.#lines.splice(this.#taken, 1);
      this.#bytes -= line!.bytes.byteLength;
      dropped += 1;
    }
    if (dropped > 0) this.#options.onDropped(dropped);
    this.#try();
  }

  /** The lines to write next, at least one and at most so many bytes; they stay until {@link done}. */
  take(most = Infinity): readonly Buffer[] {
    const lines = this.#lines.slice(0, BATCH).map((line) => line.bytes);
    let bytes = 0;
    const fit = lines.findIndex((line) => (bytes += line.byteLength) > most);
    this.#taken = fit < 0 ? lines.length : Math.max(1, fit);
    return lines.slice(0, this.#taken);
  }

  /** So many at the front have been written; the others may be dropped again. */
  done(count: number): void {
    for (const line of this.#lines.splice(0, count)) this.#bytes -= line.bytes.byteLength;
    this.#taken = 0;
  }

  /** All that was taken has been written. Rejects where it cannot be made safe. */
  async written(): Promise<void> {
    const { clock, fsync, sync, onDisk } = this.#options;
    if (fsync() === 'always') await sync();
    else if (fsync() === 'second')
      this.#cancelSync ??= clock.after(SYNC_MS, () => {
        this.#cancelSync = undefined;
        void this.#sync();
      });
    if (!this.#up) onDisk((this.#up = true));
  }

  /** The disk failed: what comes waits until the next attempt. */
  failed(error: unknown): void {
    const { clock, onFailed, onDisk } = this.#options;
    this.done(0);
    onFailed?.();
    if (this.#up) onDisk((this.#up = false), error);
    this.#cancelRetry?.();
    this.#cancelRetry = clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      this.#try();
    });
  }

  /** Writes what waits, and makes it safe; what the disk does not take stays. Never rejects. */
  async close(): Promise<void> {
    this.#cancelRetry?.();
    await this.#working;
    if (this.length > 0) await this.#work();
    if (this.#options.fsync() !== 'never') await this.#sync();
    // What came during that is written as well.
    this.#opened = false;
    await this.#working;
    this.#cancelRetry?.();
    this.#cancelSync?.();
  }

  /** While the disk is down, the next attempt has its time. */
  #try(): void {
    if (this.#opened && !this.#cancelRetry) void this.#work();
  }

  #work(): Promise<void> {
    return (this.#working ??= this.#write());
  }

  async #write(): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    try {
      do await this.#options.write();
      while (this.length > 0);
    } catch (error) {
      this.failed(error);
    } finally {
      // Not a turn later: what came in between would find it working, and not be written.
      this.#working = undefined;
    }
  }

  async #sync(): Promise<void> {
    try {
      await this.#options.sync();
    } catch (error) {
      // What is being written has its own end.
      while (this.#working) await this.#working;
      this.failed(error);
    }
  }
}
