/** What both servers of the fan-out bench tell over IPC, so that they are measured alike: Node's process and the SFU worker. */
import { readUsage } from '../../core/plugin/index.ts';

/** CPU in seconds since the start, memory in bytes. */
export interface ServerReport {
  readonly cpu: { readonly node: number; readonly worker: number };
  readonly rss: { readonly node: number; readonly worker: number };
}

/** Answers `report` and `stop`, after the server has told where it answers. */
export function serveReports(url: string, workerPid: number, stop: () => Promise<void>): void {
  process.on('message', (question) => {
    if (question !== 'report') return void stop().then(() => process.disconnect());
    globalThis.gc?.();
    const { user, system } = process.cpuUsage();
    const worker = readUsage(workerPid)!;
    const report: ServerReport = {
      cpu: { node: (user + system) / 1e6, worker: worker.cpuSeconds },
      rss: { node: process.memoryUsage.rss(), worker: worker.rssBytes },
    };
    return void process.send!(report);
  });
  process.once('disconnect', () => process.exit());
  process.send!({ url });
}
