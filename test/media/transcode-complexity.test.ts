import { Ajv } from 'ajv';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { H264Quantisers } from 'eddy/media';
import type { AccessUnit, VideoCaps } from 'eddy/plugin';
import { ladders } from '../../plugins/web/api/ladder-schema.ts';
import { FakeHttpServer, harness } from 'eddy/testing';
import plugin, { type manifest } from '../../plugins/transcode/video/plugin.ts';
import { usualBitrate } from '../../plugins/transcode/video/rungs.ts';
import { hostsOfTest } from './support/hosts-of-test.ts';
import { ComplexityMeter, type Complexity } from '../../plugins/transcode/video/complexity.ts';
import { readFlv } from '../support/live-source.ts';

const CONTENT = {
  still: 'color=c=gray:s=640x360:r=30,drawgrid=w=40:h=40:c=white',
  moving: 'mandelbrot=s=640x360:r=30:start_scale=0.3,noise=alls=3:allf=t',
  noisy: 'testsrc2=s=640x360:r=30,noise=alls=20:allf=t+u',
} as const;

async function encode(content: keyof typeof CONTENT, args: string): Promise<ReturnType<typeof readFlv>> {
  const all = `-v error -f lavfi -i ${CONTENT[content]},trim=duration=4.2 -f lavfi -i sine=d=4.2 -c:v libx264 -preset veryfast ${args}
    -pix_fmt yuv420p -g 60 -keyint_min 60 -sc_threshold 0 -c:a aac -f flv -flvflags no_duration_filesize -`;
  const { stdout } = await promisify(execFile)('ffmpeg', all.split(/\s+/), { encoding: 'buffer', maxBuffer: 1 << 28 });
  return readFlv(stdout);
}

/** Frames at 30 a second. */
const units = (frames: readonly { data: Uint8Array; key: boolean }[]): AccessUnit[] =>
  frames.map(({ data, key }, i) => ({ dts: i * 3000, pts: i * 3000, duration: 3000, key, data, arrivedAt: 0 }));

function measure(caps: VideoCaps, frames: readonly AccessUnit[]): Complexity | undefined {
  const meter = new ComplexityMeter(caps);
  const told = frames.filter((unit) => meter.count(unit));
  expect(told.length).toBe(meter.found ? 1 : 0);
  return meter.found;
}
async function measured(content: keyof typeof CONTENT, args: string): Promise<Complexity> {
  const { video, pictures } = await encode(content, args);
  return measure(video, units(pictures))!;
}

const cbr = (rate: string): string => `-b:v ${rate} -maxrate ${rate} -bufsize ${rate}`;

describe('what content takes', () => {
  it('is told apart whatever the publisher was set to', { timeout: 60_000 }, async () => {
    const at = async (content: keyof typeof CONTENT): Promise<Complexity[]> =>
      Promise.all([measured(content, `${cbr('1500k')} -bf 2`), measured(content, `${cbr('800k')} -tune zerolatency`)]);
    const [still, moving, noisy] = [await at('still'), await at('moving'), await at('noisy')];
    // As little as is taken for true, whatever it had to spend; as much.
    expect(still.map(({ share }) => share)).toEqual([0.35, 0.35]);
    expect(noisy.map(({ share }) => share)).toEqual([1.8, 1.8]);
    for (const { share } of moving) expect(share).toBeGreaterThan(0.5);
    for (const { share } of moving) expect(share).toBeLessThan(1);
    const [rich, poor] = moving.map(({ share }) => share);
    expect(rich! / poor!).toBeGreaterThan(0.75);
    expect(rich! / poor!).toBeLessThan(1.33);
    // The publisher's rate alone would have told twice as much of one as of the other.
    expect(moving[0]!.bitrate / moving[1]!.bitrate).toBeGreaterThan(1.6);
  });

  it('reads quantisers as the encoder was told them: I, P and B, both entropy coders, weights, interlaced', async () => {
    for (const more of [
      '-profile:v baseline',
      '-bf 2 -x264-params weightp=2',
      '-x264-params cabac=0:bframes=2',
      '-flags +ildct+ilme',
      '-x264-params slices=4',
    ]) {
      const { video, pictures } = await encode('moving', `-qp 30 -x264-params ipratio=1:pbratio=1:aq-mode=0 ${more}`);
      const quantisers = new H264Quantisers(video.config);
      const found = new Set(pictures.map(({ data }) => quantisers.of(data)));
      // x264 counts I and B from P by ratios, which a second -x264-params takes back to their defaults: three steps at most.
      for (const quantiser of found) expect(Math.abs(quantiser! - 30), more).toBeLessThanOrEqual(3);
      expect(found.size).toBeGreaterThan(0);
    }
  });

  it('needs whole GOPs and two seconds, and begins anew where the timeline breaks', async () => {
    const { video, pictures } = await encode('moving', cbr('800k'));
    const frames = units(pictures);
    expect(measure(video, frames.slice(0, 120))).toBeUndefined();
    expect(measure(video, frames.slice(0, 121))).toBeDefined();
    expect(measure(video, frames.slice(1, 121))).toBeUndefined();
    const meter = new ComplexityMeter(video);
    for (const unit of frames.slice(0, 100)) meter.count(unit);
    meter.interrupted();
    for (const unit of frames.slice(0, 120)) expect(meter.count(unit)).toBe(false);
    expect(meter.count(frames[120]!)).toBe(true);
  });

  it('goes by the bit rate where a codec’s quantiser is not read, and survives what is damaged', () => {
    const caps: VideoCaps = {
      ...{ kind: 'video', codec: 'vp9', timescale: 90_000, width: 1280, height: 720, config: new Uint8Array() },
      ...{ codecString: 'vp09.00.10.08', frameRate: { num: 30, den: 1 } },
    };
    const frames = (bytes: number): AccessUnit[] =>
      units(Array.from({ length: 130 }, (_, i) => ({ data: new Uint8Array(bytes), key: i % 60 === 0 })));
    // 10 KB a frame: 2.4 Mbit/s, and VP9 does more with it.
    expect(measure(caps, frames(10_000))).toEqual({ share: 1.34, bitrate: 3_360_000, quantiser: undefined });
    expect(measure(caps, frames(1000))).toMatchObject({ share: 0.35 });
    const damaged = { ...caps, codec: 'h264' as const, codecString: 'avc1.42e01e', config: new Uint8Array(3) };
    expect(measure(damaged, frames(10_000))).toMatchObject({ bitrate: 2_400_000, quantiser: undefined });
  });
});

/** As the description of the API has it, and nothing besides. */
const validate = new Ajv({ strict: false }).compile(closed(ladders));
function closed(schema: unknown): object {
  if (typeof schema !== 'object' || schema === null) return schema as never;
  if (Array.isArray(schema)) return schema.map(closed);
  const inner = Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, closed(value)]));
  return 'properties' in inner ? { ...inner, additionalProperties: false } : inner;
}

interface Told {
  readonly tracks: readonly {
    readonly complexity?: Complexity;
    readonly running: boolean;
    readonly cpu: {
      readonly predicted: number;
      readonly measured?: number;
      readonly room: number;
      readonly ladders: number;
    };
    readonly rungs: readonly {
      readonly name: string;
      readonly bitrate?: number;
      readonly made: string;
      readonly cpu?: number;
    }[];
  }[];
}

const test = hostsOfTest();

it('a ladder of Eddy’s own has bit rates by it, and tells what it costs', { timeout: 60_000 }, async () => {
  const { video, pictures } = await encode('still', cbr('1500k'));
  const http = new FakeHttpServer();
  const config = { rungs: 'auto', passthrough: 'never', gop: '1s', preset: 'ultrafast' };
  const options = { config, ...test.inRealTime('1s', { http }) };
  const stage = test.keep(await harness<typeof manifest>(plugin, options));
  const tell = async () => {
    const answer = await http.request('/api/v1/cameras/cam/ladders/subject');
    return ((await answer.json()) as Told).tracks[0]!;
  };
  const writer = (await stage.camera('cam').publish()).video(video);
  let at = 0;
  /** So many seconds of the same pictures, and as many more. */
  const play = async (seconds: number): Promise<void> => {
    for (const end = at + seconds * 30; at < end; at++) {
      const { data, key } = pictures[at % 120]!;
      await writer.writeAll([{ dts: at * 3000, pts: at * 3000, duration: 3000, key, data, arrivedAt: Date.now() }]);
    }
  };
  await play(3);
  const before = await tell();
  expect(before.complexity).toBeUndefined();
  expect(before.rungs.map(({ name, bitrate }) => [name, bitrate])).toEqual([
    ['360p', usualBitrate(640, 360)],
    ['240p', usualBitrate(426, 240)],
  ]);
  while ((await tell()).cpu.measured === undefined) await play(4);
  const after = await tell();
  expect(after).toMatchObject({ running: true, complexity: { share: 0.35 } });
  for (const [index, { bitrate, made }] of after.rungs.entries()) {
    expect(made).toBe('encoded');
    expect(bitrate! / before.rungs[index]!.bitrate!).toBeLessThan(0.4);
  }
  expect(validate({ stage: 'subject', tracks: [before] }), JSON.stringify(validate.errors)).toBe(true);
  expect(validate({ stage: 'subject', tracks: [after] }), JSON.stringify(validate.errors)).toBe(true);
  const { predicted, measured, room, ladders } = after.cpu;
  expect(measured).toBeGreaterThan(0);
  expect(predicted).toBeGreaterThan(after.rungs[0]!.cpu! + after.rungs[1]!.cpu!);
  // Nobody else takes anything.
  expect(room).toBe(ladders);
  writer.end();
  await stage.out.out.until(() => stage.out.out.tracks('cam').every(({ ended }) => ended !== undefined), 20_000);
  expect(stage.reports).toEqual([]);
});
