import { afterEach, describe, expect, it } from 'vitest';
import {
  conformance,
  configOf,
  FakeMediaHosts,
  harness,
  syntheticAudio,
  type FakeMediaHost,
  type Harness,
} from 'eddy/testing';
import type { AccessUnit, AudioCaps } from 'eddy/plugin';
import { audioCapsFromConfig, buildAacConfig, buildOpusHead } from 'eddy/media';
import plugin, { manifest } from '../../../plugins/transcode/audio/plugin.ts';
import { planFor, type Config } from '../../../plugins/transcode/audio/plan.ts';
import { nameByCodec } from '../../../plugins/transcode/shared/track-name.ts';
import { Restarts } from '../../../plugins/transcode/shared/restarts.ts';

type Stage = Harness<typeof manifest>;

const OPUS = audioCapsFromConfig(
  'opus',
  buildOpusHead({
    channels: 2,
    preSkip: 312,
    inputRate: 48_000,
    gain: 0,
    mappingFamily: 0,
    mapping: new Uint8Array(0),
  }),
);
const config = (written: Readonly<Record<string, unknown>> = {}): Config => configOf(plugin, written) as Config;

/** Answers each frame that comes in with one of 20 ms, as opusenc counts them: the first is short by the pre-skip. */
function encode(host: FakeMediaHost): void {
  let made = 0;
  let start = 0;
  const rate = host.launch.inputs![0]!.caps.timescale;
  host.onWrite((_input, unit) => {
    const [from, to] = [unit.pts, unit.pts + 1024].map((ticks) => (ticks * 48_000) / rate);
    if (made === 0) start = from!;
    for (; start + (made + 1) * 960 <= to!; made++) {
      const pts = start + Math.max(0, made * 960 - 312);
      void host.emit('out', OPUS, { ...unit, pts, dts: pts, duration: 960, data: Uint8Array.of(0xfc, made & 255) });
    }
  });
}

/** Hosts that encode. */
function encoders(): FakeMediaHosts {
  const hosts = new FakeMediaHosts();
  hosts.script(encode);
  return hosts;
}

describe.each([
  ['as it passes through', { codec: 'aac' }],
  ['as it transcodes', { codec: 'opus' }],
])('transcode.audio conforms %s', (_what, written) => {
  for (const check of conformance(plugin, { config: written, services: () => ({ hosts: encoders() }) })) {
    it(check.name, check.run);
  }
});

describe('transcode.audio', () => {
  let stage: Stage;
  afterEach(async () => stage.close());
  const source = syntheticAudio({ startMs: 5000 });

  async function start(written: Readonly<Record<string, unknown>> = {}, unwanted?: true): Promise<FakeMediaHosts> {
    const hosts = encoders();
    const block = { full: 'block' as const };
    stage = await harness<typeof manifest>(plugin, {
      config: written,
      services: { hosts },
      links: { in: block, out: block },
      ...(unwanted && { unwanted }),
    });
    return hosts;
  }

  it('takes a slot while somebody wants the sound, and a little longer', async () => {
    const hosts = await start({}, true);
    const writer = (await stage.camera('cam').publish()).audio(source.caps);
    // Known before it is wanted, so that viewers are offered it.
    expect(stage.out.out.tracks()).toMatchObject([{ id: 'audio-opus', caps: { codec: 'opus', channels: 2 } }]);
    await writer.writeAll(source.frames(50));
    expect(hosts.hosts).toHaveLength(0);
    stage.out.out.want(true);
    await writer.writeAll(source.frames(50, 50));
    expect(hosts.running).toHaveLength(1);
    stage.out.out.want(false);
    await stage.advance(2000);
    stage.out.out.want(true);
    await stage.advance(5000);
    await writer.writeAll(source.frames(50, 400));
    expect(hosts.hosts).toHaveLength(1);
    expect(hosts.hosts[0]!.launch).toMatchObject({ share: 'audio', label: 'subject cam audio' });
    stage.out.out.want(false);
    await stage.advance(3000);
    expect(hosts.running).toHaveLength(0);
    stage.out.out.want(true);
    await writer.writeAll(source.frames(50, 800));
    expect(hosts.running).toHaveLength(1);
    expect(stage.out.out.tracks()).toHaveLength(1);
    const times = stage.out.out.items().map(({ pts }) => pts);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    // Where each stretch begins, as the source counts.
    for (const index of [50, 800]) expect(times).toContain(source.frame(index).pts - 312);
    expect(times.find((pts) => pts >= source.frame(400).pts)! - source.frame(400).pts).toBeLessThan(960);
  });

  it('goes on in a new slot after a crash, in time, and says so', async () => {
    const hosts = await start();
    const writer = (await stage.camera('cam').publish()).audio(source.caps);
    await writer.writeAll(source.frames(100));
    hosts.hosts[0]!.end({ cause: 'crashed', code: 'native.gstreamer/HOST_CRASHED', message: 'it was killed' });
    await stage.settle();
    await writer.writeAll(source.frames(5, 100));
    expect(hosts.hosts).toHaveLength(1);
    await stage.advance(100);
    await writer.writeAll(source.frames(50, 105));
    expect(hosts.hosts).toHaveLength(2);
    expect(stage.out.out.discontinuities()).toEqual(['restarted']);
    expect(stage.reports).toMatchObject([{ code: 'transcode.audio/RESTARTED', cameraId: 'cam' }]);
    const events = stage.out.out.events();
    const next = events[events.findIndex(({ type }) => type === 'discontinuity') + 1];
    expect(next).toMatchObject({ type: 'item', item: { pts: source.frame(105).pts - 312 } });
    expect(await stage.metric('transcode_audio_lost_total', { reason: 'restarting' })).toBe(5);
    expect(await stage.metric('transcode_audio_starts_total')).toBe(2);
  });

  it('does not loop over poison: ever more seldom, and the input is named', async () => {
    const hosts = await start();
    hosts.script((host) => host.onWrite(() => host.end({ cause: 'crashed', message: 'poison' })));
    const writer = (await stage.camera('cam').publish()).audio(source.caps);
    for (let i = 0; i < 6000; i++) {
      await writer.writeAll([source.frame(i)]);
      await stage.advance(20);
    }
    // Two minutes: 0.1, 0.2, 0.4 ... 30 s.
    expect(hosts.hosts.length).toBeGreaterThan(8);
    expect(hosts.hosts.length).toBeLessThan(16);
    expect(stage.reports.map(({ code }) => code)).toEqual([
      'transcode.audio/RESTARTED',
      'transcode.audio/INPUT_UNDECODABLE',
    ]);
  });

  it('lets no more than a second be inside, and starts anew what does not come out', async () => {
    const hosts = await start();
    const held: (() => void)[] = [];
    hosts.script((host) => host.onWrite((_input, unit) => void held.push(() => void host.emit('out', OPUS, unit))));
    const writer = (await stage.camera('cam').publish()).audio(source.caps);
    for (const unit of source.frames(80)) writer.write(unit);
    await stage.settle();
    expect(held).toHaveLength(47);
    held.slice(0, 30).forEach((emit) => emit());
    await stage.settle();
    // Goes on when half a second is inside, up to one again.
    expect(held.length).toBeGreaterThanOrEqual(24 + 47);
    expect(held.length).toBeLessThanOrEqual(30 + 47);
    // Looked at every four seconds, and told where nothing came in between.
    await stage.advance(8500);
    expect(hosts.running).toHaveLength(0);
    expect(stage.reports).toMatchObject([{ code: 'transcode.audio/RESTARTED' }]);
    expect(stage.out.out.items()).toHaveLength(30);
    await stage.advance(1000);
    writer.write(source.frame(300));
    await stage.settle();
    expect(hosts.running).toHaveLength(1);
  });

  it('tells why it cannot start, and starts when it can', async () => {
    const hosts = await start();
    hosts.missing.add('opusenc');
    const writer = (await stage.camera('cam').publish()).audio(source.caps);
    await writer.writeAll(source.frames(10));
    expect(stage.reports).toMatchObject([
      { code: 'transcode.audio/NOT_STARTED', message: expect.stringContaining('ELEMENT_MISSING') },
    ]);
    hosts.missing.clear();
    await stage.advance(1000);
    await writer.writeAll(source.frames(100, 50));
    expect(stage.out.out.items().length).toBeGreaterThan(50);
  });

  it('keeps its track over a change of caps that makes no difference to its readers', async () => {
    const hosts = await start();
    const feed = await stage.camera('cam').publish();
    const first = feed.audio(source.caps);
    await first.writeAll(source.frames(50));
    const other = syntheticAudio({ sampleRate: 44_100, startMs: 7000 });
    const second = feed.out.in.addTrack('audio', other.caps, { replaces: first });
    await stage.settle();
    for (const unit of other.frames(50)) second.write(unit);
    await stage.settle();
    expect(hosts.hosts).toHaveLength(2);
    expect(hosts.running).toHaveLength(1);
    expect(stage.out.out.tracks()).toHaveLength(1);
    expect(stage.out.out.discontinuities()).toEqual(['caps-changed']);
    expect(stage.out.out.items().length).toBeGreaterThan(90);
  });

  it('replaces its track where they do see one, between transcoding and passing through too', async () => {
    await start();
    const feed = await stage.camera('cam').publish();
    const first = feed.audio(source.caps);
    await first.writeAll(source.frames(50));
    const opus = syntheticAudio({ codec: 'opus', startMs: 7000 });
    const second = feed.out.in.addTrack('audio', opus.caps, { replaces: first });
    for (const unit of opus.frames(50)) second.write(unit);
    await stage.settle();
    expect(stage.out.out.tracks().map(({ id, replaces, ended }) => [id, replaces, ended])).toEqual([
      ['audio-opus', undefined, 'replaced'],
      ['audio', 'audio-opus', undefined],
    ]);
    second.end();
    await stage.settle();
    expect(stage.out.out.tracks()[1]!.ended).toBe('publisher-ended');
  });

  it('leaves a track alone whose configuration nobody can read', async () => {
    const hosts = await start();
    const feed = await stage.camera('cam').publish();
    const bad = feed.audio({ ...source.caps, config: Uint8Array.of(0xff) });
    await bad.writeAll(source.frames(10));
    expect(stage.reports).toMatchObject([{ code: 'transcode.audio/INPUT_UNDECODABLE' }]);
    expect(hosts.hosts).toHaveLength(0);
  });

  it('passes on gaps and breaks in their place', async () => {
    await start();
    const writer = (await stage.camera('cam').publish()).audio(source.caps);
    await writer.writeAll(source.frames(30));
    writer.gap(1000, 2000, 'dropped');
    writer.discontinuity('source-signalled');
    await writer.writeAll(source.frames(30, 500));
    const events = stage.out.out.events();
    const at = events.findIndex(({ type }) => type === 'gap');
    expect(events.slice(at, at + 2)).toEqual([
      { type: 'gap', from: 1000, to: 2000, cause: 'dropped' },
      { type: 'discontinuity', cause: 'source-signalled' },
    ]);
    const next = events[at + 2] as { item: AccessUnit };
    expect(next.item.pts - source.frame(500).pts).toBeGreaterThanOrEqual(0);
    expect(next.item.pts - source.frame(500).pts).toBeLessThan(960);
  });
});

describe('the plan', () => {
  it.each([
    [
      'AAC for Opus',
      {},
      { codec: 'opus', bitrate: 96_000, channels: 2 },
      'rate=48000,channels=2 ! opusenc bitrate=96000',
    ],
    [
      'what is asked for',
      { codec: 'aac', bitrate: '40kbps', channels: 1, 'sample-rate': 32_000 },
      { codec: 'aac', channels: 1, sampleRate: 32_000 },
      'rate=32000,channels=1 ! avenc_aac bitrate=40000',
    ],
  ])('%s', (_what, written, caps, launch) => {
    const plan = planFor(config(written), syntheticAudio().caps);
    expect(plan.caps).toMatchObject(caps);
    expect(plan.launch.launch).toContain(launch);
  });

  it('sees the stereo and the rate behind HE-AAC v2, and mixes no more than two channels', () => {
    const heaac = audioCapsFromConfig('aac', Uint8Array.of(0xeb, 0x09, 0x88, 0x00));
    expect(heaac).toMatchObject({ channels: 1, sampleRate: 24_000 });
    expect(planFor(config({ codec: 'aac', passthrough: false }), heaac).caps).toMatchObject({
      channels: 2,
      sampleRate: 48_000,
    });
    const surround = audioCapsFromConfig('aac', buildAacConfig({ sampleRate: 48_000, channels: 6 }));
    expect(planFor(config(), surround).caps.channels).toBe(2);
  });

  it('lets a decoder throw away nothing of Opus', () => {
    const input = planFor(config({ codec: 'aac' }), OPUS).launch.inputs![0]!.caps as AudioCaps;
    expect([...input.config.subarray(2, 4)]).toEqual([0, 0]);
  });

  it('refuses a rate that the codec does not have', () => {
    const check = manifest.check as (config: unknown) => unknown;
    expect(check({ codec: 'opus', 'sample-rate': 44_100 })).toMatchObject([
      { code: 'OPTION_MISFIT', key: 'sample-rate' },
    ]);
    expect(check({ codec: 'aac', 'sample-rate': 44_100 })).toEqual([]);
  });
});

it('names tracks by their codec, each once', () => {
  expect(nameByCodec('audio', 'opus', () => false)).toBe('audio-opus');
  expect(nameByCodec('audio-opus', 'aac', () => false)).toBe('audio-aac');
  expect(nameByCodec('audio-opus', 'aac', (id) => id === 'audio-aac')).toBe('audio-opus-aac');
  expect(nameByCodec('audio', 'aac', (id) => id === 'audio-aac')).toBe('audio-aac-2');
});

it('starts again at once after a good while, and ever later after failures to no purpose', () => {
  let now = 0;
  const restarts = new Restarts(
    () => now,
    () => 0,
  );
  const fail = (fruitful: boolean, after: number): number => {
    restarts.started();
    now += after;
    restarts.failed(fruitful);
    const from = now;
    while (restarts.waiting) now += 50;
    return now - from;
  };
  expect([fail(false, 2000), fail(false, 2000), fail(false, 2000)]).toEqual([100, 200, 400]);
  expect(restarts.fruitless).toBe(3);
  expect(fail(true, 60_000)).toBe(0);
  expect(restarts.fruitless).toBe(0);
  expect(fail(false, 60_000)).toBe(100);
});
