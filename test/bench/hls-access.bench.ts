/**
 * HLS with access control: requests a CPU-second of a whole pipeline that asks who is there, against the same one that asks nobody. The same
 * mix of playlist, parts and segments for both, in turns; with access as players ask: the session in the path of every URL.
 *
 *   node --conditions=eddy-source test/bench/hls-access.bench.ts [--seconds 4] [--rounds 3]
 *
 * CPU is what the engine's process used (user and system). Rounds alternate and the best of each counts: other work on the machine only
 * ever makes a round worse. Both take in the same publisher meanwhile.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { readUsage } from '../../core/process/usage.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg } from '../support/ffmpeg.ts';

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '4' }, rounds: { type: 'string', default: '3' } },
});
const [seconds, rounds] = [Number(values.seconds), Number(values.rounds)];
const KEY = 'a-key-of-the-benchmark-alone';

const pipeline = (auth: string): string => `version: 1
observe: { log: warn }
services:
  http: { plugin: http.server, listen: HTTP, unlimited: [127.0.0.1] }
${auth}
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  cmaf: { plugin: package.cmaf }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> cmaf.video
  - cmaf.chunks -> hls.chunks
`;
const ACCESS = `  auth:
    plugin: auth.static
    keys: [{ token: ${KEY}, subject: bench, actions: [publish, watch, rewind] }]`;

interface Side {
  readonly name: 'open' | 'access';
  readonly eddy: RunningEddy;
  /** What wrk asks for, one after the other. */
  readonly paths: () => Promise<readonly string[]>;
}

async function start(name: Side['name'], folder: string, ending: (() => Promise<unknown>)[]): Promise<Side> {
  const eddy = await startEddy(pipeline(name === 'access' ? ACCESS : ''));
  ending.push(() => eddy.stop());
  const token = name === 'access' ? `?token=${KEY}` : '';
  const publisher = startFfmpeg([
    ...['-re', '-f', 'lavfi', '-i', 'testsrc2=size=640x360:rate=30', '-c:v', 'libx264', '-preset', 'ultrafast'],
    ...['-g', '60', '-bf', '0', '-b:v', '800k', '-f', 'flv', `${eddy.rtmp}/cam1${token}`],
  ]);
  ending.unshift(() => publisher.stop());
  const entry = `${eddy.http}/hls/cam1/index.m3u8${token}`;
  const { url } = await until('the first playlist', async () => {
    const answer = await fetch(entry);
    return answer.ok && answer;
  });
  const base = new URL('video/', url);
  const playlist = new URL('live.m3u8', base);
  return {
    name,
    eddy,
    async paths() {
      const text = await (await fetch(playlist)).text();
      const parts = [...text.matchAll(/#EXT-X-PART:[^\n]*URI="([^"]+)"/g)].map(([, uri]) => uri!);
      const segments = text.split('\n').filter((line) => /^\d.*\.m4s$/.test(line));
      // As a player does by segments of 2 s: playlist and part three times a second, a segment now and then.
      const asked = [playlist, ...parts.slice(-6).flatMap((part) => [new URL(part, base), playlist])];
      asked.push(new URL(segments.at(-1)!, base));
      return asked.map(({ pathname }) => pathname);
    },
  };
}

/** CPU seconds that an engine's own process has used. */
const cpuOf = ({ pid }: RunningEddy): number => readUsage(pid)!.cpuSeconds;

/** Asks for a mix of paths in turns. */
const script = (paths: readonly string[]): string =>
  `paths = {${paths.map((path) => JSON.stringify(path)).join(',')}}\nn = 0\n` +
  `request = function() n = n + 1; return wrk.format("GET", paths[(n % #paths) + 1]) end\n`;

async function measure({ eddy, name, paths }: Side, folder: string, duration: number): Promise<number> {
  const lua = join(folder, `${name}.lua`);
  writeFileSync(lua, script(await paths()));
  const before = cpuOf(eddy);
  const wrk = spawn('wrk', ['-t', '1', '-c', '16', '-d', `${duration}s`, '-s', lua, eddy.http]);
  let text = '';
  wrk.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()));
  await once(wrk, 'close');
  const used = cpuOf(eddy) - before;
  const requests = Number(/(\d+) requests in/.exec(text)?.[1]);
  if (!(requests > 0) || /Non-2xx|Socket errors/.test(text)) throw new Error(`wrk against ${name}:\n${text}`);
  return Math.round(requests / used);
}

const folder = mkdtempSync(join(tmpdir(), 'eddy-access-'));
const ending: (() => Promise<unknown>)[] = [];
try {
  const sides = [await start('open', folder, ending), await start('access', folder, ending)];
  const best = { open: 0, access: 0 };
  for (const side of sides) await measure(side, folder, 1);
  for (let round = 0; round < rounds; round++) {
    for (const side of sides) best[side.name] = Math.max(best[side.name], await measure(side, folder, seconds));
  }
  console.log(
    JSON.stringify({
      bench: 'HLS with access control against HLS without',
      'requests a CPU-second': best,
      ratio: Number((best.access / best.open).toFixed(3)),
    }),
  );
} finally {
  for (const end of ending) await end();
  rmSync(folder, { recursive: true, force: true });
}
