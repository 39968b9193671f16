/**
 * CPU of 100 RTMP publishers of 3 Mbps into `ingest.rtmp` with a null sink, against nginx-rtmp in the same run, from
 * the same generator; and, where asked for, growth of RSS after garbage collection over a span of seconds.
 *
 *   node --conditions=eddy-source test/bench/rtmp-publishers.bench.ts [--rss 120-600]
 */
import { fork, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { atLevel } from '../level.ts';

const PUBLISHERS = 100;
const BITRATE = 3_000_000;
const WARM_UP_S = 3;
const CPU_SECONDS = atLevel({ test: 10, proof: 60 });
/** From when until when RSS is compared, in seconds of publishing: before minute 2 the heap still finds its size. */
const { values } = parseArgs({ options: { rss: { type: 'string' } } });
const RSS_SPAN_S = values.rss?.split('-').map(Number) as [number, number] | undefined;
/** RSS is the median of so many looks, s apart: what 100 connections have half read at one moment differs by megabytes. */
const RSS_LOOKS = 9;
const RSS_LOOK_EVERY_S = 3;
const TICKS_PER_SECOND = 100; // sysconf(_SC_CLK_TCK), a constant of Linux's ABI
const RTMP_MODULE = '/usr/lib/nginx/modules/ngx_rtmp_module.so';

interface ServerReport {
  readonly items: number;
  readonly bytes: number;
  readonly publishing: number;
  readonly rss: number;
}

/** User and system time of a process in seconds. */
async function cpuSeconds(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

const script = (name: string, args: readonly (string | number)[]): ChildProcess =>
  fork(new URL(name, import.meta.url), args.map(String), { execArgv: ['--conditions=eddy-source', '--expose-gc'] });

async function withGenerator<T>(port: number, measure: () => Promise<T>): Promise<T> {
  const generator = script('./rtmp-publishers-generator.ts', [port, PUBLISHERS, BITRATE]);
  const failed = once(generator, 'exit').then(() => Promise.reject(new Error('the generator ended early')));
  try {
    await Promise.race([once(generator, 'message'), failed]);
    return await Promise.race([sleep(WARM_UP_S * 1000).then(measure), failed]);
  } finally {
    failed.catch(() => undefined);
    if (generator.connected) generator.disconnect();
    if (generator.exitCode === null) await once(generator, 'exit');
  }
}

/** Share of one core over the measured time. */
async function load(pids: () => Promise<readonly number[]>): Promise<number> {
  const sum = async (): Promise<number> =>
    (await Promise.all((await pids()).map(cpuSeconds))).reduce((a, b) => a + b, 0);
  const [before, begun] = [await sum(), performance.now()];
  await sleep(CPU_SECONDS * 1000);
  return ((await sum()) - before) / ((performance.now() - begun) / 1000);
}

async function measureEddy() {
  const server = script('./rtmp-publishers-server.ts', [PUBLISHERS]);
  const [{ port }] = (await once(server, 'message')) as [{ port: number }];
  const report = async (): Promise<ServerReport> => {
    server.send('report');
    return ((await once(server, 'message')) as [ServerReport])[0];
  };
  try {
    return await withGenerator(port, async () => {
      const begun = performance.now();
      const until = (seconds: number) => sleep(Math.max(0, seconds * 1000 - (performance.now() - begun)));
      const first = await report();
      const cpu = await load(async () => [server.pid!]);
      const last = await report();
      const mbps = ((last.bytes - first.bytes) * 8) / CPU_SECONDS / 1e6;
      if (!RSS_SPAN_S) return { cpu, mbps, publishing: last.publishing };
      const around = async (second: number): Promise<number> => {
        const looks: number[] = [];
        for (let i = 0; i < RSS_LOOKS; i++) {
          await until(second + (i - (RSS_LOOKS - 1) / 2) * RSS_LOOK_EVERY_S);
          looks.push((await report()).rss / 1e6);
        }
        return looks.sort((a, b) => a - b)[(RSS_LOOKS - 1) / 2]!;
      };
      const early = await around(RSS_SPAN_S[0]);
      const late = await around(RSS_SPAN_S[1]);
      return { cpu, mbps, publishing: (await report()).publishing, rss: { early, late } };
    });
  } finally {
    server.send('stop');
    await once(server, 'exit');
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

async function measureNginx(): Promise<number> {
  const dir = await mkdtemp(join(tmpdir(), 'eddy-nginx-rtmp-'));
  const port = await freePort();
  const conf = `load_module ${RTMP_MODULE};
    daemon off; worker_processes 1; pid ${dir}/pid; error_log ${dir}/error.log error;
    ${process.getuid?.() === 0 ? 'user root;' : ''}
    events { worker_connections 1024; }
    rtmp { access_log off; server { listen 127.0.0.1:${port}; chunk_size 4096; application live { live on; } } }`;
  await writeFile(join(dir, 'nginx.conf'), conf);
  const nginx = spawn('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf'), '-e', join(dir, 'error.log')], {
    stdio: 'inherit',
  });
  try {
    await sleep(500);
    const children = async () =>
      (await readFile(`/proc/${nginx.pid}/task/${nginx.pid}/children`, 'utf8')).trim().split(' ').map(Number);
    return await withGenerator(port, () => load(children));
  } finally {
    nginx.kill('SIGTERM');
    if (nginx.exitCode === null) await once(nginx, 'exit');
    await rm(dir, { recursive: true });
  }
}

const nginx = await measureNginx();
const eddy = await measureEddy();
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
console.log(
  JSON.stringify({
    bench: 'RTMP publishers against nginx-rtmp',
    publishers: PUBLISHERS,
    'still publishing at the end': eddy.publishing,
    'Mbps taken': round(eddy.mbps, 0),
    'share of a core': { eddy: round(eddy.cpu, 3), nginx: round(nginx, 3) },
    ratio: round(eddy.cpu / nginx, 2),
    ...(eddy.rss && {
      'RSS after garbage collection': {
        seconds: values.rss,
        MB: `${round(eddy.rss.early, 0)}, ${round(eddy.rss.late, 0)}`,
        'growth, %': round((eddy.rss.late / eddy.rss.early - 1) * 100, 1),
      },
    }),
  }),
);
