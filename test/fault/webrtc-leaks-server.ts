/** An engine with WHIP, the SFU and WHEP whose possessions can be counted: `report` and `stop` over IPC. Run with --expose-gc. */
import { readdirSync } from 'node:fs';
import { RtpRouters } from '../../core/contracts/index.ts';
import { readUsage } from '../../core/plugin/index.ts';
import { webrtcPipeline } from '../support/webrtc-pipeline.ts';

/** What the engine and its SFU worker hold. */
export interface Possessions {
  /** Things that a session that has ended must not leave behind. */
  readonly counts: {
    readonly sessions: number;
    readonly transports: number;
    readonly producers: number;
    readonly consumers: number;
    readonly piped: number;
    /** Open files and sockets: a port that is not given back is one of them. */
    readonly engineFiles: number;
    readonly workerFiles: number;
  };
  /** Bytes: the engine's heap and buffers after a collection, the worker's resident memory. */
  readonly memory: { readonly engine: number; readonly worker: number };
}

const eddy = await webrtcPipeline({
  sfu: true,
  cameras: { linger: 500 },
  workers: { 'consent-timeout': '10s' },
  whip: { posts: '100000 in 1s' },
  whep: { posts: '100000 in 1s' },
});
const routers = eddy.pipeline.service(RtpRouters, 'rtc');

async function report(): Promise<Possessions> {
  const status = await routers.describe();
  const sum = (name: 'transports' | 'producers' | 'consumers' | 'piped') =>
    status.reduce((total, each) => total + each[name], 0);
  const { pid } = status[0]!;
  // What is only freed by finalizers takes a second collection.
  for (let i = 0; i < 2; i++) {
    globalThis.gc!();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return {
    counts: {
      sessions: eddy.pipeline.engine.container.get('sessions').list().length,
      transports: sum('transports'),
      producers: sum('producers'),
      consumers: sum('consumers'),
      piped: sum('piped'),
      engineFiles: readdirSync('/proc/self/fd').length,
      workerFiles: readdirSync(`/proc/${pid}/fd`).length,
    },
    memory: { engine: heapUsed + external, worker: readUsage(pid)!.rssBytes },
  };
}

process.on('message', (question) => {
  if (question === 'report') void report().then((possessions) => process.send!(possessions));
  else void eddy.close().then(() => process.disconnect());
});
process.once('disconnect', () => process.exit());
process.send!({ url: eddy.url });
