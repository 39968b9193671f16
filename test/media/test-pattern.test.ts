import { afterEach, describe, expect, it } from 'vitest';
import { EddyError, type AudioCaps, type VideoCaps } from 'eddy/plugin';
import { decodeBlockClock } from '../../core/media/block-clock.ts';
import { isAlive } from '../contract/media-hosts.ts';
import { atLevel } from '../level.ts';
import { decodeAudio, decodeVideo } from './support/decode.ts';
import { startPattern, until } from './support/pattern.ts';

let camera: ReturnType<typeof startPattern> | undefined;
const start = (config: Readonly<Record<string, unknown>> = {}) => (camera = startPattern(config));

afterEach(async () => {
  await camera?.stop();
  camera = undefined;
});

describe('the test pattern', () => {
  it('is a camera in real time whose pictures tell when they were made', async () => {
    const pattern = start({ gop: '500ms' });
    const video = await pattern.units('video', 75);
    const audio = await pattern.units('audio', 100);
    await pattern.stop();
    expect(pattern.publication()!.request).toEqual({
      cameraId: 'demo',
      credentials: {},
      peer: { address: '127.0.0.1', protocol: 'internal' },
    });
    expect(video.caps).toMatchObject({
      codec: 'h264',
      width: 640,
      height: 360,
      bFrames: false,
      codecString: 'avc1.42c01e',
    });
    expect(audio.caps).toMatchObject({ codec: 'aac', sampleRate: 48_000, channels: 2, codecString: 'mp4a.40.2' });

    const units = video.units.slice(0, 75);
    expect(units.map(({ key }) => key)).toEqual(units.map((_, i) => i % 15 === 0));
    expect(units.every(({ pts, dts }) => pts === dts)).toBe(true);
    const pictures = await decodeVideo(video.caps as VideoCaps, units);
    const clocks = pictures.map(({ luma }) => decodeBlockClock({ width: 640, data: luma }, 1)!);
    expect(clocks.every((clock) => clock !== undefined)).toBe(true);
    // The picture's clock, its timestamp and its counter tell the same story: nothing was lost or shown twice.
    const zero = clocks[0]!.epochMs - pictures[0]!.pts * 1000;
    for (const [i, { pts }] of pictures.entries()) {
      expect(Math.abs(clocks[i]!.epochMs - (zero + pts * 1000))).toBeLessThanOrEqual(1);
      expect(clocks[i]!.counter).toBe((clocks[0]!.counter + Math.round((pts - pictures[0]!.pts) * 30)) % 1024);
    }
    // Never before its time; soon after it as a rule (the machine may be busy for a moment).
    const ages = units.map(({ arrivedAt }, i) => arrivedAt - clocks[i]!.epochMs).sort((a, b) => a - b);
    expect(ages[0]).toBeGreaterThanOrEqual(-1);
    expect(ages[37]).toBeLessThan(100);
    const seconds = (track: typeof video): number =>
      (track.units.at(-1)!.pts - track.units[0]!.pts) / (track.caps as VideoCaps).timescale;
    expect(Math.abs(seconds(video) - seconds(audio))).toBeLessThan(0.2);
  });

  it('flashes and beeps at one moment, on the full second of server time', async () => {
    const flashes = atLevel({ test: 3, proof: 20 });
    const pattern = start({ flash: '1s' });
    const video = await pattern.units('video', 30 * (flashes + 1));
    const audio = await pattern.units('audio', 47 * (flashes + 1));
    await pattern.stop();
    const pictures = await decodeVideo(video.caps as VideoCaps, video.units);
    const bright = pictures.map(
      ({ luma }) => luma.subarray(640 * 60, 640 * 200).reduce((a, b) => a + b, 0) / (640 * 140) > 200,
    );
    const flashed = pictures.filter((_, i) => bright[i] && bright[i - 1] === false);
    const samples = await decodeAudio(audio.caps as AudioCaps, audio.units);
    const beeps: number[] = [];
    let quiet = 0;
    for (const [i, sample] of samples.entries()) {
      if (Math.abs(sample) < 3000) quiet++;
      else {
        if (quiet > 4800) beeps.push((audio.units[0]!.pts + i) / 48_000);
        quiet = 0;
      }
    }
    // The pictures and the sounds collected do not end at one moment: a last flash may be beyond the last sound.
    const heardUntil = (audio.units[0]!.pts + samples.length) / 48_000;
    const heard = flashed.filter(({ pts }) => pts + 0.1 < heardUntil);
    expect(heard.length).toBeGreaterThanOrEqual(flashes - 1);
    for (const { pts, luma } of heard) {
      const beep = beeps.find((at) => Math.abs(at - pts) < 0.3);
      expect(Math.abs((beep ?? Infinity) - pts)).toBeLessThan(0.005);
      expect(decodeBlockClock({ width: 640, data: luma }, 1)!.epochMs % 1000).toBeLessThan(34);
    }
  });

  it('can have B-frames and be without sound', async () => {
    const pattern = start({ 'b-frames': 2, fps: 25, gop: '1s', tone: false, camera: 'b' });
    const video = await pattern.units('video', 60);
    await pattern.stop();
    expect(pattern.track('audio')).toBeUndefined();
    expect(video.caps).toMatchObject({ bFrames: true, codecString: 'avc1.4d401e' });
    const { units } = video;
    expect(units[0]!.dts).toBeGreaterThan(0);
    expect(units.slice(1).every(({ dts }, i) => dts > units[i]!.dts)).toBe(true);
    expect(units.filter(({ pts, dts }) => pts - dts > 3600).length).toBeGreaterThan(10);
    // Closed GOPs: no picture after a key frame in decode order is shown before it.
    for (const [i, key] of units.entries()) {
      if (key.key) expect(units.slice(i + 1).every(({ pts }) => pts > key.pts)).toBe(true);
    }
    const pictures = await decodeVideo(video.caps as VideoCaps, units.slice(0, 51));
    const clocks = pictures.map(({ luma }) => decodeBlockClock({ width: 640, data: luma }, 1)!.epochMs);
    expect(clocks.slice(1).every((at, i) => at - clocks[i]! === 40)).toBe(true);
  });

  it('makes a key frame when a consumer asks', async () => {
    const pattern = start({ gop: '60s', tone: false });
    const video = await pattern.units('video', 5);
    const before = video.units.length;
    video.askForKeyFrame();
    await until(() => video.units.slice(before).some(({ key }) => key), 'a key frame');
  });
});

describe('its publication', () => {
  it('works only while somebody wants the media', async () => {
    const pattern = start({ tone: false });
    const video = await pattern.units('video', 5);
    const [pid] = pattern.native.pids();
    pattern.publication()!.want(false);
    await until(() => !isAlive(pid!), 'the host has gone');
    const { length } = video.units;
    pattern.publication()!.want(true);
    await pattern.units('video', length + 5);
    expect(pattern.native.pids()).toHaveLength(2);
    expect(video.breaks).toEqual([{ at: length, cause: 'restarted' }]);
    expect(video.units[length]!.key).toBe(true);
    expect(video.units[length]!.dts - video.units[length - 1]!.dts).toBeGreaterThan(90_000 * 0.1);
  });

  it('is asked for again where it was refused, and left alone where another took its place', async () => {
    const pattern = startPattern({ tone: false });
    camera = pattern;
    await pattern.units('video', 3);
    pattern.fake.refuse = new EddyError('PUBLISH_CONFLICT', 'taken');
    pattern.publication()!.abort.abort(new EddyError('PUBLISH_REFUSED', 'revoked'));
    await until(() => pattern.fake.publications.length === 2, 'a second publication');
    expect(pattern.fake.publications[0]!.ended).toBe('publisher-ended');
    await pattern.units('video', 3);
    pattern.publication()!.abort.abort(new EddyError('PUBLISH_REPLACED', 'another one'));
    await until(() => !pattern.native.pids().some(isAlive), 'no host');
    await new Promise((resolve) => void setTimeout(resolve, 1500));
    expect(pattern.fake.publications).toHaveLength(2);
  });

  it('ends with the stage, which may be stopped at any moment', async () => {
    for (const delay of [0, 30, 200]) {
      const pattern = start();
      await new Promise((resolve) => void setTimeout(resolve, delay));
      await Promise.all([pattern.stage.stop?.(), pattern.stage.stop?.()]);
      expect(pattern.publication()?.ended ?? 'stopped').toBe('stopped');
      await pattern.stop();
      expect(pattern.native.pids().filter(isAlive)).toEqual([]);
    }
  });
});
