/**
 * Fan-out: what 200 WHEP viewers of a 1 Mbps camera cost Eddy (engine and SFU worker) beside mediasoup alone with the same worker
 * binary, stream and clients. Both have all their viewers all the time; the camera sends to one and to the other in turns, and the
 * CPU of each is counted in its own turns. Then Eddy's viewers are held for a minute.
 *
 *   node --conditions=eddy-source test/bench/fan-out.bench.ts [--viewers 200] [--rounds 6] [--turn 5] [--hold 60]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { atLevel } from '../level.ts';
import { fakePictures, play, publishByWhip, type Publisher } from '../support/libdatachannel.ts';
import type { ServerReport } from './fan-out-report.ts';
import type { ViewersReport } from './fan-out-viewers.ts';

const number = (test: number, proof: number) =>
  ({ type: 'string', default: String(atLevel({ test, proof })) }) as const;
const { values } = parseArgs({
  options: { viewers: number(20, 200), rounds: number(2, 6), turn: number(2, 5), hold: number(3, 60) },
});
const [viewers, rounds, turn, hold] = [values.viewers, values.rounds, values.turn, values.hold].map(Number) as [
  number,
  number,
  number,
  number,
];
const BITRATE = 1_000_000;

const children: ChildProcess[] = [];
function script(name: string, ...args: readonly (string | number)[]): ChildProcess {
  const execArgv = ['--conditions=eddy-source', '--expose-gc'];
  const child = fork(new URL(name, import.meta.url), args.map(String), { execArgv });
  children.push(child);
  return child;
}

/** The next message of a child; rejects where it ends instead. */
async function told<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const exit = once(child, 'exit', { signal: ended.signal }).then(([code]) => {
    throw new Error(`${child.spawnfile} ${child.spawnargs.at(-1)} ended early (${code})`);
  });
  try {
    return (await Promise.race([once(child, 'message'), exit]))[0] as T;
  } finally {
    ended.abort();
    exit.catch(() => undefined);
  }
}
function report<T>(child: ChildProcess): Promise<T> {
  child.send('report');
  return told<T>(child);
}

interface Target {
  readonly server: ChildProcess;
  readonly viewers: ChildProcess;
  readonly publisher: Publisher;
  /** Bytes of memory that each viewer has cost. */
  readonly memory: { readonly node: number; readonly worker: number };
}

async function open(name: string, pictures: ReturnType<typeof fakePictures>): Promise<Target> {
  const server = script(`./fan-out-${name}.ts`);
  const { url } = await told<{ url: string }>(server);
  const publisher = await publishByWhip(`${url}/whip/camera`, { pictures });
  const stop = play([publisher]);
  const before = await report<ServerReport>(server);
  const watching = script('./fan-out-viewers.ts', `${url}/whep/camera`, viewers);
  await told(watching);
  await sleep(1000);
  const { rss } = await report<ServerReport>(server);
  stop();
  const memory = { node: rss.node - before.rss.node, worker: rss.worker - before.rss.worker };
  return {
    server,
    viewers: watching,
    publisher,
    memory: { node: memory.node / viewers, worker: memory.worker / viewers },
  };
}

/** The camera sends for so long: what it cost, and what came. */
async function run(target: Target, clock: { ms: number }, seconds: number) {
  await report<ViewersReport>(target.viewers);
  const before = await report<ServerReport>(target.server);
  const begun = performance.now();
  const from = clock.ms;
  const timer = setInterval(() => target.publisher.sendUntil((clock.ms = from + performance.now() - begun)), 5);
  await sleep(seconds * 1000);
  clearInterval(timer);
  const elapsed = (performance.now() - begun) / 1000;
  const seen = await report<ViewersReport>(target.viewers);
  const after = await report<ServerReport>(target.server);
  const share = (which: 'node' | 'worker'): number => (after.cpu[which] - before.cpu[which]) / elapsed;
  return { seen, elapsed, node: share('node'), worker: share('worker') };
}

const round = (value: number, digits: number): number => Number(value.toFixed(digits));
const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0);

try {
  const pictures = fakePictures(BITRATE);
  const bare = await open('bare', pictures);
  const eddy = await open('eddy', pictures);
  const turns = { bare: [] as Awaited<ReturnType<typeof run>>[], eddy: [] as Awaited<ReturnType<typeof run>>[] };
  // A stream's own clock goes on only while it is sent, after what it has sent while its viewers came.
  const clocks = { bare: { ms: bare.publisher.sentUntil() }, eddy: { ms: eddy.publisher.sentUntil() } };
  for (let i = 0; i < rounds; i++) {
    turns.bare.push(await run(bare, clocks.bare, turn));
    turns.eddy.push(await run(eddy, clocks.eddy, turn));
  }
  const held = await run(eddy, clocks.eddy, hold);
  const share = (name: 'bare' | 'eddy', which: 'node' | 'worker') =>
    sum(turns[name].map((each) => each[which])) / rounds;
  const cost = (name: 'bare' | 'eddy') => share(name, 'node') + share(name, 'worker');
  const memory = (target: Target) => ({
    node: round(target.memory.node / 1024, 0),
    worker: round(target.memory.worker / 1024, 0),
  });
  console.log(
    JSON.stringify({
      bench: 'WHEP viewers of one camera of 1 Mbps',
      viewers,
      'viewers a core': { eddy: round(viewers / cost('eddy'), 0), 'bare mediasoup': round(viewers / cost('bare'), 0) },
      ratio: round(cost('bare') / cost('eddy'), 3),
      'share of a core': {
        'eddy, worker': round(share('eddy', 'worker'), 3),
        'eddy, Node': round(share('eddy', 'node'), 3),
        'bare, worker': round(share('bare', 'worker'), 3),
        'bare, Node': round(share('bare', 'node'), 3),
      },
      'KiB of memory a viewer': { eddy: memory(eddy), 'bare mediasoup': memory(bare) },
      held: {
        seconds: round(held.elapsed, 0),
        connected: held.seen.connected,
        'pictures of the viewer that had least': held.seen.pictures.least,
        'of the one that had most': held.seen.pictures.most,
        'longest pause, ms': round(held.seen.longestPause, 0),
      },
    }),
  );
} finally {
  for (const child of children.reverse()) if (child.connected) child.send('stop');
  await Promise.all(children.map(async (child) => child.exitCode ?? (await once(child, 'exit'))));
}
process.exit(process.exitCode ?? 0);
