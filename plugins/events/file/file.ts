/** events.file at work. */
import { resolve } from 'node:path';
import { matchesEvent, type Context, type PluginConfig, type Running } from 'eddy/plugin';
import { eventBody } from '../shared/body.ts';
import { LineWriter } from '../shared/line-writer.ts';
import { Losses, type LossReason } from '../shared/lost.ts';
import { messageOf } from '../shared/message.ts';
import type { manifest } from './plugin.ts';
import { RotatingFile } from './rotating-file.ts';

type Manifest = typeof manifest;

/** Makes the service. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { clock, log, metrics, name, pipeline } = ctx;
  let config = ctx.config;
  const written = metrics.counter('event_file_written_total', 'Events that were written to the file.');
  const dropped = metrics.counter('event_file_dropped_total', 'Events that are missing in the file, by reason.');
  const up = metrics.gauge('event_file_up', '1 where the file takes what it is given, else 0.');
  const { rotate, keep } = config;
  const file = new RotatingFile({ path: resolve(ctx.baseDir, config.file), rotate, keep });
  const losses = new Losses(clock, (count, reason) => {
    ctx.report({
      code: 'events.file/EVENTS_LOST',
      message: `${count} events are missing in ${config.file}: ${reason}`,
    });
    ctx.events.emit({ type: 'events.lost', data: { count, reason } });
  });
  const lost = (count: number, reason: LossReason): void => {
    dropped.add(count, { reason });
    losses.add(count, reason);
  };
  /** Events that were pushed out of memory, and that the file does not tell of yet. */
  let missing = 0;
  /** The oldest were pushed out, so it stands before all that wait. */
  const hole = (count: number): Buffer => {
    const event = { type: 'events.lost', at: clock.now(), stage: name, data: { count, reason: 'full' } };
    return Buffer.from(`${eventBody(event, pipeline.name)}\n`);
  };

  const queue = new LineWriter<undefined>({
    clock,
    fsync: () => config.fsync,
    // Without a line too, so that a file that cannot be written is told at the start, not at the first event.
    async write() {
      const told = missing;
      const before = told > 0 ? [hole(told)] : [];
      const { lines: whole, error } = await file.append([...before, ...queue.take()]);
      if (whole > 0) missing -= told;
      const events = Math.max(0, whole - before.length);
      queue.done(events);
      written.add(events);
      if (error) throw error;
      await queue.written();
    },
    sync: () => file.sync(),
    onDropped: (count) => {
      missing += count;
      lost(count, 'full');
    },
    onDisk: (works, error) => {
      up.set(works ? 1 : 0);
      if (works) log.info({}, 'the file is written again');
      else ctx.report({ code: 'events.file/FILE_DOWN', message: `${config.file} is not written: ${messageOf(error)}` });
    },
  });

  ctx.events.on((event) => {
    // What is missing here is told in its place, by what is written.
    if (event.type === 'events.lost' && event.stage === name) return;
    if (!config.events.some((pattern) => matchesEvent(pattern, event.type))) return;
    queue.add(eventBody(event, pipeline.name), undefined);
  });

  return {
    start() {
      up.set(1);
      queue.open();
    },
    async stop() {
      await queue.close();
      await file.close();
      if (queue.length > 0) lost(queue.length, 'stopped');
    },
    reconfigure(changed: PluginConfig<Manifest>) {
      const fixed = ['file', 'rotate', 'keep'] as const;
      if (fixed.some((key) => changed[key] !== config[key])) return false;
      config = changed;
      return true;
    },
  };
}
