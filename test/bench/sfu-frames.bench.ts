/**
 * Node's share of WebRTC cameras that are recorded: CPU of the engine process for 50 WHIP cameras of 1 Mbps through
 * `webrtc.sfu` to frames, beside the same cameras without it; the SFU's worker is not counted.
 *
 *   node --conditions=eddy-source test/bench/sfu-frames.bench.ts [cameras] [seconds]
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { atLevel } from '../level.ts';

const CAMERAS = Number(process.argv[2] ?? 50);
const BITRATE = 1_000_000;
const SECONDS = Number(process.argv[3] ?? atLevel({ test: 8, proof: 60 }));
const WARM_UP_S = Math.min(5, SECONDS);

interface Report {
  readonly frames: number;
  readonly bytes: number;
  /** Packets that never came. */
  readonly lost: number;
  readonly tracks: number;
  /** Longest time between two frames of a track since the report before, ms. */
  readonly longest: number;
  /** Seconds. */
  readonly cpu: number;
  readonly rss: number;
}

const script = (name: string, args: readonly (string | number)[]): ChildProcess =>
  fork(new URL(name, import.meta.url), args.map(String), { execArgv: ['--conditions=eddy-source'] });

async function measure(mode: 'sfu' | 'alone') {
  const server = script('./sfu-frames-server.ts', [mode]);
  const [{ url }] = (await once(server, 'message')) as [{ url: string }];
  const report = async (): Promise<Report> => {
    server.send('report');
    return ((await once(server, 'message')) as [Report])[0];
  };
  const generator = script('./sfu-frames-generator.ts', [url, CAMERAS, BITRATE]);
  const failed = once(generator, 'exit').then(() => Promise.reject(new Error('the generator ended early')));
  failed.catch(() => undefined);
  try {
    await Promise.race([once(generator, 'message'), failed]);
    await Promise.race([sleep(WARM_UP_S * 1000), failed]);
    const [first, begun] = [await report(), performance.now()];
    await Promise.race([sleep(SECONDS * 1000), failed]);
    const [last, seconds] = [await report(), (performance.now() - begun) / 1000];
    return {
      tracks: last.tracks,
      mbps: ((last.bytes - first.bytes) * 8) / seconds / 1e6,
      framesPerSecond: (last.frames - first.frames) / seconds,
      lost: last.lost - first.lost,
      longest: last.longest,
      cpu: (last.cpu - first.cpu) / seconds,
      rss: last.rss / 1e6,
    };
  } finally {
    if (generator.connected) generator.disconnect();
    if (generator.exitCode === null) await once(generator, 'exit');
    server.send('stop');
    await once(server, 'exit');
  }
}

const alone = await measure('alone');
const sfu = await measure('sfu');
const round = (value: number, digits: number): number => Number(value.toFixed(digits));
console.log(
  JSON.stringify({
    bench: 'WHIP cameras through webrtc.sfu to frames',
    cameras: CAMERAS,
    tracks: sfu.tracks,
    'Mbps of frames': round(sfu.mbps, 1),
    'frames a second': round(sfu.framesPerSecond, 0),
    'packets lost': sfu.lost,
    'longest pause of a track, ms': round(sfu.longest, 0),
    'engine, share of a core': { sfu: round(sfu.cpu, 3), 'WHIP alone': round(alone.cpu, 3) },
    'engine, % of a core a camera': round((sfu.cpu / CAMERAS) * 100, 3),
    'engine RSS, MB': round(sfu.rss, 0),
  }),
);
