import { afterAll, describe, expect, it } from 'vitest';
import type { AudioCaps, HostFrame, VideoCaps } from 'eddy/plugin';
import { opusPacketDuration } from 'eddy/media';
import { collect } from '../contract/media-hosts.ts';
import { decodeVideo } from './support/decode.ts';
import { startHosts } from './support/pattern.ts';

const native = startHosts();
afterAll(async () => native.stop());

async function run(launch: string, outputs: readonly string[]): Promise<HostFrame[]> {
  const host = await native.hosts.launch({ label: 'make', launch, outputs: outputs.map((name) => ({ name })) });
  const { frames } = collect(host);
  expect(await host.ended).toEqual({ cause: 'eos' });
  return frames;
}

describe('codecs out of a host', () => {
  const raw = 'videotestsrc num-buffers=12 ! video/x-raw,format=I420,width=320,height=180,framerate=25/1';

  it.each([
    ['avc', 'stream-format=avc,alignment=au'],
    ['byte-stream', 'stream-format=byte-stream,alignment=au'],
  ])('H.264 as %s decodes whole', async (_what, format) => {
    const frames = await run(
      `${raw} ! x264enc bframes=2 b-adapt=false key-int-max=6 ! video/x-h264,${format} ! {out:v}`,
      ['v'],
    );
    const caps = frames[0]!.caps as VideoCaps;
    expect(caps).toMatchObject({ codec: 'h264', width: 320, height: 180, bFrames: true });
    expect(frames.filter(({ unit }) => unit.key)).toHaveLength(2);
    expect(frames.every(({ unit }, i) => i === 0 || unit.dts > frames[i - 1]!.unit.dts)).toBe(true);
    const pictures = await decodeVideo(
      caps,
      frames.map(({ unit }) => unit),
    );
    expect(pictures.map(({ pts }) => Math.round(pts * 25) / 25)).toEqual(Array.from({ length: 12 }, (_, i) => i / 25));
  });

  it('two outputs of one launch come on two pipes', async () => {
    const audio = 'audiotestsrc num-buffers=30 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2';
    const frames = await run(
      `${raw} ! x264enc tune=zerolatency ! video/x-h264,stream-format=avc ! {out:v} ${audio} ! avenc_aac ! {out:a}`,
      ['v', 'a'],
    );
    expect(frames.filter(({ output }) => output === 'v')).toHaveLength(12);
    const sound = frames.filter(({ output }) => output === 'a');
    expect(sound[0]!.caps).toMatchObject({ kind: 'audio', codec: 'aac', timescale: 48_000 });
    expect(sound.slice(1).every(({ unit }, i) => unit.pts - sound[i]!.unit.pts === 1024 && unit.key)).toBe(true);
  });

  it('AAC goes in and Opus comes out, in the time of the input', async () => {
    const aac = await run(
      'audiotestsrc num-buffers=60 samplesperbuffer=1024 ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! {out:a}',
      ['a'],
    );
    const host = await native.hosts.launch({
      label: 'opus',
      launch: '{in:a} ! avdec_aac ! audioconvert ! audioresample ! opusenc bitrate=96000 ! {out:o}',
      inputs: [{ name: 'a', caps: aac[0]!.caps }],
      outputs: [{ name: 'o' }],
    });
    const { frames } = collect(host);
    for (const { unit } of aac) host.write('a', { ...unit, dts: unit.dts + 480_000, pts: unit.pts + 480_000 });
    await host.close(5000);
    const caps = frames[0]!.caps as AudioCaps;
    expect(caps).toMatchObject({ codec: 'opus', timescale: 48_000, channels: 2, codecString: 'opus' });
    expect(caps.config.length).toBe(11);
    expect(frames.every(({ unit }) => opusPacketDuration(unit.data) === 960)).toBe(true);
    expect(Math.abs(frames[0]!.unit.pts - 480_000)).toBeLessThanOrEqual(1024);
    // opusenc takes the encoder's delay (312 samples, the pre-skip) out of the first packet's time: from then on it fits.
    const steps = frames.slice(1).map(({ unit }, i) => unit.pts - frames[i]!.unit.pts);
    expect(steps).toEqual(steps.map((_, i) => (i === 0 ? 960 - 312 : 960)));
    expect(frames.length).toBeGreaterThanOrEqual(Math.floor((60 * 1024) / 960));
  });
});
