import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { FakeHttpServer } from 'eddy/testing';
import type { AccessUnit, TrackWriter, VideoCaps } from 'eddy/plugin';
import { ivfFrames } from '../support/containers.ts';
import { encodeClip } from '../support/live-source.ts';
import { decodeVideo } from './support/decode.ts';
import { keysOf, start, transcode, unitsOf, type Rung, type Stage } from './support/ladder-stage.ts';

/** The tracks of one name, in their order. */
const rungsOf = (stage: Stage, id: string): Rung[] =>
  stage.out.out
    .tracks('cam')
    .filter((track) => track.id === id)
    .map(({ caps, items }) => ({ caps: caps as VideoCaps, units: items as AccessUnit[] }));

async function makeIvf(args: string): Promise<Buffer> {
  const all = `-v error -f lavfi -i testsrc2=s=320x180:r=30:d=3 ${args} -`.split(' ');
  return (await promisify(execFile)('ffmpeg', all, { encoding: 'buffer', maxBuffer: 1 << 26 })).stdout;
}

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
    expect(Object.keys(made).sort()).toEqual(['video', 'video-180p']);
    // Its viewers play on: the encoded rung takes the place of the source.
    const [source, top] = rungsOf(stage, 'video');
    const low = made['video-180p']!;
    expect(top!.caps).toMatchObject({ width: 640, height: 360, bitrate: 600_000 });
    // The change is at a key frame of the source, and from there on all rungs keep step.
    const change = top!.units[0]!.pts;
    expect(source!.units.at(-1)!.pts).toBeLessThan(change);
    expect(keysOf(low).filter((pts) => pts >= change)).toEqual(keysOf(top!));
    expect(top!.units.at(-1)!.pts).toBe(units.at(-1)!.pts);
  });

  it.each([
    [
      'written rungs',
      { rungs: ['360p@600kbps', '180p@200kbps'], passthrough: 'never' },
      ['640x360', '320x180', '640x360'],
      { 'video-360p': ['640x360', '320x180', '640x360'], 'video-180p': ['320x180', '320x180', '320x180'] },
    ],
    [
      'a source that is the top rung',
      { rungs: ['360p@600kbps', '180p@200kbps'] },
      ['640x360', '320x180'],
      { video: ['640x360', '320x180'], 'video-180p': ['320x180', '320x180'] },
    ],
    [
      'rungs of Eddy’s own, of a camera that begins small',
      { rungs: 'auto', passthrough: 'never' },
      ['320x180', '640x360', '320x180'],
      { 'video-180p': ['320x180', '640x360', '320x180'], 'video-240p': ['426x240', '320x180'] },
    ],
  ])('a publisher that changes its picture ends no rendition: %s', async (_name, config, sizes, expected) => {
    const clips = await Promise.all(sizes.map((size) => encodeClip({ seconds: 4, gopSeconds: 1, size })));
    const stage = await start({ ...config, preset: 'ultrafast', gop: '1s' });
    const feed = await stage.camera('cam').publish();
    let writer: TrackWriter<'frames'> | undefined;
    for (const [index, clip] of clips.entries()) {
      writer = feed.out.in.addTrack('video', clip.video, writer && { replaces: writer });
      for (const unit of unitsOf(clip, index * 4)) if (!writer.write(unit)) await writer.ready();
    }
    writer!.end();
    const tracks = () => stage.out.out.tracks('cam');
    await stage.out.out.until(() => tracks().length > 0 && tracks().every(({ ended }) => ended !== undefined), 30_000);
    feed.end();
    const seen = Object.fromEntries(
      [...new Set(tracks().map(({ id }) => id))].map((id) => [
        id,
        rungsOf(stage, id).map(({ caps }) => `${caps.width}x${caps.height}`),
      ]),
    );
    expect(seen).toEqual(expected);
    for (const id of Object.keys(expected)) {
      const parts = rungsOf(stage, id);
      // One after the other, and each begins with a key frame.
      const times = parts.flatMap(({ units }) => units.map(({ pts }) => pts));
      expect(times).toEqual(times.toSorted((a, b) => a - b));
      expect(parts.map(({ units }) => units[0]!.key)).toEqual(parts.map(() => true));
      // The last of what it was is still there.
      expect(times.at(-1)).toBeGreaterThan(sizes.length * 4 * 90_000 - 9000);
    }
    expect(stage.reports).toEqual([]);
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
