import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeHttpServer, harness, type Harness } from 'eddy/testing';
import type { AccessUnit, VideoCaps } from 'eddy/plugin';
import { buildInitSegment, writeChunk } from 'eddy/media';
import plugin, { type manifest } from '../../plugins/transcode/video/plugin.ts';
import { ivfFrames } from '../support/containers.ts';
import { encodeClip, readFlv, type Clip } from '../support/live-source.ts';
import { decodeVideo } from './support/decode.ts';
import { startHosts } from './support/pattern.ts';

type Stage = Harness<typeof manifest>;

let native: ReturnType<typeof startHosts>;
const stages: Stage[] = [];
beforeEach(() => void (native = startHosts()));
afterEach(async () => {
  await Promise.all(stages.map((stage) => stage.stop()));
  await native.stop();
  for (const stage of stages.splice(0)) await stage.close();
});

async function start(
  config: Readonly<Record<string, unknown>>,
  services: { http?: FakeHttpServer } = {},
): Promise<Stage> {
  const block = { full: 'block' as const, queue: '2s' };
  const stage = await harness<typeof manifest>(plugin, {
    config,
    services: { hosts: native.hosts, ...services },
    clock: 'real',
    links: { in: block, out: block },
  });
  stages.push(stage);
  return stage;
}

/** The clip's pictures as units, from a moment on. */
function unitsOf({ pictures, fps }: Clip, seconds = 0): AccessUnit[] {
  const now = Date.now();
  const step = 90_000 / fps;
  return pictures.map(({ data, key, offset = 0 }, index) => {
    const dts = Math.round(seconds * 90_000 + index * step);
    // FLV counts milliseconds, which are frames here.
    const pts = dts + Math.round((offset * fps) / 1000) * step;
    return { dts, pts, duration: step, key, data, arrivedAt: now + (index * 1000) / fps };
  });
}

async function makeIvf(args: string): Promise<Buffer> {
  const all = `-v error -f lavfi -i testsrc2=s=320x180:r=30:d=3 ${args} -`.split(' ');
  return (await promisify(execFile)('ffmpeg', all, { encoding: 'buffer', maxBuffer: 1 << 26 })).stdout;
}

/** Eight seconds at 29.97 frames a second, with cuts that lie nowhere near key frames. */
async function cutClip(): Promise<Clip> {
  const scenes = ['testsrc2', 'mandelbrot', 'color=red,noise=alls=60:allf=t', 'smptebars', 'rgbtestsrc'];
  const lengths = [1.3, 0.9, 2.2, 1.7, 1.9];
  const sized = scenes.map((scene, index) => {
    const [source, ...rest] = scene.split(',');
    const options = `${source}${source!.includes('=') ? ':' : '='}s=160x90:r=30000/1001`;
    return `${[options, ...rest].join(',')},trim=duration=${lengths[index]},setpts=PTS-STARTPTS,format=yuv420p[v${index}]`;
  });
  const graph = `${sized.join(';')};${scenes.map((_, index) => `[v${index}]`).join('')}concat=n=${scenes.length}[out];sine=d=8[sound]`;
  const args = ['-v', 'error', '-filter_complex', graph, '-map', '[out]', '-map', '[sound]'];
  const codecs = '-c:v libx264 -preset ultrafast -crf 18 -bf 0 -g 300 -r 30000/1001 -c:a aac -f flv -'.split(' ');
  const { stdout } = await promisify(execFile)('ffmpeg', [...args, ...codecs], {
    encoding: 'buffer',
    maxBuffer: 1 << 28,
  });
  const { video, ...rest } = readFlv(stdout);
  return { fps: 30_000 / 1001, seconds: 8, video: { ...video, frameRate: { num: 30_000, den: 1001 } }, ...rest };
}

interface Rung {
  readonly caps: VideoCaps;
  readonly units: AccessUnit[];
}

/** What the stage makes of units, by the names of its tracks. */
async function transcode(stage: Stage, caps: VideoCaps, units: readonly AccessUnit[]): Promise<Record<string, Rung>> {
  const feed = await stage.camera('cam').publish();
  const writer = feed.video(caps);
  await writer.writeAll([...units]);
  writer.end();
  const tracks = () => stage.out.out.tracks('cam');
  await stage.out.out.until(() => tracks().length > 0 && tracks().every(({ ended }) => ended !== undefined), 30_000);
  feed.end();
  return Object.fromEntries(
    stage.out.out
      .tracks('cam')
      .map(({ id, caps: made, items }) => [id, { caps: made as VideoCaps, units: [...items] }]),
  );
}

/** Pictures that ffmpeg makes of a rung of any codec, from a file of our own; it complains of none. */
async function countPictures({ caps, units }: Rung): Promise<number> {
  const samples = units.map(({ dts, pts, key, data }, index) => ({
    data,
    key,
    duration: Math.round(units[index + 1]?.dts ?? dts + 3000) - Math.round(dts),
    compositionOffset: Math.round(pts) - Math.round(dts),
  }));
  const baseTime = Math.round(units[0]!.dts);
  const file = Buffer.concat([
    buildInitSegment({ caps }),
    writeChunk({ sequence: 1, baseTime, samples, startsSegment: true }),
  ]);
  const run = promisify(execFile)(
    'ffprobe',
    '-v error -count_frames -show_entries stream=nb_read_frames -of csv=p=0 -'.split(' '),
  );
  run.child.stdin!.end(file);
  const { stdout, stderr } = await run;
  expect(stderr).toBe('');
  return Number(stdout);
}

const keysOf = ({ units }: Rung): number[] => units.filter(({ key }) => key).map(({ pts }) => pts);

describe('transcode.video', () => {
  it('makes every rung of the ladder: sizes, times, key frames at the same moments', async () => {
    const clip = await encodeClip({ seconds: 6 });
    const stage = await start({ rungs: ['360p@600kbps', '180p@200kbps'], passthrough: 'never', preset: 'ultrafast' });
    const made = await transcode(stage, clip.video, unitsOf(clip, 100));
    expect(stage.reports).toEqual([]);
    expect(Object.keys(made).sort()).toEqual(['video-180p', 'video-360p']);
    expect(made['video-360p']!.caps).toMatchObject({ codec: 'h264', width: 640, height: 360, bitrate: 600_000 });
    expect(made['video-180p']!.caps).toMatchObject({ codec: 'h264', width: 320, height: 180, bitrate: 200_000 });
    for (const rung of Object.values(made)) {
      // No picture is lost, none moved.
      expect(rung.units.map(({ pts }) => pts)).toEqual(unitsOf(clip, 100).map(({ pts }) => pts));
      expect(keysOf(rung)).toEqual([9_000_000, 9_180_000, 9_360_000]);
      await decodeVideo(rung.caps, rung.units);
    }
  });

  it('takes the source as the top rung, and keeps step with its key frames', async () => {
    const clip = await encodeClip({ seconds: 12, gopSeconds: 5 / 3 });
    const stage = await start({ rungs: ['360p@600kbps', '180p@200kbps'], preset: 'ultrafast' });
    const units = unitsOf(clip);
    const made = await transcode(stage, clip.video, units);
    expect(stage.reports).toEqual([]);
    expect(Object.keys(made).sort()).toEqual(['video', 'video-180p']);
    expect(made.video!.units.map(({ data }) => data)).toEqual(units.map(({ data }) => data));
    // Two GOPs tell that it is constant.
    expect(keysOf(made['video-180p']!)).toEqual(keysOf(made.video!).slice(2));
  });

  it.each([
    ['h264', 'x264'],
    ['vp9', 'vpx'],
    ['av1', 'aom'],
  ])('tells its plan, and changes a bit rate while it runs: %s', async (codec, encoder) => {
    const clip = await encodeClip({ seconds: 10, gopSeconds: 1 });
    const http = new FakeHttpServer();
    const config = {
      rungs: ['360p@600kbps', '180p@100kbps'],
      codec,
      passthrough: 'never',
      preset: 'ultrafast',
      gop: '1s',
    };
    const stage = await start(config, { http });
    const path = http.mounted
      .find((route) => route.startsWith('GET '))!
      .slice(4)
      .replace(':camera', 'cam');
    expect(await http.request(path)).toMatchObject({ status: 404 });
    const writer = (await stage.camera('cam').publish()).video(clip.video);
    const units = unitsOf(clip);
    const written = writer.writeAll(units);
    await stage.out.out.until(() => stage.out.out.items('cam').length > 60);
    const told = await http.request(path);
    expect(await told.json()).toMatchObject({
      tracks: [
        {
          track: 'video',
          source: { codec: 'h264', width: 640, height: 360, fps: 30 },
          running: true,
          usage: { framesIn: expect.any(Number), framesOut: expect.any(Number) },
          rungs: [
            {
              name: '360p',
              width: 640,
              height: 360,
              codec,
              made: 'encoded',
              encoder,
              bitrate: 600_000,
            },
            {
              name: '180p',
              width: 320,
              height: 180,
              codec,
              made: 'encoded',
              encoder,
              bitrate: 100_000,
            },
          ],
        },
      ],
    });
    const patch = (body: unknown) => http.request(path, { method: 'PATCH', body: JSON.stringify(body) });
    for (const body of [{}, { rungs: { '90p': { bitrate: '1Mbps' } } }, { rungs: { '180p': { bitrate: 5 } } }]) {
      expect(await patch(body)).toMatchObject({ status: 400 });
    }
    expect(await patch({ rungs: { '180p': { bitrate: '1Mbps' } } })).toMatchObject({ status: 200 });
    await written;
    writer.end();
    await stage.out.out.until(() => stage.out.out.tracks('cam').every(({ ended }) => ended !== undefined), 30_000);
    const low = stage.out.out.tracks('cam').find(({ id }) => id === 'video-180p')!.items as AccessUnit[];
    expect(low).toHaveLength(units.length);
    const bytes = (some: readonly AccessUnit[]): number => some.reduce((sum, { data }) => sum + data.length, 0);
    expect(bytes(low.slice(-60))).toBeGreaterThan(2 * bytes(low.slice(0, 60)));
    expect(stage.reports).toEqual([]);
  });

  it('encodes the top rung too once the key frames of the source come at another distance', async () => {
    const clip = await encodeClip({ seconds: 4, gopSeconds: 1 });
    const stage = await start({ rungs: ['360p@600kbps', '180p@200kbps'], preset: 'ultrafast' });
    const units = [...unitsOf(clip), ...unitsOf(clip, 4), ...unitsOf(clip, 8)].filter((_, index) => {
      // A GOP of half a second, and the next one.
      return !(index >= 165 && index < 180);
    });
    const made = await transcode(stage, clip.video, units);
    expect(stage.reports.map(({ code }) => code)).toEqual(['transcode.video/SOURCE_IRREGULAR']);
    expect(Object.keys(made).sort()).toEqual(['video', 'video-180p', 'video-360p']);
    const [source, top, low] = [made.video!, made['video-360p']!, made['video-180p']!];
    expect(top.caps).toMatchObject({ width: 640, height: 360, bitrate: 600_000 });
    // The change is at a key frame of the source, and from there on all rungs keep step.
    const change = top.units[0]!.pts;
    expect(source.units.at(-1)!.pts).toBeLessThan(change);
    expect(keysOf(low).filter((pts) => pts >= change)).toEqual(keysOf(top));
    expect(top.units.at(-1)!.pts).toBe(units.at(-1)!.pts);
  });

  it.each([
    ['VP8', '-c:v libvpx -deadline realtime -cpu-used 8 -b:v 500k -g 60 -f ivf', 'vp8'],
    ['VP9', '-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -b:v 500k -g 60 -f ivf', 'vp9'],
  ] as const)('makes H.264 of %s', async (_name, args, codec) => {
    const frames = ivfFrames(await makeIvf(args));
    const units = frames.map(({ data }, index) => {
      const pts = index * 3000;
      return { dts: pts, pts, duration: 3000, key: index % 60 === 0, data, arrivedAt: Date.now() + index * 33 };
    });
    const caps: VideoCaps = {
      ...{ kind: 'video', codec, timescale: 90_000, width: 320, height: 180, config: new Uint8Array() },
      codecString: codec === 'vp8' ? 'vp8' : 'vp09.00.10.08',
    };
    const stage = await start({ rungs: 'auto', preset: 'ultrafast' });
    const made = await transcode(stage, caps, units);
    expect(Object.keys(made)).toEqual(['video-180p']);
    const rung = made['video-180p']!;
    expect(rung.caps).toMatchObject({ codec: 'h264', width: 320, height: 180 });
    expect(rung.units.map(({ pts }) => pts)).toEqual(units.map(({ pts }) => pts));
    await decodeVideo(rung.caps, rung.units);
  });

  it.each(['low-latency', 'quality'] as const)(
    'makes rungs of four codecs, over scene cuts, with key frames at the same moments: %s',
    { timeout: 60_000 },
    async (mode) => {
      const clip = await cutClip();
      const stage = await start({
        gop: '1s',
        mode,
        passthrough: 'never',
        preset: 'superfast',
        rungs: [
          { size: '90p', bitrate: '200kbps', profile: 'main', gop: '2s' },
          { size: '90p', bitrate: '150kbps', codec: 'hevc', profile: 'main10', gop: '2s' },
          { size: '60p', bitrate: '80kbps', codec: 'vp9' },
          { size: '60p', bitrate: '80kbps', codec: 'av1', fps: 15 },
          { size: '46p', bitrate: '60kbps', codec: 'hevc' },
        ],
      });
      const units = unitsOf(clip, 7);
      const made = await transcode(stage, clip.video, units);
      expect(stage.reports).toEqual([]);
      const codecs = Object.fromEntries(Object.entries(made).map(([id, { caps }]) => [id, caps.codecString]));
      expect(codecs).toEqual({
        'video-90p': expect.stringMatching(/^avc1\.4d/),
        'video-90p-hevc': expect.stringMatching(/^hvc1\.2\./),
        'video-60p-vp9': expect.stringMatching(/^vp09\.00\./),
        'video-60p15-av1': expect.stringMatching(/^av01\.0\.[0-9]{2}M\.08$/),
        'video-46p-hevc': expect.stringMatching(/^hvc1\.1\./),
      });
      // A tick is rounding: the rate of the source is 30000/1001.
      const near = (moments: readonly number[]): number[] => moments.map((pts) => Math.round(pts / 90));
      const every = near(units.filter((_, index) => index % 30 === 0).map(({ pts }) => pts));
      const second = every.filter((_, index) => index % 2 === 0);
      for (const [id, rung] of Object.entries(made)) {
        expect([id, near(keysOf(rung))]).toEqual([id, id.startsWith('video-90p') ? second : every]);
        const taken = id.includes('15') ? units.filter((_, index) => index % 2 === 0) : units;
        expect(near(rung.units.map(({ pts }) => pts)).toSorted((a, b) => a - b)).toEqual(
          near(taken.map(({ pts }) => pts)),
        );
        expect(rung.caps.bFrames).toBe(mode === 'quality' && ['h264', 'hevc'].includes(rung.caps.codec));
        expect(await countPictures(rung)).toBe(taken.length);
        const bits = (rung.units.reduce((sum, { data }) => sum + data.length, 0) * 8) / (units.length / 29.97);
        // Noise is more than it has bits for; but none spends twice what it was given.
        expect([id, bits / rung.caps.bitrate!]).toEqual([id, expect.closeTo(1, 0)]);
      }
    },
  );

  it.each([15, 30])('AV1 of %s frames a second has the bit rate that was asked for', async (fps) => {
    const clip = await encodeClip({ seconds: 8, fps });
    const stage = await start({ rungs: ['360p@600kbps'], codec: 'av1', passthrough: 'never', preset: 'ultrafast' });
    const { units } = (await transcode(stage, clip.video, unitsOf(clip)))['video-360p']!;
    const bits = units.reduce((sum, { data }) => sum + data.length, 0) * 8;
    expect(bits / 8 / 600_000).toBeGreaterThan(0.7);
    expect(bits / 8 / 600_000).toBeLessThan(1.3);
  });

  it('makes quality rungs of a source with B-frames', async () => {
    const clip = await encodeClip({ seconds: 4, args: '-bf 2 -tune film' });
    const stage = await start({ rungs: ['180p@200kbps'], mode: 'quality', preset: 'superfast' });
    const made = await transcode(stage, clip.video, unitsOf(clip, 1));
    const rung = made['video-180p']!;
    expect(rung.units).toHaveLength(120);
    expect(rung.units.some(({ pts, dts }) => pts > dts)).toBe(true);
    expect(rung.units.every(({ dts }, index) => index === 0 || dts > rung.units[index - 1]!.dts)).toBe(true);
    await decodeVideo(rung.caps, rung.units);
  });
});
