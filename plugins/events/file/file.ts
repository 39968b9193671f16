/** events.file at work. */
import { resolve } from 'node:path';
import { matchesEvent, type Context, type PipelineEvent, type PluginConfig, type Running } from 'eddy/plugin';
import { eventBody } from '../shared/body.ts';
import { LineQueue } from '../shared/line-queue.ts';
import { Losses, type LossReason } from '../shared/lost.ts';
import type { manifest } from './plugin.ts';
import { RotatingFile } from './rotating-file.ts';

type Manifest = typeof manifest;

/** Events that the disk has not taken hold at most so much memory, bytes. */
const MEMORY_BYTES = 4 * 2 ** 20;
/** After a failure the file is tried again so many ms later. */
const RETRY_MS = 2000;
/** With `fsync: second`, ms. */
const SYNC_MS = 1000;

/** Makes the service. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const writer = new Writer(ctx);
  ctx.events.on((event) => writer.take(event));
  return {
    start: () => writer.open(),
    stop: () => writer.close(),
    reconfigure: (changed: PluginConfig<Manifest>) => writer.configure(changed),
  };
}

class Writer {
  readonly #ctx: Context<Manifest>;
  #config: PluginConfig<Manifest>;
  readonly #file: RotatingFile;
  readonly #queue: LineQueue<undefined>;
  readonly #losses: Losses;
  readonly #written;
  readonly #dropped;
  readonly #up;
  /** Events that were pushed out of memory, and that the file does not tell of yet. */
  #missing = 0;
  #isUp = true;
  #opened = false;
  #working: Promise<void> | undefined;
  #cancelRetry: (() => void) | undefined;
  #cancelSync: (() => void) | undefined;

  constructor(ctx: Context<Manifest>) {
    this.#ctx = ctx;
    this.#config = ctx.config;
    const { metrics, config } = ctx;
    this.#written = metrics.counter('event_file_written_total', 'Events that were written to the file.');
    this.#dropped = metrics.counter('event_file_dropped_total', 'Events that are missing in the file, by reason.');
    this.#up = metrics.gauge('event_file_up', '1 where the file takes what it is given, else 0.');
    this.#file = new RotatingFile({
      path: resolve(ctx.baseDir, config.file),
      rotate: config.rotate,
      keep: config.keep,
    });
    this.#queue = new LineQueue(MEMORY_BYTES, (count) => {
      this.#missing += count;
      this.#lost(count, 'full');
    });
    this.#losses = new Losses(ctx.clock, (count, reason) => {
      const message = `${count} events are missing in ${config.file}: ${reason}`;
      ctx.report({ code: 'events.file/EVENTS_LOST', message });
      ctx.events.emit({ type: 'events.lost', data: { count, reason } });
    });
  }

  /** What came before waits until now: nothing is written before the start. */
  open(): void {
    this.#up.set(1);
    this.#opened = true;
    // So that a file that cannot be written is told at the start, not at the first event.
    void this.#work();
  }

  take(event: PipelineEvent): void {
    // What is missing here is told in its place, by #write.
    if (event.type === 'events.lost' && event.stage === this.#ctx.name) return;
    if (!this.#config.events.some((pattern) => matchesEvent(pattern, event.type))) return;
    this.#queue.add(eventBody(event, this.#ctx.pipeline.name), undefined);
    if (this.#opened && !this.#cancelRetry) void this.#work();
  }

  configure(changed: PluginConfig<Manifest>): boolean {
    const fixed = ['file', 'rotate', 'keep'] as const;
    if (fixed.some((key) => changed[key] !== this.#config[key])) return false;
    this.#config = changed;
    return true;
  }

  async close(): Promise<void> {
    this.#opened = false;
    this.#cancelRetry?.();
    await this.#working;
    if (this.#queue.length > 0) await this.#work();
    this.#cancelRetry?.();
    this.#cancelSync?.();
    if (this.#config.fsync !== 'never') await this.#sync();
    await this.#file.close();
    if (this.#queue.length > 0) this.#lost(this.#queue.length, 'stopped');
  }

  #work(): Promise<void> {
    return (this.#working ??= this.#write()
      .catch((error: unknown) => this.#down(error))
      .finally(() => (this.#working = undefined)));
  }

  async #write(): Promise<void> {
    // What comes in the same turn is written together.
    await Promise.resolve();
    do {
      const lines = this.#queue.take().map(({ bytes }) => bytes);
      const missing = this.#missing;
      const hole = missing > 0 ? [this.#hole(missing)] : [];
      const { lines: whole, error } = await this.#file.append([...hole, ...lines]);
      if (whole > 0) this.#missing -= missing;
      const events = Math.max(0, whole - hole.length);
      this.#queue.done(events);
      this.#written.add(events);
      if (error) throw error;
      if (this.#config.fsync === 'always') await this.#file.sync();
      else if (this.#config.fsync === 'second') this.#syncSoon();
      if (!this.#isUp) this.#ctx.log.info({}, 'the file is written again');
      this.#isUp = true;
      this.#up.set(1);
    } while (this.#queue.length > 0);
  }

  /** The oldest were pushed out, so it stands before all that wait. */
  #hole(count: number): Buffer {
    const { clock, name, pipeline } = this.#ctx;
    const data = { count, reason: 'full' };
    return Buffer.from(`${eventBody({ type: 'events.lost', at: clock.now(), stage: name, data }, pipeline.name)}\n`);
  }

  #syncSoon(): void {
    this.#cancelSync ??= this.#ctx.clock.after(SYNC_MS, () => {
      this.#cancelSync = undefined;
      void this.#sync();
    });
  }

  /** Between writes: the file has one user at a time. */
  async #sync(): Promise<void> {
    await this.#working;
    await this.#file.sync().catch((error: unknown) => this.#down(error));
  }

  #down(error: unknown): void {
    if (this.#isUp) {
      const message = `${this.#config.file} is not written: ${error instanceof Error ? error.message : String(error)}`;
      this.#ctx.report({ code: 'events.file/FILE_DOWN', message });
    }
    this.#isUp = false;
    this.#up.set(0);
    this.#cancelRetry?.();
    this.#cancelRetry = this.#ctx.clock.after(RETRY_MS, () => {
      this.#cancelRetry = undefined;
      void this.#work();
    });
  }

  #lost(count: number, reason: LossReason): void {
    this.#dropped.add(count, { reason });
    this.#losses.add(count, reason);
  }
}
