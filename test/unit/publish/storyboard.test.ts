/** Pictures of the past: which key frame stands for which seconds, and what is asked of store and decoder for it. */
import { afterEach, describe, expect, it } from 'vitest';
import {
  FakeMediaHosts,
  FakeTimeline,
  harness,
  syntheticVideo,
  type FakeMediaHost,
  type Harness,
  type SyntheticStream,
} from 'eddy/testing';
import { type Segment, segmentName, type VideoCaps } from 'eddy/plugin';
import { buildInitSegment, writeChunk } from 'eddy/media';
import plugin, { type manifest } from '../../../plugins/publish/pictures/plugin.ts';
import { Shelf } from '../../../plugins/publish/pictures/shelf.ts';
import { cuesOf, sheetOf, usualInterval, writeVtt } from '../../../plugins/publish/pictures/storyboard.ts';
import { videoCaps } from '../../support/chunks.ts';
import { indexedSegment, START } from '../../support/segments.ts';

const JPEG = { kind: 'data', codec: 'jpeg', timescale: 90_000 } as const;
let stage: Harness<typeof manifest> | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

describe('cues', () => {
  const range = { start: START, end: START + 20_000 };
  const seconds = (cues: ReturnType<typeof cuesOf>) =>
    cues.map(({ start, end, segment }) => [(start - START) / 1000, (end - START) / 1000, segment.number]);

  it('a slot shows the segment at its beginning, whatever the stretch begins with', () => {
    const segments = Array.from({ length: 20 }, (_, number) => indexedSegment(number));
    expect(seconds(cuesOf([segments], range, 5000))).toEqual([
      [0, 5, 0],
      [5, 10, 2],
      [10, 15, 5],
      [15, 20, 7],
    ]);
    expect(seconds(cuesOf([segments], { start: START + 7000, end: START + 12_000 }, 5000))).toEqual([
      [7, 10, 2],
      [10, 12, 5],
    ]);
  });

  it('holes have none, and begin and end where the media does', () => {
    const segments = [0, 1, 6].map((number) => indexedSegment(number));
    expect(seconds(cuesOf([segments], range, 5000))).toEqual([
      [0, 4, 0],
      [12, 14, 6],
    ]);
  });

  it('the first rendition is taken where it has a key frame, else the next', () => {
    const small = [0, 1, 2].map((number) => indexedSegment(number, { track: 'small', independent: number !== 0 }));
    const large = [0, 1, 2, 3].map((number) => indexedSegment(number, { track: 'large' }));
    const cues = cuesOf([small, large], { start: START, end: START + 8000 }, 2000);
    expect(cues.map(({ segment }) => segment.track)).toEqual(['large', 'small', 'small', 'large']);
  });

  it('places are counted from the multiple of the length of a sheet', () => {
    const [cue] = cuesOf([[indexedSegment(3)]], range, 1000);
    expect(cue!.at + cue!.place * 1000).toBe(START + 6000);
    expect(cue!.at % 25_000).toBe(0);
    expect(sheetOf(cue!.at + 24_999, 1000)).toBe(cue!.at);
  });

  it('a longer stretch has longer intervals', () => {
    expect([60_000, 3_600_000, 86_400_000].map(usualInterval)).toEqual([5000, 20_000, 300_000]);
  });

  it('are told as WebVTT, hours and all', () => {
    const cue = { start: START + 36_000_500, end: START + 36_005_000, segment: indexedSegment(0), place: 0, at: 0 };
    expect(writeVtt(START, [cue], () => 'a.jpg#xywh=0,0,1,1')).toBe(
      `WEBVTT\n\nNOTE 0 is ${new Date(START).toISOString()}\n\n10:00:00.500 --> 10:00:05.000\na.jpg#xywh=0,0,1,1\n`,
    );
  });
});

describe('the shelf', () => {
  it('makes a picture once, keeps as much as has room, and not what failed', async () => {
    const shelf = new Shelf(10);
    let made = 0;
    const get = (name: string, size = 4) =>
      shelf.get(name, async () => (made++, size ? new Uint8Array(size) : undefined));
    await Promise.all([get('a'), get('a')]);
    expect(made).toBe(1);
    await get('b');
    await get('a');
    await get('c');
    expect(made).toBe(3);
    await get('a');
    expect(made).toBe(3);
    await get('b');
    expect(made).toBe(4);
    await get('d', 0);
    await get('d', 0);
    expect(made).toBe(6);
  });

  it('refuses what is too much at once', async () => {
    const shelf = new Shelf(10);
    const gate = Promise.withResolvers<undefined>();
    const asked = Array.from({ length: 32 }, (_, index) => shelf.get(String(index), () => gate.promise));
    expect(() => shelf.get('x', () => gate.promise)).toThrow(
      expect.objectContaining({ code: 'publish.pictures/BUSY' }),
    );
    gate.resolve(undefined);
    await Promise.all(asked);
    await shelf.get('x', async () => undefined);
  });
});

/** Twenty seconds of two-second segments with a hole, in two renditions; segment 2 has its second key frame after one second. */
function recorded(): { timeline: FakeTimeline; small: SyntheticStream<VideoCaps>; segments: Segment[] } {
  const timeline = new FakeTimeline();
  const segments: Segment[] = [];
  const small = syntheticVideo({ width: 320, height: 180, gop: 50 });
  for (const [track, video] of [
    ['small', small],
    ['large', syntheticVideo({ width: 1280, height: 720, gop: 50 })],
  ] as const) {
    const { width, height } = video.caps;
    const caps = videoCaps({ width, height, init: buildInitSegment({ caps: video.caps }) });
    for (const number of [0, 1, 2, 3, 7, 8, 9]) {
      const frames = video.frames(50, number * 50);
      const samples = frames.map(({ data, key }, index) => ({
        data,
        key: key || (number === 2 && index === 25),
        duration: 3600,
        compositionOffset: 0,
      }));
      const data = writeChunk({ sequence: number, baseTime: number * 180_000, samples });
      const segment = indexedSegment(number, { track });
      segments.push(segment);
      timeline.put(segment, data, caps);
    }
  }
  return { timeline, small, segments };
}

/** Hosts that answer pictures with the key frame's first bytes, and sheets with the first bytes of all of them. */
async function start(options: { damaged?: Uint8Array; refuse?: boolean } = {}) {
  const { timeline, small, segments } = recorded();
  const reads: string[] = [];
  const read = timeline.read.bind(timeline);
  timeline.read = (camera, track, name) => (reads.push(`${track}/${name}`), read(camera, track, name));
  const hosts = new FakeMediaHosts();
  const launches: FakeMediaHost[] = [];
  hosts.script((host) => {
    launches.push(host);
    const sheet = host.launch.launch.includes('rawvideoparse');
    const places = sheet ? placesOf(host) : 1;
    let parts: Uint8Array[] = [];
    host.onWrite((_input, unit) => {
      if (options.damaged && Buffer.compare(unit.data, options.damaged) === 0) return;
      parts.push(unit.data.subarray(0, 8));
      if (parts.length < places) return;
      void host.emit('picture', JPEG, { ...unit, data: Buffer.concat(parts) });
      parts = [];
    });
  });
  stage = await harness(plugin, { services: { hosts, timeline } });
  await stage.camera('cam1').publish();
  await stage.clock.advance(START + 300_000 - stage.clock.now());
  if (options.refuse) stage.authorizer.refuse({ action: 'rewind' });
  const get = (path: string) => stage!.fakes.http.request(`/api/v1/cameras/cam1/${path}`);
  return { get, launches, reads, small, segments };
}

/** By the heights and widths of the two joins. */
function placesOf({ launch: { launch } }: FakeMediaHost): number {
  const [, w, h] = /width=(\d+),height=(\d+)/.exec(launch)!.map(Number);
  const [, wide, high] = /ayuv width=\d+.*ayuv width=(\d+) height=(\d+)/.exec(launch)!.map(Number);
  return (wide! / w!) * (high! / h!);
}

const storyboard = `storyboard.vtt?start=${START}&end=${START + 20_000}&interval=2`;
const payloads = (vtt: string): string[] => vtt.split('\n').filter((line) => line.startsWith('storyboard.jpg'));

describe('thumbnail.jpg', () => {
  it.each([
    [START + 3999, 'small/1', 0],
    [START + 4999, 'small/2', 0],
    [START + 5000, 'small/2', 25],
    [START + 9000, 'small/3', 0],
    [new Date(START + 14_000).toISOString(), 'small/7', 0],
  ])('of %s is the key frame at or before it', async (at, where, index) => {
    const { get, small, reads, segments } = await start();
    const answer = await get(`thumbnail.jpg?at=${at}&width=200`);
    expect(answer.status).toBe(200);
    const number = Number(where.split('/')[1]);
    expect(await answer.bytes()).toEqual(Buffer.from(small.frame(number * 50 + index).data.subarray(0, 8)));
    expect(reads).toEqual([`small/${segmentName(segments.find((one) => one.number === number)!)}`]);
    expect(answer.headers['cache-control']).toBe('private, max-age=86400, immutable');
  });

  it('is decoded once, of the rendition that is wide enough', async () => {
    const { get, launches, reads } = await start();
    await Promise.all([1, 2, 3].map(() => get(`thumbnail.jpg?at=${START + 100}`)));
    await get(`thumbnail.jpg?at=${START + 200}`);
    expect(launches).toHaveLength(1);
    expect(launches[0]!.launch.inputs![0]!.caps).toMatchObject({ width: 1280 });
    expect(reads.every((name) => name.startsWith('large/'))).toBe(true);
  });

  it.each([
    ['thumbnail.jpg', 400, 'REQUEST_INVALID'],
    [`thumbnail.jpg?at=${START}&width=5000`, 400, 'REQUEST_INVALID'],
    [`thumbnail.jpg?at=${START - 1000}`, 404, 'NO_PICTURE'],
    ['storyboard.vtt', 400, 'REQUEST_INVALID'],
    [`storyboard.vtt?start=${START}&end=${START + 20_000}&interval=10ms`, 400, 'REQUEST_INVALID'],
    [`storyboard.vtt?start=${START - 86_400_000}&end=${START}&interval=2s`, 400, 'REQUEST_INVALID'],
    [`storyboard.jpg?track=small&init=init-0.w1.mp4&at=${START + 1}&interval=2s`, 400, 'REQUEST_INVALID'],
    [`storyboard.jpg?track=small&init=init-9.w1.mp4&at=${sheetOf(START, 2000)}&interval=2s`, 404, 'NO_PICTURE'],
  ])('refuses %s', async (path, status, code) => {
    const { get } = await start();
    const answer = await get(path);
    expect([answer.status, await answer.json()]).toMatchObject([status, { code: `publish.pictures/${code}` }]);
  });

  it('is for those who may rewind', async () => {
    const { get, launches } = await start({ refuse: true });
    for (const path of [`thumbnail.jpg?at=${START}`, storyboard]) expect((await get(path)).status).toBe(403);
    expect(launches).toEqual([]);
  });
});

describe('the storyboard', () => {
  it('tells of a picture for each slot that has media, in seconds from its start', async () => {
    const { get } = await start();
    const answer = await get(storyboard);
    expect(answer.headers).toMatchObject({ 'content-type': 'text/vtt; charset=utf-8' });
    const vtt = await answer.text();
    expect(vtt).toMatch(
      new RegExp(`^WEBVTT\n\nNOTE 0 is ${new Date(START).toISOString()}\n\n00:00:00.000 --> 00:00:02.000\n`),
    );
    expect(vtt).toContain('00:00:06.000 --> 00:00:08.000');
    expect(vtt).not.toContain('00:00:08.000 -->');
    expect(vtt).toContain('00:00:14.000 --> 00:00:16.000');
    expect(payloads(vtt)).toHaveLength(7);
  });

  it('its sheet has in each place what the cue says, read once from the smallest rendition and decoded once', async () => {
    const { get, reads, launches, small } = await start();
    const cues = payloads(await (await get(`${storyboard}&token=abc`)).text());
    const sheets = new Set(cues.map((cue) => cue.split('#')[0]!));
    expect(reads).toEqual([]);
    const pictures = new Map<string, Uint8Array>();
    for (const sheet of sheets) {
      expect(sheet).toContain('token=abc');
      const answers = await Promise.all([get(sheet), get(sheet)]);
      expect(answers.map(({ status }) => status)).toEqual([200, 200]);
      pictures.set(sheet, await answers[0].bytes());
    }
    expect(launches).toHaveLength(sheets.size);
    expect(reads.toSorted()).toEqual([...new Set(reads)].toSorted());
    expect(reads.every((name) => name.startsWith('small/'))).toBe(true);
    expect(reads).toHaveLength(7);
    for (const [index, number] of [0, 1, 2, 3, 7, 8, 9].entries()) {
      const [sheet, x, y, w, h] = /^(.*)#xywh=(\d+),(\d+),(\d+),(\d+)$/.exec(cues[index]!)!.slice(1);
      expect([w, h]).toEqual(['160', '90']);
      const place = Number(x) / 160 + (Number(y) / 90) * 5;
      const shown = pictures.get(sheet!)!.subarray(place * 8, place * 8 + 8);
      expect(shown).toEqual(Buffer.from(small.frame(number * 50).data.subarray(0, 8)));
    }
  });

  it('a key frame that cannot be decoded leaves its place to the one before', async () => {
    const { small } = recorded();
    const { get, launches } = await start({ damaged: small.frame(100).data });
    const cues = payloads(await (await get(storyboard)).text());
    const [sheet, x, y] = /^(.*)#xywh=(\d+),(\d+)/.exec(cues[2]!)!.slice(1);
    const picture = await (await get(sheet!)).bytes();
    const place = Number(x) / 160 + (Number(y) / 90) * 5;
    expect(picture.subarray(place * 8, place * 8 + 8)).toEqual(Buffer.from(small.frame(50).data.subarray(0, 8)));
    expect(launches).toHaveLength(3);
  });
});
