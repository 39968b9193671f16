/** Clips as files, read back by mp4box: which samples are in them, what is shown of them, and what is refused. */
import { afterEach, describe, expect, it } from 'vitest';
import { createFile, MP4BoxBuffer, type ISOFile } from 'mp4box';
import { FakeTimeline, harness, syntheticAudio, syntheticVideo, type Harness } from 'eddy/testing';
import { buildInitSegment, writeChunk } from 'eddy/media';
import type { AccessUnit, AudioCaps, VideoCaps } from 'eddy/plugin';
import plugin, { type manifest } from '../../../plugins/publish/clips/plugin.ts';
import { audioCaps, videoCaps } from '../../support/chunks.ts';
import { indexedSegment, START } from '../../support/segments.ts';

let stage: Harness<typeof manifest> | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

const FPS = 25;
/** Two seconds a segment, two key frames each. */
const video = syntheticVideo({ fps: FPS, gop: 25, bFrames: true, width: 640, height: 360 });
const small = syntheticVideo({ fps: FPS, gop: 25, width: 320, height: 180 });
const sound = syntheticAudio();

function put(
  timeline: FakeTimeline,
  number: number,
  track: string,
  caps: VideoCaps | AudioCaps,
  units: AccessUnit[],
  more = {},
) {
  const first = units[0]!;
  // The first is decoded when it is shown, as in all that package.cmaf writes.
  const { timescale } = caps;
  const back = number >= 4;
  const samples = units.map(({ data, key, dts, pts }, index) => ({
    data,
    key,
    duration: (units[index + 1]?.dts ?? dts + units[1]!.dts - first.dts) - dts,
    compositionOffset: pts - dts - (first.pts - first.dts),
  }));
  const data = writeChunk({ sequence: number, baseTime: first.dts, samples, startsSegment: true });
  const durationTicks = samples.reduce((sum, { duration }) => sum + duration, 0);
  const segment = indexedSegment(number, {
    track,
    timescale,
    baseTime: first.dts,
    durationTicks,
    startTs: START + (first.dts * 1000) / timescale,
    duration: (durationTicks * 1000) / timescale,
    codecString: caps.codecString,
    ...more,
    ...(back && { initUrl: `cam1/${track}/init-4.w2.mp4` }),
  });
  const init = buildInitSegment({ caps });
  const chunkCaps =
    caps.kind === 'video'
      ? videoCaps({ init, codec: caps.codec, width: caps.width, height: caps.height })
      : audioCaps({ init, timescale });
  timeline.put(segment, data, chunkCaps);
  return segment;
}

/** Twelve seconds with a hole from 4 to 8. */
function recorded(options: { second?: Parameters<typeof put>[3]; writer?: string } = {}): FakeTimeline {
  const timeline = new FakeTimeline();
  for (const number of [0, 1, 4, 5]) {
    const back = number >= 4;
    const more = back ? { writer: options.writer ?? 'w2', discontinuity: number === 4 } : {};
    const units = video.frames(50, number * 50);
    put(timeline, number, 'video', back && options.second?.kind === 'video' ? options.second : video.caps, units, more);
    put(timeline, number, 'small', small.caps, small.frames(50, number * 50), more);
    const first = Math.ceil((number * 2 * 48_000) / 1024);
    const count = Math.ceil(((number + 1) * 2 * 48_000) / 1024) - first;
    put(timeline, number, 'audio', sound.caps, sound.frames(count, first), more);
  }
  return timeline;
}

async function start(timeline = recorded(), config = {}) {
  const reads: string[] = [];
  const read = timeline.read.bind(timeline);
  timeline.read = (camera, track, name) => (reads.push(`${track}/${name}`), read(camera, track, name));
  stage = await harness<typeof manifest>(plugin, { services: { timeline }, config });
  await stage.clock.advance(START + 300_000 - stage.clock.now());
  const get = (query: string, headers = {}) =>
    stage!.fakes.http.request(`/api/v1/cameras/cam1/export.mp4?${query}`, { headers });
  const range = (from: number, to: number) => `start=${START + from * 1000}&end=${START + to * 1000}`;
  return { get, range, reads };
}

function parse(bytes: Uint8Array): {
  file: ISOFile;
  tracks: { entries: number; edits: [number, number][]; samples: Sample[] }[];
} {
  const file = createFile(true);
  file.appendBuffer(MP4BoxBuffer.fromArrayBuffer(new Uint8Array(bytes).buffer, 0), true);
  file.flush();
  const tracks = file.moov.traks.map((trak) => ({
    entries: trak.mdia.minf.stbl.stsd.entries.length,
    edits: trak.edts!.elst!.entries.map((one): [number, number] => [one.segment_duration, one.media_time]),
    samples: file.getTrackSamplesInfo(trak.tkhd.track_id),
  }));
  return { file, tracks };
}
interface Sample {
  readonly dts: number;
  readonly cts: number;
  readonly duration: number;
  readonly size: number;
  readonly offset: number;
  readonly is_sync: boolean;
  readonly description_index: number;
}

describe('export.mp4', () => {
  it('has moov in front, begins at the key frame before, and shows from the frame that was asked for', async () => {
    const { get, range } = await start();
    const answer = await get(range(1.6, 3.6));
    expect(answer.status).toBe(200);
    const bytes = await answer.bytes();
    expect(answer.headers).toMatchObject({
      'content-type': 'video/mp4',
      'content-length': String(bytes.length),
      'content-disposition': `attachment; filename="cam1-${new Date(START + 1600).toISOString().replaceAll(':', '-')}.mp4"`,
    });
    const { file, tracks } = parse(bytes);
    expect(file.boxes.map(({ type }) => type)).toEqual(['ftyp', 'moov', 'mdat']);
    const [pictures, sounds] = tracks;
    // From the key frame at 1 s; the edit takes 0.6 s off, and ends at 3.6 s.
    expect(pictures!.samples[0]!.is_sync).toBe(true);
    expect(pictures!.edits).toEqual([[2 * 90_000, 54_000]]);
    const shown = pictures!.samples.filter(({ cts }) => cts >= 54_000 && cts < 54_000 + 180_000);
    expect(shown).toHaveLength(50);
    // Every sample has the bytes of its frame.
    for (const [index, { offset, size }] of pictures!.samples.entries())
      expect(Buffer.compare(bytes.subarray(offset, offset + size), video.frame(25 + index).data)).toBe(0);
    // Sound to the sample: its first frame is earlier by what the edit takes off.
    const [[lasts, from]] = sounds!.edits as [[number, number]];
    expect(lasts).toBe(2 * 90_000);
    const first = Math.round((1.6 * 48_000 - from) / 1024);
    expect(from).toBe(1.6 * 48_000 - first * 1024);
    expect(from).toBeGreaterThanOrEqual(1024);
    for (const [index, { offset, size }] of sounds!.samples.entries())
      expect(Buffer.compare(bytes.subarray(offset, offset + size), sound.frame(first + index).data)).toBe(0);
  });

  it('keeps the time of a hole: the last frame stands, and silence is counted', async () => {
    const { get, range } = await start();
    const { tracks } = parse(await (await get(range(3, 9))).bytes());
    const [pictures, sounds] = tracks;
    expect(pictures!.edits).toEqual([[6 * 90_000, 0]]);
    const frame = 90_000 / FPS;
    expect(Math.max(...pictures!.samples.map(({ duration }) => duration))).toBeGreaterThanOrEqual(4 * 90_000);
    expect(pictures!.samples.findIndex(({ dts }) => dts === 5 * 90_000)).toBe(25);
    expect(pictures!.samples.slice(0, 24).every(({ duration }) => duration === frame)).toBe(true);
    // Four seconds without a frame that lasts longer than two.
    expect(Math.max(...sounds!.samples.map(({ duration }) => duration))).toBeLessThan(2048);
    const after = sounds!.samples.filter(({ size }) => size > 9);
    expect(sounds!.samples.length - after.length).toBe(Math.floor((4 * 48_000) / 1024));
  });

  it('names both sample descriptions where parameters change', async () => {
    const { get, range } = await start(recorded({ second: small.caps }));
    const { tracks } = parse(await (await get(`${range(3, 9)}&track=video`)).bytes());
    expect(tracks[0]!.entries).toBe(2);
    expect(tracks[0]!.samples.map((one) => one.description_index)).toEqual([
      ...Array.from({ length: 25 }, () => 0),
      ...Array.from({ length: 25 }, () => 1),
    ]);
  });

  it('says up to where it can where the codec changes', async () => {
    const { get, range } = await start(recorded({ second: syntheticVideo({ codec: 'hevc' }).caps }));
    const answer = await get(range(3, 9));
    expect([answer.status, await answer.json()]).toMatchObject([
      409,
      { code: 'publish.clips/CODEC_CHANGES', message: expect.stringContaining(new Date(START + 8000).toISOString()) },
    ]);
    expect((await get(range(1, 4))).status).toBe(200);
  });

  it('is of the rendition that is asked for, or of sound alone', async () => {
    const { get, range, reads } = await start();
    const { tracks } = parse(await (await get(`${range(0, 2)}&track=small`)).bytes());
    expect(tracks).toHaveLength(2);
    expect(reads.some((name) => name.startsWith('video/'))).toBe(false);
    const alone = parse(await (await get(`${range(0.5, 2)}&track=audio`)).bytes()).tracks;
    expect(alone).toHaveLength(1);
    expect((await get(`${range(0, 2)}&track=none`)).status).toBe(404);
  });

  it('has no more than the grant allows', async () => {
    const { get, range, reads } = await start();
    // The same stretch, whose tables are kept for those who may have all of it.
    expect((await get(range(0, 2))).status).toBe(200);
    stage!.authorizer.limit({ maxLines: 200 });
    reads.length = 0;
    expect(parse(await (await get(range(0, 2))).bytes()).tracks).toHaveLength(2);
    expect(new Set(reads.map((name) => name.split('/')[0]))).toEqual(new Set(['small', 'audio']));
    expect((await get(`${range(0, 2)}&track=small`)).status).toBe(200);
    const large = await get(`${range(0, 2)}&track=video`);
    expect([large.status, await large.json()]).toMatchObject([403, { code: 'WATCH_REFUSED' }]);
    stage!.authorizer.limit({ maxBitrate: 1 });
    expect((await get(range(0, 2))).status).toBe(403);
    expect((await get(`${range(0, 2)}&track=audio`)).status).toBe(200);
  });

  it('is given in parts, its tables made once', async () => {
    const { get, range, reads } = await start();
    const whole = Buffer.from(await (await get(range(0, 4))).bytes());
    const before = reads.length;
    const part = await get(range(0, 4), { range: 'bytes=100-199' });
    expect([part.status, part.headers['content-range']]).toEqual([206, `bytes 100-199/${whole.length}`]);
    expect(Buffer.compare(Buffer.from(await part.bytes()), whole.subarray(100, 200))).toBe(0);
    const last = await get(range(0, 4), { range: 'bytes=-10' });
    expect(Buffer.compare(Buffer.from(await last.bytes()), whole.subarray(-10))).toBe(0);
    expect(reads.length - before).toBe(1);
    expect((await get(range(0, 4), { range: `bytes=${whole.length}-` })).status).toBe(416);
    expect((await get(range(0, 4), { range: 'bytes=0-9', 'if-range': '"other"' })).status).toBe(200);
  });

  it.each([
    ['start=yesterday&end=5', 400, 'RANGE_INVALID'],
    [`start=${START}`, 400, 'RANGE_INVALID'],
    [`start=${START}&duration=2h`, 400, 'RANGE_INVALID'],
    [`start=${START + 4500}&end=${START + 7500}`, 404, 'RANGE_EMPTY'],
  ])('refuses %s', async (query, status, code) => {
    const { get } = await start();
    const answer = await get(query);
    expect([answer.status, await answer.json()]).toMatchObject([status, { code: `publish.clips/${code}` }]);
  });

  it('is for those who may export, so many at one time, and breaks off where media has gone', async () => {
    const timeline = recorded();
    const { get, range } = await start(timeline, { 'at-once': 1 });
    const answer = await get(range(0, 4));
    const body = (answer.raw as AsyncIterable<Uint8Array>)[Symbol.asyncIterator]();
    await body.next();
    const second = await get(range(0, 4));
    expect([second.status, await second.json()]).toMatchObject([503, { code: 'publish.clips/BUSY' }]);
    timeline.read = async () => undefined;
    await expect(body.next()).rejects.toMatchObject({ code: 'publish.clips/MEDIA_GONE' });
    expect((await get(range(0, 4))).status).toBe(200);
    stage!.authorizer.refuse({ action: 'export' });
    expect((await get(range(0, 4))).status).toBe(403);
  });
});
