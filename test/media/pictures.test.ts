/** Key frames of every codec that cameras send here, made into pictures by real hosts. */
import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { FakeTimeline, harness } from 'eddy/testing';
import type { HostFrame, VideoCaps } from 'eddy/plugin';
import { buildInitSegment, writeChunk } from 'eddy/media';
import { JpegMaker } from '../../plugins/publish/pictures/jpeg-maker.ts';
import plugin, { type manifest } from '../../plugins/publish/pictures/plugin.ts';
import { collect } from '../contract/media-hosts.ts';
import { videoCaps } from '../support/chunks.ts';
import { indexedSegment, START } from '../support/segments.ts';
import { hostsOfTest } from './support/hosts-of-test.ts';

const test = hostsOfTest();

/** A second of one colour, with a key frame each fifth picture. */
async function film(colour: number, encoder: string, size = 'width=640,height=360'): Promise<HostFrame[]> {
  const host = await test.native.hosts.launch({
    label: 'film',
    launch: `videotestsrc num-buffers=15 pattern=solid-color foreground-color=${colour} ! video/x-raw,format=I420,${size},framerate=15/1 ! ${encoder} ! {out:v}`,
    outputs: [{ name: 'v' }],
  });
  const { frames } = collect(host);
  expect(await host.ended).toEqual({ cause: 'eos' });
  return frames;
}

/** Size of a JPEG and the colour of a point of it (else of its middle), by ffmpeg. */
function look(jpeg: Uint8Array, point?: readonly [number, number]): { width: number; height: number; rgb: number[] } {
  const run = spawnSync('ffmpeg', ['-hide_banner', '-i', '-', '-f', 'rawvideo', '-pix_fmt', 'rgb24', '-'], {
    input: jpeg,
    maxBuffer: 64 * 1024 * 1024,
  });
  const [, width, height] = /mjpeg.*, (\d{2,})x(\d{2,})/.exec(run.stderr.toString())!.map(Number);
  const [x, y] = point ?? [Math.floor(width! / 2), Math.floor(height! / 2)];
  const at = (y * width! + x) * 3;
  return { width: width!, height: height!, rgb: [...run.stdout.subarray(at, at + 3)] };
}

const RED = 0xffff0000;
const X264 = 'x264enc tune=zerolatency key-int-max=5 ! video/x-h264,stream-format=avc,alignment=au';

describe('pictures of key frames', () => {
  it.each([
    ['H.264', X264],
    [
      'H.264 with B-frames',
      'x264enc bframes=2 key-int-max=5 ! video/x-h264,profile=high,stream-format=avc,alignment=au',
    ],
    ['VP8', 'vp8enc deadline=1 keyframe-max-dist=5'],
    ['VP9', 'vp9enc deadline=1 cpu-used=8 keyframe-max-dist=5'],
  ])('the poster of a camera that sends %s', async (_what, encoder) => {
    const frames = await film(RED, encoder, 'width=1280,height=720');
    const stage = test.keep(
      await harness<typeof manifest>(plugin, { services: { hosts: test.native.hosts }, clock: 'real' }),
    );
    const writer = (await stage.camera('cam1').publish()).video(frames[0]!.caps as never);
    await writer.writeAll(frames.map(({ unit }) => unit));
    const answer = await stage.fakes.http.request('/api/v1/cameras/cam1/poster.jpg');
    expect(answer.status).toBe(200);
    const { width, height, rgb } = look(await answer.bytes());
    expect([width, height]).toEqual([960, 540]);
    expect(rgb[0]).toBeGreaterThan(200);
    expect(Math.max(rgb[1]!, rgb[2]!)).toBeLessThan(60);
  });

  it('many of one track in one launch, each in its place though one is damaged', async () => {
    const films = await Promise.all([RED, 0xff00ff00, 0xff0000ff].map((colour) => film(colour, X264)));
    const keys = films.map((frames) => frames.find(({ unit }) => unit.key)!);
    const broken = { ...keys[1]!.unit, data: keys[1]!.unit.data.slice(0, 5) };
    const maker = new JpegMaker(test.native.hosts, 'test');
    const units = [keys[0]!.unit, broken, keys[1]!.unit, keys[2]!.unit];
    const pictures = await maker.make(keys[0]!.caps as never, units, { width: 320, quality: 70 });
    expect(pictures[1]).toBeUndefined();
    const colours = [0, 2, 3].map((place) => {
      const { width, rgb } = look(pictures[place]!);
      return [width, rgb.indexOf(Math.max(...rgb))];
    });
    expect(colours).toEqual([
      [320, 0],
      [320, 1],
      [320, 2],
    ]);
  });
});

describe('pictures of the past', () => {
  it.each([
    ['H.264', X264],
    ['VP9', 'vp9enc deadline=1 cpu-used=8 keyframe-max-dist=5'],
  ])('a storyboard of %s, each picture where its cue says, one damaged, and a thumbnail', async (_what, encoder) => {
    const colours = [RED, 0xff00ff00, 0xff0000ff];
    const films = await Promise.all(colours.map((colour) => film(colour, encoder)));
    const caps = films[0]![0]!.caps as VideoCaps;
    const timeline = new FakeTimeline();
    const chunkCaps = videoCaps({ codec: caps.codec, init: buildInitSegment({ caps }), width: 640, height: 360 });
    for (let number = 0; number < 7; number += 1) {
      const samples = films[number % 3]!.slice(0, 5).map(({ unit: { data, key } }) => ({
        data: number === 4 ? data.slice(0, 5) : data,
        key,
        duration: 36_000,
        compositionOffset: 0,
      }));
      timeline.put(indexedSegment(number), writeChunk({ sequence: 1, baseTime: number * 180_000, samples }), chunkCaps);
    }
    const stage = test.keep(
      await harness<typeof manifest>(plugin, { services: { hosts: test.native.hosts, timeline }, clock: 'real' }),
    );
    await stage.camera('cam1').publish();
    const get = (path: string) => stage.fakes.http.request(`/api/v1/cameras/cam1/${path}`);
    const vtt = await (await get(`storyboard.vtt?start=${START}&end=${START + 14_000}&interval=2`)).text();
    const cues = [...vtt.matchAll(/^(storyboard.*)#xywh=(\d+),(\d+),(\d+),(\d+)$/gm)];
    const seen: number[] = [];
    for (const [, sheet, ...numbers] of cues) {
      const [x, y, w, h] = numbers.map(Number);
      const jpeg = await (await get(sheet!)).bytes();
      const corners = [
        [x! + 8, y! + 8],
        [x! + w! - 8, y! + h! - 8],
      ] as const;
      const brightest = corners.map((corner) => {
        const { rgb } = look(jpeg, corner);
        return rgb.indexOf(Math.max(...rgb));
      });
      expect(brightest[0]).toBe(brightest[1]);
      seen.push(brightest[0]!);
    }
    // The fifth is damaged: the one before stands in for it.
    expect(seen).toEqual([0, 1, 2, 0, 0, 2, 0]);
    const { width, height, rgb } = look(await (await get(`thumbnail.jpg?at=${START + 4100}&width=320`)).bytes());
    expect([width, height, rgb.indexOf(Math.max(...rgb))]).toEqual([320, 180, 2]);
  });
});
