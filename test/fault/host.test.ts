import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { AudioCaps, VideoCaps } from 'eddy/plugin';
import { decodeBlockClock } from '../../core/media/block-clock.ts';
import { collect, isAlive } from '../contract/media-hosts.ts';
import { decodeVideo } from '../media/support/decode.ts';
import { startHosts, startPattern, until } from '../media/support/pattern.ts';

const ENCODER = 'x264enc tune=zerolatency speed-preset=ultrafast ! video/x-h264,stream-format=avc,alignment=au';
const SOURCE = `videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! ${ENCODER} ! {out:video}`;
const OUTPUTS = [{ name: 'video' }];

describe('a media host', () => {
  let native: ReturnType<typeof startHosts>;
  beforeEach(() => void (native = startHosts()));
  afterEach(async () => native.stop());

  it('that is killed is told at once, its neighbour goes on', async () => {
    const [victim, neighbour] = await Promise.all([
      native.hosts.launch({ label: 'victim', launch: SOURCE, outputs: OUTPUTS }),
      native.hosts.launch({ label: 'neighbour', launch: SOURCE, outputs: OUTPUTS }),
    ]);
    const [first, second] = [collect(victim), collect(neighbour)];
    await Promise.all([first.count(5), second.count(5)]);
    const killed = performance.now();
    process.kill(victim.pid, 'SIGKILL');
    expect(await victim.ended).toMatchObject({ cause: 'crashed', code: 'native.gstreamer/HOST_CRASHED' });
    expect(performance.now() - killed).toBeLessThan(1000);
    await expect(victim.forceKeyFrame()).rejects.toMatchObject({ code: 'PROCESS_DIED' });
    await second.count(second.frames.length + 10);
    const steps = second.frames.slice(1).map(({ unit }, i) => unit.dts - second.frames[i]!.unit.dts);
    expect(Math.max(...steps)).toBeLessThanOrEqual(9000);
    expect(native.fake.gauges.has('host_resident_bytes{"host":"victim"}')).toBe(false);
    expect(native.fake.gauges.get('host_resident_bytes{"host":"neighbour"}')).toBeGreaterThan(2 ** 24);
  });

  it('that crashes in native code leaves its last words', async () => {
    const host = await native.hosts.launch({ label: 'crash', launch: SOURCE, outputs: OUTPUTS });
    await collect(host).count(2);
    process.kill(host.pid, 'SIGSEGV');
    expect(await host.ended).toMatchObject({ cause: 'crashed', message: expect.stringContaining('SIGSEGV') });
  });

  it('that is stopped is found by its silence and killed', async () => {
    const host = await native.hosts.launch({ label: 'hang', launch: SOURCE, outputs: OUTPUTS, stallTimeout: 600 });
    await collect(host).count(2);
    process.kill(host.pid, 'SIGSTOP');
    expect(await host.ended).toMatchObject({ cause: 'stalled', code: 'native.gstreamer/HOST_STALLED' });
    expect(isAlive(host.pid)).toBe(false);
  });

  it('whose encoder gives nothing is stalled, though its process is well', async () => {
    const launch = `videotestsrc is-live=true ! video/x-raw,format=I420,width=320,height=180,framerate=30/1 ! valve drop=true ! ${ENCODER} ! {out:video}`;
    const host = await native.hosts.launch({ label: 'dry', launch, outputs: OUTPUTS, stallTimeout: 600 });
    host.onFrame(() => undefined);
    expect(await host.ended).toMatchObject({ cause: 'stalled', message: 'no frame came out for 600 ms' });
  });

  it('that waits for input, or for its consumer, is not stalled', async () => {
    const caps = {
      kind: 'audio',
      codec: 'aac',
      timescale: 48_000,
      sampleRate: 48_000,
      channels: 2,
      codecString: 'mp4a.40.2',
      config: Uint8Array.of(0x11, 0x90),
    } satisfies AudioCaps;
    const idle = await native.hosts.launch({
      label: 'idle',
      launch: '{in:audio} ! avdec_aac ! audioconvert ! audioresample ! opusenc ! {out:audio}',
      inputs: [{ name: 'audio', caps }],
      outputs: [{ name: 'audio' }],
      stallTimeout: 300,
    });
    idle.onFrame(() => undefined);
    const busy = await native.hosts.launch({ label: 'busy', launch: SOURCE, outputs: OUTPUTS, stallTimeout: 300 });
    let release: () => void = () => undefined;
    let frames = 0;
    busy.onFrame(() => (frames++ === 0 ? new Promise<void>((resolve) => void (release = resolve)) : undefined));
    await sleep(1500);
    expect([isAlive(idle.pid), isAlive(busy.pid), frames]).toEqual([true, true, 1]);
    release();
    await until(() => frames > 20, 'the held frames');
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('a bad consumer');
      },
    ],
    ['rejects', () => Promise.reject(new Error('a bad consumer'))],
  ])('whose consumer %s ends, and nothing else does', async (_what, listener) => {
    const host = await native.hosts.launch({ label: 'bad', launch: SOURCE, outputs: OUTPUTS });
    host.onFrame(listener);
    expect(await host.ended).toMatchObject({ cause: 'error', message: expect.stringContaining('a bad consumer') });
  });

  it('closes within its deadline though its consumer never finishes', async () => {
    const host = await native.hosts.launch({ label: 'stuck', launch: SOURCE, outputs: OUTPUTS });
    host.onFrame(() => new Promise(() => {}));
    await sleep(500);
    const began = performance.now();
    await host.close(100);
    expect(performance.now() - began).toBeLessThan(6000);
    expect(isAlive(host.pid)).toBe(false);
  });

  it('that is fed poison dies alone, and the next one works', async () => {
    const caps: VideoCaps = {
      kind: 'video',
      codec: 'h264',
      timescale: 90_000,
      width: 320,
      height: 180,
      codecString: 'avc1.42c00d',
      config: Uint8Array.from({ length: 40 }, (_, i) => (i * 37) & 255),
    };
    const launch = `{in:video} ! h264parse ! avdec_h264 ! ${ENCODER} ! {out:video}`;
    const host = await native.hosts.launch({
      label: 'poison',
      launch,
      inputs: [{ name: 'video', caps }],
      outputs: OUTPUTS,
      stallTimeout: 1000,
    });
    host.onFrame(() => undefined);
    for (let i = 0; i < 200; i++) {
      const data = Uint8Array.from({ length: 500 }, (_, at) => (at * i * 31) & 255);
      if (!host.write('video', { dts: i * 3000, pts: i * 3000, key: i === 0, data, arrivedAt: 0 }))
        await host.drained('video');
    }
    expect(['error', 'stalled', 'crashed']).toContain((await host.ended).cause);
    const next = await native.hosts.launch({ label: 'next', launch: SOURCE, outputs: OUTPUTS });
    await collect(next).count(3);
  });

  it('that comes and goes many times leaves no descriptor behind', async () => {
    const open = (): number => readdirSync('/proc/self/fd').length;
    const cycle = async (): Promise<void> => {
      const host = await native.hosts.launch({ label: 'cycle', launch: SOURCE, outputs: OUTPUTS });
      await collect(host).count(1);
      await host.close(0);
    };
    await cycle();
    const before = open();
    for (let i = 0; i < 5; i++) await cycle();
    expect(open()).toBeLessThanOrEqual(before);
  });
});

describe('the test pattern', () => {
  let camera: ReturnType<typeof startPattern>;
  afterEach(async () => camera.stop());

  it('goes on within 2 s after SIGKILL of its host: same tracks, a discontinuity, a key frame, the right time', async () => {
    camera = startPattern();
    const video = await camera.units('video', 20);
    const audio = await camera.units('audio', 20);
    process.kill(camera.native.pids()[0]!, 'SIGKILL');
    const killed = Date.now();
    await until(() => video.breaks.length > 0 && audio.breaks.length > 0, 'a discontinuity', 5000);
    const { at } = video.breaks[0]!;
    expect(video.units[at]!.arrivedAt - killed).toBeLessThan(2000);
    expect(video.units[at]!.key).toBe(true);
    expect(video.breaks).toEqual([{ at, cause: 'restarted' }]);
    expect(audio.breaks).toEqual([{ at: audio.breaks[0]!.at, cause: 'restarted' }]);
    await camera.units('video', at + 10);
    expect(camera.publication()!.tracks).toHaveLength(2);
    expect(camera.fake.publications).toHaveLength(1);
    expect(camera.native.pids().filter(isAlive)).toHaveLength(1);

    // One line of time through the gap: what the picture shows and what its timestamp says still agree.
    const caps = video.caps as VideoCaps;
    const [before] = await decodeVideo(caps, video.units.slice(0, 1));
    const [after] = await decodeVideo(caps, video.units.slice(at, at + 1));
    const [shown, passed] = [
      decodeBlockClock({ width: 640, data: after!.luma }, 1)!.epochMs -
        decodeBlockClock({ width: 640, data: before!.luma }, 1)!.epochMs,
      (after!.pts - before!.pts) * 1000,
    ];
    expect(Math.abs(shown - passed)).toBeLessThanOrEqual(1);
  });

  it('comes back after each of several kills, within one publication', async () => {
    camera = startPattern({ tone: false });
    for (let kill = 0; kill < 3; kill++) {
      await until(() => camera.native.pids().length === kill + 1, 'a host');
      process.kill(camera.native.pids()[kill]!, 'SIGKILL');
    }
    await until(() => camera.native.pids().length === 4, 'a fourth host');
    const video = await camera.units('video', 5);
    expect(video.units.length).toBeGreaterThanOrEqual(5);
    expect(camera.fake.publications).toHaveLength(1);
    expect(camera.fake.failures).toEqual([]);
  });

  it('does not grow while a consumer that blocks takes nothing', async () => {
    // Key frames alone fill the pipe in no time: then the launch itself is held back.
    camera = startPattern({ gop: '100ms', fps: 10, bitrate: '50Mbps', width: 1280, height: 720, tone: false });
    const video = await camera.units('video', 5);
    const [pid] = camera.native.pids();
    await camera.units('video', 20);
    const rss = (): number => Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))![1]) / 1024;
    const before = rss();
    const release = camera.publication()!.block();
    const { length } = video.units;
    await sleep(8000);
    expect(video.units.length).toBeLessThanOrEqual(length + 1);
    // Eight seconds of raw pictures are 110 MB; the launch keeps one second of them at most.
    expect(rss() - before).toBeLessThan(35);
    release();
    await camera.units('video', length + 30);
    expect(isAlive(pid!)).toBe(true);
  });
});
