/** CPU, memory and event-loop delay of this process. Not prom-client's defaults: those can never be switched off. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Metrics } from '../plugin/context.ts';

/** Starts measuring; the returned function ends it. */
export function observeProcess(metrics: Metrics, onCollect: (collect: () => void) => void): () => void {
  const delay = monitorEventLoopDelay({ resolution: 20 });
  delay.enable();
  const cpu = metrics.counter('process_cpu_seconds_total', 'Processor time used by the engine process.');
  const rss = metrics.gauge('process_resident_bytes', 'Resident memory of the engine process.');
  const heap = metrics.gauge('process_heap_used_bytes', 'JavaScript heap in use.');
  const external = metrics.gauge('process_external_bytes', 'Memory of buffers outside the JavaScript heap.');
  const lag = metrics.gauge('process_event_loop_delay_seconds', 'Delay of the event loop since the last scrape.');
  const uptime = metrics.gauge('process_uptime_seconds', 'Seconds since the process started.');
  onCollect(() => {
    const { user, system } = process.cpuUsage();
    const memory = process.memoryUsage();
    cpu.follow((user + system) / 1e6);
    rss.set(memory.rss);
    heap.set(memory.heapUsed);
    external.set(memory.external);
    uptime.set(process.uptime());
    // Without one sample yet the histogram answers NaN and a huge minimum.
    if (delay.count > 0) {
      lag.set(delay.percentile(50) / 1e9, { quantile: '0.5' });
      lag.set(delay.percentile(99) / 1e9, { quantile: '0.99' });
      lag.set(delay.max / 1e9, { quantile: '1' });
    }
    delay.reset();
  });
  return () => {
    delay.disable();
  };
}
