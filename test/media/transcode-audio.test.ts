import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { harness, type Harness } from 'eddy/testing';
import type { AccessUnit } from 'eddy/plugin';
import { opusPacketDuration } from 'eddy/media';
import plugin, { type manifest } from '../../plugins/transcode/audio/plugin.ts';
import { isAlive } from '../contract/media-hosts.ts';
import {
  beeps,
  decode,
  frequencyOf,
  inMilliseconds,
  loudnessOf,
  makeAac,
  onsets,
  type Sound,
} from './support/audio.ts';
import { hostsOfTest } from './support/hosts-of-test.ts';
import { until } from './support/pattern.ts';

type Stage = Harness<typeof manifest>;

const test = hostsOfTest();

async function start(config: Readonly<Record<string, unknown>>, unwanted?: true): Promise<Stage> {
  const options = { config, ...test.inRealTime('500ms'), ...(unwanted && { unwanted }) };
  return test.keep(await harness<typeof manifest>(plugin, options));
}

/** What the stage makes of a sound, at so many times real time at most. */
async function transcode(stage: Stage, sound: Sound, camera = 'cam', speed = Infinity): Promise<Sound> {
  const feed = await stage.camera(camera).publish();
  const writer = feed.audio(sound.caps);
  for (let at = 0, step = speed === Infinity ? sound.units.length : 20; at < sound.units.length; at += step) {
    const units = sound.units.slice(at, at + step);
    await writer.writeAll(units);
    if (speed !== Infinity) await sleep((units.length * 1024 * 1000) / sound.caps.sampleRate / speed);
  }
  writer.end();
  await stage.out.out.until(() => stage.out.out.tracks(camera).some(({ ended }) => ended !== undefined), 15_000);
  feed.end();
  const [track] = stage.out.out.tracks(camera);
  expect(stage.out.out.discontinuities(camera)).toEqual([]);
  expect(stage.reports).toEqual([]);
  return { caps: track!.caps as Sound['caps'], units: [...track!.items] };
}

const steps = (units: readonly AccessUnit[]): number[] => units.slice(1).map(({ pts }, i) => pts - units[i]!.pts);

describe('transcode.audio', () => {
  it.each([
    ['48 kHz', (sound: Sound) => sound, 48_000],
    ['44.1 kHz in milliseconds, as RTMP has it', inMilliseconds, 44_100],
  ])('AAC to Opus to AAC: every beep where it was, within 2 ms: %s', async (_what, as, rate) => {
    const source = as(makeAac(beeps(12, [1, 6, 11], rate), { start: 100 * rate }));
    const heard = await onsets(source);
    const opus = await transcode(await start({ codec: 'opus' }), source);
    expect(opus.caps).toMatchObject({
      codec: 'opus',
      channels: 2,
      sampleRate: 48_000,
      timescale: 48_000,
      bitrate: 96_000,
    });
    expect(opus.units.every(({ data }) => opusPacketDuration(data) === 960)).toBe(true);
    expect(new Set(steps(opus.units))).toEqual(new Set([960]));
    const aac = await transcode(await start({ codec: 'aac' }), opus);
    expect(aac.caps).toMatchObject({ codec: 'aac', channels: 2, sampleRate: 48_000, codecString: 'mp4a.40.2' });
    expect(new Set(steps(aac.units))).toEqual(new Set([1024]));
    for (const sound of [opus, aac]) {
      const [first, last] = [sound.units[0]!, sound.units.at(-1)!];
      const ms = (unit: AccessUnit): number => (unit.pts / sound.caps.timescale) * 1000;
      const input = (unit: AccessUnit): number => (unit.pts / source.caps.timescale) * 1000;
      // The encoder's lead goes before the first sample, and what is left in it comes out.
      expect(ms(first) - input(source.units[0]!)).toBeGreaterThan(-30);
      expect(ms(first)).toBeLessThanOrEqual(input(source.units[0]!));
      expect(Math.abs(ms(last) - input(source.units.at(-1)!))).toBeLessThan(45);
      const again = await onsets(sound);
      expect(again).toHaveLength(3);
      again.forEach((at, i) => expect(Math.abs(at - heard[i]!)).toBeLessThan(2));
    }
  });

  it.each([
    ['AAC in mono', 'sine=frequency=440:sample_rate=44100:duration=3', { codec: 'opus' }, 1, 48_000],
    [
      '5.1',
      'sine=frequency=440:sample_rate=48000:duration=3,pan=5.1|c0=c0|c1=c0|c2=c0|c3=c0|c4=c0|c5=c0',
      { codec: 'opus' },
      2,
      48_000,
    ],
    [
      'to mono at another rate',
      'sine=frequency=440:sample_rate=48000:duration=3,pan=stereo|c0=c0|c1=c0',
      { codec: 'aac', channels: 1, 'sample-rate': 32_000 },
      1,
      32_000,
    ],
  ])('keeps a tone: %s', async (_what, graph, config, channels, rate) => {
    const sound = await transcode(await start(config), makeAac(graph));
    expect(sound.caps).toMatchObject({ channels, sampleRate: rate });
    const samples = await decode(sound);
    expect(frequencyOf(samples.subarray(rate / 2, (rate * 5) / 2), rate)).toBeCloseTo(440, 0);
  });

  it.each([
    ['quiet noise to AAC', 'anoisesrc=c=pink:a=0.15:r=48000:d=24', { codec: 'aac', loudness: '-16LUFS' }, -16],
    ['a loud tone to Opus', 'sine=f=440:r=44100:d=24,volume=16dB', { codec: 'opus', loudness: '-23LUFS' }, -23],
    [
      'mono noise to mono',
      'anoisesrc=c=brown:a=0.3:r=32000:d=24',
      { codec: 'aac', channels: 1, loudness: '-20 LUFS' },
      -20,
    ],
  ])('brings %s to its loudness', { timeout: 30_000 }, async (_what, graph, config, target) => {
    const source = makeAac(graph, { args: 'channels' in config ? [] : ['-ac', '2'] });
    expect(Math.abs((await loudnessOf(source, 8)) - target)).toBeGreaterThan(4);
    // What listens in the host is JavaScript: on a busy machine it needs more than no time.
    const made = await transcode(await start(config), source, 'cam', 6);
    // The first seconds tell how loud it is.
    expect(Math.abs((await loudnessOf(made, 14)) - target)).toBeLessThan(1);
    // As long as it was, to a frame of either codec.
    const seconds = ({ caps, units }: Sound): number => (units.at(-1)!.pts - units[0]!.pts) / caps.timescale;
    expect(Math.abs(seconds(made) - seconds(source))).toBeLessThan(0.06);
    expect(new Set(steps(made.units))).toEqual(new Set([config.codec === 'opus' ? 960 : 1024]));
  });

  it('moves no beep by its loudness', async () => {
    const source = makeAac(beeps(8, [1, 5, 7]), { start: 480_000 });
    const [before, after] = [
      await onsets(source),
      await onsets(await transcode(await start({ codec: 'opus', loudness: '-16LUFS' }), source)),
    ];
    expect(after).toHaveLength(3);
    after.forEach((at, i) => expect(Math.abs(at - before[i]!)).toBeLessThan(2));
  });

  it('is gapless over lost frames, and what follows is in its place', async () => {
    const whole = makeAac(beeps(8, [1, 5, 7]), { start: 480_000 });
    // Single ones, five in a row, and four in ten: lost between the beeps.
    const lossy = whole.units.filter(
      (_, i) => ![90, 100].includes(i) && !(i >= 120 && i < 125) && !(i > 150 && i < 190 && i % 10 < 4),
    );
    expect(whole.units.length - lossy.length).toBe(22);
    const opus = await transcode(await start({ codec: 'opus' }), { ...whole, units: lossy });
    expect(new Set(steps(opus.units))).toEqual(new Set([960]));
    const [before, after] = [await onsets(whole), await onsets(opus)];
    after.forEach((at, i) => expect(Math.abs(at - before[i]!)).toBeLessThan(2));
  });

  it('passes audio that has the codec through, untouched, without a host', async () => {
    const stage = await start({ codec: 'aac' });
    const source = makeAac('sine=duration=2', { args: ['-ac', '2'] });
    const made = await transcode(stage, source);
    expect(made.caps).toBe(source.caps);
    expect(made.units.every((unit, i) => unit === source.units[i])).toBe(true);
    expect(stage.out.out.tracks()[0]!.id).toBe('audio');
    expect(test.native.fake.gauges.size).toBe(0);
  });

  it('twenty cameras share two hosts, which end when nobody is left', { timeout: 40_000 }, async () => {
    const stage = await start({ codec: 'opus' }, true);
    const source = makeAac('sine=duration=8', { args: ['-ac', '2'] });
    const names = Array.from({ length: 20 }, (_, i) => `cam-${i}`);
    const feeds = await Promise.all(names.map((name) => stage.camera(name).publish()));
    const writers = feeds.map((feed) => feed.audio(source.caps));
    const hosts = (): number =>
      [...test.native.fake.gauges.keys()].filter((key) => key.startsWith('host_slots_used')).length;
    await Promise.all(writers.map((writer) => writer.writeAll(source.units.slice(0, 50))));
    expect(hosts()).toBe(0);
    stage.out.out.want(true);
    await Promise.all(writers.map((writer) => writer.writeAll(source.units.slice(50))));
    await until(() => names.every((name) => stage.out.out.items(name).length > 300), 'sound of all cameras');
    expect(
      [...test.native.fake.gauges.entries()]
        .filter(([key]) => key.startsWith('host_slots'))
        .map(([, n]) => n)
        .sort(),
    ).toEqual([16, 4]);
    // Everyone's is alike: none got another's sound.
    const first = stage.out.out.items(names[0]).slice(0, 300);
    for (const name of names) {
      const items = stage.out.out.items(name).slice(0, 300);
      expect(
        items.every(({ pts, data }, i) => pts === first[i]!.pts && Buffer.compare(data, first[i]!.data) === 0),
      ).toBe(true);
    }
    stage.out.out.want(false);
    await until(() => hosts() === 0, 'no host', 20_000);
  });
});

it('no host outlives the tests', () => {
  expect(test.native.pids().filter(isAlive)).toEqual([]);
});
