/**
 * A ladder of three rungs from 1080p30, in software: processor time of a minute of video beside ffmpeg that makes the same ladder from the same
 * frames in turns, and how near each comes to the source at the same bit rate (SSIM and PSNR of each rung, scaled up again).
 *
 *   node --conditions=eddy-source test/bench/transcode-video.bench.ts [--seconds 60] [--rounds 3]
 */
import { execFile, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { readFileSync } from 'node:fs';
import { lengthPrefixedToAnnexB, parseAvcConfig } from 'eddy/media';
import type { AccessUnit, VideoCaps } from 'eddy/plugin';
import { harness } from 'eddy/testing';
import plugin, { type manifest } from '../../plugins/transcode/video/plugin.ts';
import { atLevel } from '../level.ts';
import { startHosts } from '../media/support/pattern.ts';
import { readFlv } from '../support/live-source.ts';

const number = (test: number, proof: number) =>
  ({ type: 'string', default: String(atLevel({ test, proof })) }) as const;
const { values } = parseArgs({ options: { seconds: number(4, 60), rounds: number(1, 3) } });
const [SECONDS, ROUNDS] = [Number(values.seconds), Number(values.rounds)];
const FPS = 30;
const RUNGS = [
  { name: '1080p', height: 1080, width: 1920, kbps: 5000 },
  { name: '720p', height: 720, width: 1280, kbps: 2500 },
  { name: '360p', height: 360, width: 640, kbps: 700 },
] as const;
const PRESET = 'veryfast';

const folder = await mkdtemp(join(tmpdir(), 'eddy-ladder-'));
const ffmpeg = (args: string): Promise<unknown> =>
  promisify(execFile)('ffmpeg', `-y -v error ${args}`.trim().split(/\s+/), { maxBuffer: 1 << 26 });

/** Processor time of children that have ended, and been waited for, s (proc_pid_stat(5), fields 16 and 17, 100 ticks a second). */
function ofChildren(): number {
  const fields = readFileSync('/proc/self/stat', 'latin1').split(') ')[1]!.split(' ');
  return (Number(fields[13]) + Number(fields[14])) / 100;
}
const own = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
};

const source = join(folder, 'source.flv');
// Motion everywhere, detail and noise: neither a still nor a test card.
await ffmpeg(`-f lavfi -i testsrc2=s=1920x1080:r=${FPS}:d=${SECONDS},noise=alls=12:allf=t+u -f lavfi -i sine=d=${SECONDS}
  -c:v libx264 -preset superfast -tune zerolatency -pix_fmt yuv420p -g 60 -keyint_min 60 -sc_threshold 0 -bf 0 -b:v 12M -c:a aac ${source}`);
const clip = readFlv(await readFile(source));

async function ours(): Promise<{ seconds: number; engine: number }> {
  const native = startHosts();
  const block = { full: 'block' as const, queue: '1s' };
  const stage = await harness<typeof manifest>(plugin, {
    config: { rungs: RUNGS.map(({ name, kbps }) => `${name}@${kbps}kbps`), passthrough: 'never', preset: PRESET },
    services: { hosts: native.hosts },
    clock: 'real',
    links: { in: block, out: block },
  });
  const before = { children: ofChildren(), own: own() };
  const feed = await stage.camera('cam').publish();
  const writer = feed.video(clip.video);
  const now = Date.now();
  const units = clip.pictures.map(({ data, key }, index): AccessUnit => {
    const pts = (index * 90_000) / FPS;
    return { dts: pts, pts, duration: 90_000 / FPS, key, data, arrivedAt: now + (index * 1000) / FPS };
  });
  await writer.writeAll(units);
  writer.end();
  const tracks = () => stage.out.out.tracks('cam');
  await stage.out.out.until(() => tracks().length > 0 && tracks().every(({ ended }) => ended !== undefined), 900_000);
  for (const { name } of RUNGS) {
    const track = tracks().find(({ id }) => id === `video-${name}`)!;
    if (track.items.length !== units.length)
      throw new Error(`${name}: ${track.items.length} of ${units.length} pictures`);
    const { sps, pps } = parseAvcConfig((track.caps as VideoCaps).config);
    const sets = [...sps, ...pps].flatMap((set) => [Buffer.from([0, 0, 0, 1]), set]);
    const stream = track.items.map((unit) => lengthPrefixedToAnnexB(unit.data));
    await writeFile(join(folder, `ours-${name}.264`), Buffer.concat([...sets, ...stream]));
  }
  await stage.stop();
  await native.stop();
  await stage.close();
  return { seconds: ofChildren() - before.children, engine: own() - before.own };
}

async function theirs(): Promise<number> {
  const before = ofChildren();
  const scaled = RUNGS.map(({ width, height }, i) => `[v${i}]scale=${width}:${height}:flags=bilinear[s${i}]`).join(';');
  const outputs = RUNGS.map(
    ({ name, kbps }, i) =>
      `-map [s${i}] -c:v libx264 -preset ${PRESET} -tune zerolatency -profile:v baseline -g 60 -keyint_min 1 -sc_threshold 0 ` +
      `-b:v ${kbps}k -maxrate ${kbps}k -bufsize ${kbps}k -fps_mode passthrough -f h264 ${join(folder, `theirs-${name}.264`)}`,
  ).join(' ');
  await ffmpeg(`-i ${source} -filter_complex [0:v]split=3[v0][v1][v2];${scaled} ${outputs}`);
  return ofChildren() - before;
}

/** How near a rung is to the source, scaled up to its size. */
function likeness(file: string): { ssim: number; psnr: number; kbps: number } {
  // The first picture with the first, whatever FLV's milliseconds say.
  const counted = `setpts=N/${FPS}/TB`;
  const graph = `[0:v]${counted},scale=1920:1080:flags=bicubic,split[a][b];[1:v]${counted},split[c][d];[a][c]ssim;[b][d]psnr`;
  const args = ['-r', String(FPS), '-i', file, '-i', source, '-lavfi', graph, '-an', '-f', 'null', '-'];
  const said = spawnSync('ffmpeg', args, { maxBuffer: 1 << 26 }).stderr.toString();
  const find = (what: RegExp): number => Number(what.exec(said)?.[1]);
  const bytes = readFileSync(file).length;
  return {
    ssim: find(/SSIM .*All:([\d.]+)/),
    psnr: find(/PSNR .*average:([\d.]+)/),
    kbps: Math.round((bytes * 8) / 1000 / SECONDS),
  };
}

const rounds: { ours: number; theirs: number; engine: number }[] = [];
for (let round = 0; round < ROUNDS; round += 1) {
  const { seconds, engine } = await ours();
  rounds.push({ ours: seconds, engine, theirs: await theirs() });
}
const median = (list: readonly number[]): number => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)]!;
const aMinute = (pick: (round: (typeof rounds)[number]) => number): number =>
  Number(((median(rounds.map(pick)) * 60) / SECONDS).toFixed(1));
const quality = Object.fromEntries(
  RUNGS.map(({ name }) => [
    name,
    { eddy: likeness(join(folder, `ours-${name}.264`)), ffmpeg: likeness(join(folder, `theirs-${name}.264`)) },
  ]),
);
await rm(folder, { recursive: true });
console.log(
  JSON.stringify({
    bench: '1080p30 to a ladder of three rungs, in software',
    seconds: SECONDS,
    'CPU seconds a minute of video': {
      'eddy, host': aMinute((round) => round.ours),
      'eddy, engine': aMinute((round) => round.engine),
      ffmpeg: aMinute((round) => round.theirs),
    },
    ratio: Number(median(rounds.map((round) => (round.ours + round.engine) / round.theirs)).toFixed(3)),
    quality,
  }),
);
