/** Clips of the past: exact to the frame, sound and picture in step over a hole, in ffmpeg and in Chromium. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { blockClockSource, decodeBlockClock } from '../../core/media/block-clock.ts';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { recordClock } from '../support/clock-recording.ts';
import { type RunningEddy, startEddy, until } from '../support/eddy.ts';
import { runFfmpeg } from '../support/ffmpeg.ts';
import { launchChromium, openBlank, openPage } from './chromium.ts';

const SIZE = { width: 320, height: 80 };
const FPS = 25;
const FRAME = 1000 / FPS;
/** Seconds of the recording; the publisher is away in between. */
const HOLE = { from: 10, to: 14 };
const SECONDS = atLevel({ test: 24, proof: 640 });
const startAt = Math.floor(Date.now() / 1000 - SECONDS - 120) * 1000;
const AV_BAR = 40;

let folder: string;
let eddy: RunningEddy;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-clips-'));
  await writeFile(join(folder, 'clock.flv'), await recordClock({ startAt, seconds: SECONDS, fps: FPS, beep: true }));
  const replay = join(import.meta.dirname, '../support/replay-source/plugin.ts');
  eddy = await startEddy(
    `
version: 1
name: clips
plugins: ['${replay}']
services:
  http: { plugin: http.server, listen: HTTP }
  api: { plugin: web.api }
  store: { plugin: store.filesystem, dir: ./media }
  clips: { plugin: publish.clips }
stages:
  replay: { plugin: test.replay, file: ${folder}/clock.flv, fps: ${FPS}, start-at: '${startAt}', stretches: 0..${HOLE.from} ${HOLE.to}..${SECONDS} }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 1m, dir: ./log, durability: { rpo: 1m } }
  index: { plugin: index.sqlite, file: ./index.db }
  hls: { plugin: publish.hls }
links:
  - replay.video -> cmaf.video: { full: block }
  - replay.audio -> cmaf.audio: { full: block }
  - cmaf.chunks -> dvr.chunks: { full: block }
  - dvr.live -> hls.chunks
`,
    { folder },
  );
  const last = `/api/v1/cameras/cam/segments?start=${startAt + (SECONDS - 3) * 1000}`;
  await until(
    'the last second to be stored',
    async () => (await (await fetch(eddy.http + last)).text()).includes('video/'),
    {
      timeout: 300_000,
      every: 200,
    },
  );
}, 400_000);
afterAll(async () => {
  await eddy.stop();
  await rm(folder, { recursive: true, force: true });
});

const address = (from: number, to: number): string =>
  `${eddy.http}/api/v1/cameras/cam/export.mp4?start=${startAt + from * 1000}&end=${startAt + to * 1000}`;

async function download(from: number, to: number): Promise<string> {
  const answer = await fetch(address(from, to));
  expect([answer.status, answer.headers.get('content-type')]).toEqual([200, 'video/mp4']);
  const bytes = Buffer.from(await answer.arrayBuffer());
  expect(bytes).toHaveLength(Number(answer.headers.get('content-length')));
  const file = join(folder, `clip-${from}-${to}.mp4`);
  await writeFile(file, bytes);
  return file;
}

interface ShownFrame {
  /** In the clip, ms. */
  readonly at: number;
  /** Of the recording, ms. */
  readonly clock: number;
}

/** Every frame that ffmpeg shows of a file, with its time and what its clock says. */
async function framesOf(file: string): Promise<ShownFrame[]> {
  const args = `-v error -i ${file} -map 0:v -fps_mode passthrough -enc_time_base -1 -f rawvideo -pix_fmt gray pipe:1`;
  const child = spawn('ffmpeg', args.split(' '), { stdio: ['ignore', 'pipe', 'inherit'] });
  const size = SIZE.width * SIZE.height;
  const clocks: number[] = [];
  let rest = Buffer.alloc(0);
  child.stdout.on('data', (data: Buffer) => {
    rest = Buffer.concat([rest, data]);
    for (; rest.length >= size; rest = rest.subarray(size))
      clocks.push((decodeBlockClock({ width: SIZE.width, data: rest }, 1)?.epochMs ?? NaN) - startAt);
  });
  await once(child, 'close');
  const probe = spawnSync(
    'ffmpeg',
    `-v error -i ${file} -map 0:v -fps_mode passthrough -enc_time_base 1:90000 -f framehash -hash murmur3 pipe:1`.split(
      ' ',
    ),
    { maxBuffer: 64 * 1024 * 1024 },
  );
  const times = probe.stdout
    .toString()
    .split('\n')
    .filter((line) => /^0,/.test(line))
    .map((line) => Number(line.split(',')[2]) / 90);
  expect(times).toHaveLength(clocks.length);
  return clocks.map((clock, index) => ({ at: times[index]!, clock }));
}

/** Where beeps begin in what ffmpeg plays of a file, ms. */
function beepsOf(file: string): number[] {
  const args = `-v error -i ${file} -map 0:a -af aresample=async=1:first_pts=0 -ac 1 -ar 48000 -f s16le pipe:1`;
  const { stdout } = spawnSync('ffmpeg', args.split(' '), { maxBuffer: 512 * 1024 * 1024 });
  const beeps: number[] = [];
  let quiet = Infinity;
  for (let index = 0; index + 1 < stdout.length; index += 2) {
    const loud = Math.abs(stdout.readInt16LE(index)) > 3000;
    // Thirty ms of quiet before: not the next wave of the same beep.
    if (loud && quiet > 1440) beeps.push(index / 96);
    quiet = loud ? 0 : quiet + 1;
  }
  return beeps;
}

/** The worst distance between a beep and the picture of the whole second at which it belongs, ms. */
function worstStep(frames: readonly ShownFrame[], beeps: readonly number[]): number {
  const seconds = frames.filter(({ clock }) => clock % 1000 === 0);
  const near = (at: number): number => Math.min(...beeps.map((beep) => Math.abs(beep - at)));
  return Math.max(...seconds.map(({ at }) => near(at)));
}

describe('a clip', () => {
  it('begins and ends exactly at the frames that were asked for, in the middle of GOPs', async () => {
    const frames = await framesOf(await download(3.37, 7.13));
    const expected = Array.from({ length: 95 }, (_, index) => 3360 + index * FRAME);
    expect(frames.map(({ clock }) => clock)).toEqual(expected);
    expect(frames.map(({ at }) => Math.round(at))).toEqual(expected.map((clock) => clock - 3360));
    expect((await framesOf(await download(4, 5))).map(({ clock }) => clock)).toEqual(
      Array.from({ length: 25 }, (_, index) => 4000 + index * FRAME),
    );
  });

  it('keeps the time of a hole, and sound and picture in step behind it', async () => {
    const file = await download(6.5, 19.5);
    const frames = await framesOf(file);
    expect(frames.some(({ clock }) => clock >= HOLE.from * 1000 && clock < HOLE.to * 1000)).toBe(false);
    const off = frames.map(({ at, clock }) => Math.abs(at - (clock - 6480)));
    expect(Math.max(...off)).toBeLessThan(FRAME);
    expect(frames.at(-1)!.clock).toBe(19_480);
    expect(worstStep(frames, beepsOf(file))).toBeLessThanOrEqual(AV_BAR);
  });

  it('is answered in parts, as players ask', async () => {
    const whole = Buffer.from(await (await fetch(address(3, 6))).arrayBuffer());
    const part = await fetch(address(3, 6), { headers: { range: 'bytes=5000-12345' } });
    expect([part.status, part.headers.get('content-range')]).toEqual([206, `bytes 5000-12345/${whole.length}`]);
    expect(Buffer.compare(Buffer.from(await part.arrayBuffer()), whole.subarray(5000, 12_346))).toBe(0);
  });

  it('plays in Chromium, over a hole too', async () => {
    const browser = await launchChromium();
    try {
      const { page, errors } = await openPage(browser);
      await openBlank(page, eddy.http);
      const clock = await page.evaluate<{
        first: number;
        later: number;
        duration: number;
        ended: boolean;
      }>(`(async () => {
        ${blockClockSource}
        const video = document.body.appendChild(document.createElement('video'));
        const canvas = document.createElement('canvas');
        const read = () => {
          canvas.width = video.videoWidth; canvas.height = 20;
          const context = canvas.getContext('2d', { willReadFrequently: true });
          context.drawImage(video, 0, 0);
          return decodeBlockClock(context.getImageData(0, 0, canvas.width, 20))?.epochMs - ${startAt};
        };
        const event = (name) => new Promise((resolve, reject) => {
          video.addEventListener(name, resolve, { once: true });
          video.addEventListener('error', () => reject(new Error(video.error.message)), { once: true });
        });
        // Loaded is not yet drawn.
        const drawn = new Promise((resolve) => video.requestVideoFrameCallback(resolve));
        video.src = ${JSON.stringify(address(8.37, 18))};
        await Promise.all([event('loadeddata'), drawn]);
        const first = read();
        video.currentTime = 7.01;
        await event('seeked');
        const later = read();
        video.playbackRate = 2;
        await Promise.all([video.play(), event('ended')]);
        return { first, later, duration: video.duration, ended: video.ended };
      })()`);
      expect(errors).toEqual([]);
      expect(clock).toMatchObject({ first: 8360, later: 8360 + 7000, ended: true });
      expect(clock.duration).toBeCloseTo(9.64, 2);
    } finally {
      await browser.close();
    }
  });

  it.runIf(level === 'proof')('of ten minutes, beside ffmpeg copying the HLS', async () => {
    const [from, to] = [20.5, 620.5];
    const took: { ours: number; theirs: number }[] = [];
    let file = '';
    for (let run = 0; run < 3; run += 1) {
      const began = performance.now();
      file = await download(from, to);
      const between = performance.now();
      const hls = `${eddy.http}/hls/cam/index.m3u8?start=${startAt + from * 1000}&end=${startAt + to * 1000}`;
      await runFfmpeg(`-i ${hls} -c copy -movflags +faststart ${join(folder, 'hls.mp4')}`);
      took.push({ ours: between - began, theirs: performance.now() - between });
    }
    const frames = await framesOf(file);
    const right = frames.every(({ clock }, index) => clock === 20_480 + index * FRAME);
    const step = worstStep(frames, beepsOf(file));
    const median = (values: number[]): number => values.toSorted((a, b) => a - b)[1]!;
    const [ours, theirs] = [median(took.map((one) => one.ours)), median(took.map((one) => one.theirs))];
    const { size } = await stat(file);
    meetBar({
      what: 'export',
      bar: '10 min clip frame-exact, A/V in step, plays in Chromium; time beside ffmpeg copying the HLS',
      measured:
        `${frames.length} frames, ${right ? 'each the right one' : 'not the right ones'}, sound within ${step.toFixed(1)} ms, ` +
        `${(size / 1e6).toFixed(1)} MB in ${Math.round(ours)} ms (ffmpeg: ${Math.round(theirs)} ms)`,
      pass: right && frames.length === 600 * FPS + 1 && step <= AV_BAR,
    });
  });
});
