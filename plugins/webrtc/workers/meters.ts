/** Meters of the SFU, read every few seconds: counts by worker, and what each worker's process uses. */
import { readUsage, type Context } from 'eddy/plugin';
import { KeyFrameMeter } from './key-frame-meter.ts';
import type { WorkerPool } from './pool.ts';
import type { Routers } from './routers.ts';

const EVERY_MS = 5_000;
const COUNTS = ['transports', 'producers', 'consumers', 'piped'] as const;

/** Begins to measure; `deaths` counts a worker's death, `stop` ends it. */
export function meterSfu(
  ctx: Pick<Context, 'metrics' | 'clock'>,
  pool: WorkerPool,
  routers: Routers,
): { death(): void; stop(): void } {
  const { metrics } = ctx;
  const alive = metrics.gauge('sfu_workers', 'SFU workers that run.');
  const deaths = metrics.counter('sfu_worker_deaths_total', 'SFU workers that died and were replaced.');
  const routersOpen = metrics.gauge('sfu_routers', 'Routers of an SFU worker: one a camera.');
  const load = metrics.gauge('sfu_worker_load', 'About how many streams an SFU worker carries.');
  const cpu = metrics.counter('sfu_worker_cpu_seconds_total', 'Processor time used by an SFU worker.');
  const rss = metrics.gauge('sfu_worker_resident_bytes', 'Resident memory of an SFU worker.');
  const counts = {
    transports: metrics.gauge('sfu_transports', 'WebRTC connections of an SFU worker.'),
    producers: metrics.gauge('sfu_producers', 'Streams that an SFU worker takes.'),
    consumers: metrics.gauge('sfu_consumers', 'Streams that an SFU worker sends to viewers.'),
    piped: metrics.gauge('sfu_piped_streams', 'Streams that an SFU worker has from another router.'),
  };
  const keyFrames = new KeyFrameMeter(metrics);
  const read = (): void => {
    void keyFrames.read(routers.all());
    alive.set(pool.alive.length);
    for (const worker of pool.alive) {
      const labels = { worker: String(worker.index) };
      const own = [...routers.all()].filter((router) => router.worker === worker);
      routersOpen.set(own.length, labels);
      load.set(worker.load, labels);
      for (const name of COUNTS) {
        const sum = own.reduce((total, router) => total + router.counts[name], 0);
        counts[name].set(sum, labels);
      }
      const usage = readUsage(worker.pid);
      if (!usage) continue;
      cpu.follow(usage.cpuSeconds, labels);
      rss.set(usage.rssBytes, labels);
    }
  };
  read();
  const stop = ctx.clock.every(EVERY_MS, read);
  return { death: () => deaths.add(), stop };
}
