/** Real streams through the segmenter, judged by readers that are not ours: ffmpeg, ffprobe, mp4box, shaka-packager. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  audioCapsFromConfig,
  videoCapsFromConfig,
  isH264KeyFrame,
  isHevcKeyFrame,
  isAv1KeyFrame,
  isVp9KeyFrame,
  readBoxes,
  findBox,
  readChunks,
  opusPacketDuration,
  videoCapsFromKeyFrame,
} from '../../core/media/index.ts';
import type { AudioCodec, VideoCodec } from '../../core/model/index.ts';
import { EPOCH } from '../unit/package/harness.ts';
import { fromFlv, type Stream } from './flv-file.ts';
import {
  expectMp4boxAgrees,
  ffmpeg,
  mp4box,
  pictures,
  probePackets,
  repackage,
  segmented as cut,
} from './support/readers.ts';

let dir = '';

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eddy-cmaf-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The one track of a fragmented MP4 by ffmpeg: codecs that FLV of this ffmpeg cannot carry. */
function fromMp4(mp4: Buffer, codec: VideoCodec | AudioCodec): Stream {
  const trak = findBox(mp4, ['moov', 'trak', 'mdia'])!.body;
  const timescale = Buffer.from(findBox(trak, ['mdhd'])!.body).readUInt32BE(12);
  const entry = readBoxes(findBox(trak, ['minf', 'stbl', 'stsd'])!.body.subarray(8))[0]!;
  const config = (type: string, from: number): Uint8Array =>
    readBoxes(entry.body.subarray(from)).find((box) => box.type === type)!.body;
  const samples = readChunks(mp4).flatMap((chunk) => chunk.samples);
  const key = { h264: isH264KeyFrame, hevc: isHevcKeyFrame, av1: isAv1KeyFrame, vp9: isVp9KeyFrame }[codec as 'h264'];
  const units = samples.map(({ dts, pts, data }) => {
    const arrivedAt = EPOCH + (dts / timescale) * 1000;
    return { dts, pts, key: codec === 'opus' || key(data), data, arrivedAt };
  });
  if (codec === 'opus') {
    expect(samples.slice(0, -1).every((sample) => sample.duration === opusPacketDuration(sample.data))).toBe(true);
    return { caps: audioCapsFromConfig('opus', config('dOps', 28), timescale), units };
  }
  const caps =
    codec === 'vp9' || codec === 'av1'
      ? videoCapsFromKeyFrame(codec, units[0]!.data, timescale)!
      : videoCapsFromConfig(codec as VideoCodec, config('hvcC', 78), timescale);
  return { caps, units };
}

const segmented = (streams: Parameters<typeof cut>[1]): ReturnType<typeof cut> => cut(dir, streams);

const PICTURE = ['-f', 'lavfi', '-i', 'testsrc2=s=322x180:r=30'];

describe('H.264 and AAC from FLV', () => {
  it.each([0, 2, 3])('decode to the very pictures and sound of the source, with %d B-frames', async (bFrames) => {
    const source = join(dir, `b${bFrames}.flv`);
    const codecs = [
      '-c:v',
      'libx264',
      '-preset',
      'veryfast',
      '-bf',
      `${bFrames}`,
      '-g',
      '60',
      '-c:a',
      'aac',
      '-ar',
      '44100',
    ];
    const flv = await ffmpeg(...PICTURE, '-f', 'lavfi', '-i', 'sine=r=44100', '-t', '7', ...codecs, '-f', 'flv', '-');
    await writeFile(source, flv);
    const streams = fromFlv(flv);
    const { recorder, file } = await segmented(streams);
    const frames = await pictures(file('video'));
    expect(frames).toHaveLength(210);
    expect(frames).toEqual(await pictures(source));
    expect(recorder.segments('video').map((segment) => segment.independent)).toEqual([true, true, true, true]);
    // Coded frames of sound pass unchanged; those after the last picture's end may be cut.
    const sent = streams.audio!.units.map((unit) => Buffer.from(unit.data).toString('hex'));
    const got = recorder
      .read('audio')
      .flatMap((chunk) => chunk.samples.map((sample) => Buffer.from(sample.data).toString('hex')));
    expect(got).toEqual(sent.slice(sent.indexOf(got[0]!), sent.indexOf(got[0]!) + got.length));
    expect(got.length).toBeGreaterThan(sent.length - 12);
    // Lip sync: both tracks keep the distance that the source gave them.
    const firstPicture = Math.min(...streams.video!.units.map((unit) => unit.pts));
    const firstSound = streams.audio!.units[sent.indexOf(got[0]!)]!.pts;
    const at = (id: string): number =>
      (Math.min(...recorder.read(id)[0]!.samples.map((sample) => sample.pts)) / recorder.of(id).caps.timescale) * 1000;
    expect(Math.abs(at('audio') - at('video') - (firstSound - firstPicture))).toBeLessThanOrEqual(1.1);
    const packets = await probePackets(file('video'));
    expect(packets).toHaveLength(210);
    for (const { duration } of packets) expect(duration).toBeCloseTo(1 / 30, 5);
  });

  it('are read alike by mp4box, every part from its own bytes', async () => {
    const codecs = ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '30', '-c:a', 'aac'];
    const streams = fromFlv(
      await ffmpeg(...PICTURE, '-f', 'lavfi', '-i', 'sine', '-t', '3', ...codecs, '-f', 'flv', '-'),
    );
    const { recorder } = await segmented(streams);
    for (const id of ['video', 'audio']) expectMp4boxAgrees(recorder, id);
  });

  it('are taken by shaka-packager, whole segments as well as parts', async () => {
    const codecs = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '60', '-c:a', 'aac'];
    const streams = fromFlv(
      await ffmpeg(...PICTURE, '-f', 'lavfi', '-i', 'sine', '-t', '5', ...codecs, '-f', 'flv', '-'),
    );
    const { file } = await segmented(streams);
    const out = await repackage({ video: file('video'), audio: file('audio') });
    expect(await pictures(out.video)).toEqual(await pictures(file('video')));
  });
});

describe('other codecs', () => {
  const fragmented = ['-movflags', 'frag_keyframe+empty_moov+default_base_moof', '-f', 'mp4', '-'];

  it.each([
    [
      'hevc',
      [
        '-c:v',
        'libx265',
        '-preset',
        'ultrafast',
        '-x265-params',
        'log-level=0:bframes=3:keyint=30:open-gop=0',
        '-tag:v',
        'hvc1',
      ],
    ],
    ['av1', ['-c:v', 'libaom-av1', '-cpu-used', '8', '-usage', 'realtime', '-g', '30']],
    ['vp9', ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-g', '30']],
  ] as const)('%s decodes to the very pictures of the source', async (codec, encoder) => {
    const small = ['-f', 'lavfi', '-i', 'testsrc2=s=162x90:r=25'];
    const mp4 = await ffmpeg(...small, '-t', '3', ...encoder, ...fragmented);
    const source = join(dir, `${codec}.mp4`);
    await writeFile(source, mp4);
    const { recorder, file } = await segmented({ video: fromMp4(mp4, codec) });
    const frames = await pictures(file('video'));
    expect(frames).toHaveLength(75);
    expect(frames).toEqual(await pictures(source));
    expect(recorder.segments('video')).toHaveLength(2);
    expect(mp4box(Buffer.from(recorder.of('video').caps.init)).tracks[0]!.codec).toMatch(
      new RegExp(`^${recorder.of('video').caps.codecString.slice(0, 7)}`),
    );
  });

  it('Opus decodes to the sound of the source', async () => {
    const mp4 = await ffmpeg('-f', 'lavfi', '-i', 'sine', '-t', '5', '-c:a', 'libopus', ...fragmented);
    const source = join(dir, 'opus.mp4');
    await writeFile(source, mp4);
    const { recorder, file } = await segmented({ audio: fromMp4(mp4, 'opus') });
    expect(recorder.segments('audio').length).toBe(3);
    const decode = async (name: string): Promise<Buffer> => ffmpeg('-i', name, '-f', 's16le', '-');
    const [ours, theirs] = [await decode(file('audio')), await decode(source)];
    // Their file has an edit list that cuts the first 312 samples; ours is joined in the middle by every viewer.
    const skew = ours.length - theirs.length;
    expect(Math.abs(skew)).toBeLessThanOrEqual(960 * 2);
    expect(ours.includes(theirs.subarray(96_000, 192_000))).toBe(true);
  });
});
