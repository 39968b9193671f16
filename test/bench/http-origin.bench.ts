/**
 * HTTP origin: requests a CPU-second of http.server against nginx, both serving the same part to the same wrk in turns.
 *
 *   node --conditions=eddy-source test/bench/http-origin.bench.ts [--seconds 4] [--rounds 2] [--size 20000]
 *
 * CPU is what each server's own process used (user and system, /proc/PID/stat), so that wrk on the same cores does not
 * count. Rounds alternate and the best of each counts: other work on the machine only ever makes a round worse.
 */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '2' },
    size: { type: 'string', default: '20000' },
    connections: { type: 'string', default: '16' },
  },
});
const [seconds, rounds, size] = [Number(values.seconds), Number(values.rounds), Number(values.size)];
const TICKS = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** CPU seconds that a process has used. */
function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

interface Target {
  readonly name: string;
  readonly url: string;
  /** The process that serves. */
  readonly pid: number;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

async function startNginx(folder: string, children: ChildProcess[]): Promise<Target> {
  const port = await freePort();
  mkdirSync(join(folder, 'hls/cam1'), { recursive: true });
  writeFileSync(join(folder, 'hls/cam1/part.m4s'), Buffer.alloc(size, 7));
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error.log;
     events { worker_connections 1024; }
     http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 100000000; open_file_cache max=100;
       types { video/mp4 m4s; }
       server { listen 127.0.0.1:${port}; root ${folder};
         location / { add_header Cache-Control "public, max-age=31536000, immutable"; add_header Access-Control-Allow-Origin "*"; } } }`,
  );
  const master = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf')], { stdio: 'ignore' });
  children.push(master);
  const url = `http://127.0.0.1:${port}/hls/cam1/part.m4s`;
  for (let tries = 0; ; tries++) {
    if (
      await fetch(url).then(
        (answer) => answer.ok,
        () => false,
      )
    )
      break;
    if (tries > 50) throw new Error('nginx did not start');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const worker = readFileSync(`/proc/${master.pid}/task/${master.pid}/children`, 'utf8').trim().split(' ')[0];
  return { name: 'nginx', url, pid: Number(worker) };
}

async function startEddy(children: ChildProcess[]): Promise<Target> {
  const entry = new URL('./http-origin-server.ts', import.meta.url).pathname;
  const child = spawn(process.execPath, ['--conditions=eddy-source', entry, String(size)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.push(child);
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return { name: 'eddy', url: `${line}/hls/cam1/part.m4s`, pid: child.pid! };
}

async function measure(target: Target, duration: number): Promise<{ perSecond: number; perCpuSecond: number }> {
  const before = cpuSeconds(target.pid);
  const wrk = spawn('wrk', ['-t', '1', '-c', values.connections, '-d', `${duration}s`, target.url]);
  let text = '';
  wrk.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(wrk, 'close');
  const used = cpuSeconds(target.pid) - before;
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(requests > 0) || /Non-2xx|Socket errors/.test(text)) throw new Error(`wrk against ${target.name}:\n${text}`);
  return { perSecond: Math.round(requests / duration), perCpuSecond: Math.round(requests / used) };
}

const folder = mkdtempSync(join(tmpdir(), 'eddy-origin-'));
// Started by root, nginx serves as nobody.
chmodSync(folder, 0o755);
const children: ChildProcess[] = [];
try {
  const targets = [await startNginx(folder, children), await startEddy(children)];
  const best: Record<string, { perSecond: number; perCpuSecond: number }> = {};
  for (const target of targets) await measure(target, 1);
  for (let round = 0; round < rounds; round++) {
    for (const target of targets) {
      const result = await measure(target, seconds);
      if (!(result.perCpuSecond <= (best[target.name]?.perCpuSecond ?? 0))) best[target.name] = result;
    }
  }
  const ratio = best.eddy!.perCpuSecond / best.nginx!.perCpuSecond;
  console.log(
    JSON.stringify({
      bench: 'HTTP origin against nginx',
      'bytes a response': size,
      'connections of wrk': Number(values.connections),
      'requests a CPU-second': { eddy: best.eddy!.perCpuSecond, nginx: best.nginx!.perCpuSecond },
      'requests a second': { eddy: best.eddy!.perSecond, nginx: best.nginx!.perSecond },
      ratio: Number(ratio.toFixed(2)),
    }),
  );
} finally {
  for (const child of children) child.kill('SIGTERM');
  await Promise.all(children.map(async (child) => child.exitCode ?? once(child, 'exit')));
  rmSync(folder, { recursive: true, force: true });
}
