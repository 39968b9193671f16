/** Real encoders' streams through `ingest.rtmp`: every access unit is compared with what was in the file, byte by byte. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import {
  buildHevcConfig,
  hevcNalType,
  hevcParameterSets,
  isAv1KeyFrame,
  isHevcKeyFrame,
  isVp9KeyFrame,
  joinLengthPrefixed,
  splitAnnexB,
  stripAv1TemporalDelimiters,
  findAv1Sequence,
  buildAv1Config,
} from 'eddy/media';
import { EddyError, type AccessUnit, type VideoCaps } from 'eddy/plugin';
import { flvTags, ivfFrames, oggPackets, type FlvTag } from '../support/containers.ts';
import { runFfmpeg, startFfmpeg } from '../support/ffmpeg.ts';
import { exAudio, exVideo } from '../support/flv-bodies.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { eventually, FakeEngine, type FakeOptions, type FakePublication } from '../unit/rtmp/fake-context.ts';

let dir: string;
const engines: FakeEngine[] = [];
const PICTURES = '-f lavfi -i testsrc2=s=320x180:r=25:d=3';
const SOUND = '-f lavfi -i sine=440:r=44100:d=3';

async function start(options?: FakeOptions): Promise<FakeEngine> {
  const engine = await FakeEngine.start(options);
  engines.push(engine);
  return engine;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eddy-rtmp-'));
});
afterEach(async () => {
  await Promise.all(engines.splice(0).map((engine) => engine.stop()));
});
afterAll(() => rm(dir, { recursive: true }));

/** What an FLV file's coded frames are as access units, in its own milliseconds. */
function unitsOf(tags: readonly FlvTag[], type: 8 | 9): { dts: number; pts: number; data: Buffer }[] {
  const header = type === 9 ? 5 : 2;
  return tags
    .filter((tag) => tag.type === type && tag.body[1] === 1)
    .map(({ timestamp, body }) => ({
      dts: timestamp,
      pts: timestamp + (type === 9 ? body.readIntBE(2, 3) : 0),
      data: body.subarray(header),
    }));
}

/** Compares bytes, decode times and presentation offsets. */
function expectSame(got: readonly AccessUnit[], sent: readonly { dts: number; pts: number; data: Buffer }[]): void {
  expect(got.length).toBe(sent.length);
  const different = got.findIndex(({ data }, i) => Buffer.compare(data, sent[i]!.data) !== 0);
  expect(different, 'the first access unit whose bytes differ').toBe(-1);
  const shift = got[0]!.dts - sent[0]!.dts;
  expect(got.map(({ dts, pts }) => [dts - shift, pts - shift])).toEqual(sent.map(({ dts, pts }) => [dts, pts]));
}

const counts = (publication: FakePublication): string =>
  publication.tracks.map(({ id, items }) => `${id} ${items.length}`).join(', ');

describe('ffmpeg publishes', () => {
  it.each([
    ['without B-frames', '-bf 0 -tune zerolatency', false],
    ['with B-frames', '-bf 2 -b_strategy 0', true],
  ])('H.264 %s and AAC', async (_what, options, bFrames) => {
    const file = join(dir, `h264-${bFrames}.flv`);
    await runFfmpeg(
      `${PICTURES} ${SOUND} -c:v libx264 -preset veryfast -pix_fmt yuv420p -g 25 ${options} -c:a aac ${file}`,
    );
    const tags = flvTags(await readFile(file));
    const engine = await start();
    const ffmpeg = startFfmpeg(`-i ${file} -c copy -f flv rtmp://127.0.0.1:${engine.port}/live/acme.cam1?token=abc`);
    expect(await ffmpeg.done, ffmpeg.log()).toBe(0);
    expect(engine.requests[0]).toMatchObject({ cameraId: 'acme.cam1', credentials: { token: 'abc' } });
    const publication = engine.publications[0]!;
    await eventually(() => publication.ended === 'publisher-ended', 'the end');
    expectSame(publication.track('video').items, unitsOf(tags, 9));
    expectSame(publication.track('audio').items, unitsOf(tags, 8));
    expect(publication.tracks).toHaveLength(2);
    expect(publication.track('video').caps).toMatchObject({
      codec: 'h264',
      width: 320,
      height: 180,
      timescale: 1000,
      bFrames,
    });
    const { frameRate } = publication.track('video').caps as VideoCaps;
    expect(frameRate!.num / frameRate!.den).toBe(25);
    expect(publication.track('audio').caps).toMatchObject({
      codec: 'aac',
      sampleRate: 44_100,
      channels: 1,
      timescale: 1000,
    });
    // One key frame a second, as -g 25 says, and audio in step with video.
    expect(publication.track('video').items.filter(({ key }) => key)).toHaveLength(3);
    expect(publication.track('video').items.some(({ pts, dts }) => pts !== dts)).toBe(bFrames);
    expect(engine.reports).toEqual([]);
    expect(engine.ended('publisher-left')).toBe(1);
  });

  it('is told why it is refused', async () => {
    const engine = await start({
      authorize: () => {
        throw new EddyError('PUBLISH_REFUSED', 'this token is none');
      },
    });
    const ffmpeg = startFfmpeg(`${PICTURES} -c:v flv1 -f flv rtmp://127.0.0.1:${engine.port}/live/cam1`);
    expect(await ffmpeg.done).not.toBe(0);
    expect(ffmpeg.log()).toContain('this token is none');
  });

  it('over TLS', async () => {
    const tls = { cert: 'rtmps-cert.pem', key: 'rtmps-key.pem' };
    const engine = await start({ config: { tls }, baseDir: join(import.meta.dirname, 'fixtures') });
    const ffmpeg = startFfmpeg(
      `${PICTURES} -c:v libx264 -preset ultrafast -pix_fmt yuv420p -f flv rtmps://127.0.0.1:${engine.port}/live/cam1`,
    );
    expect(await ffmpeg.done, ffmpeg.log()).toBe(0);
    await eventually(() => engine.publications[0]?.ended !== undefined, 'the end');
    expect(engine.publications[0]!.track('video').items).toHaveLength(75);
    // Plain RTMP at the TLS port is counted.
    const plain = await RtmpClient.open(engine.port);
    plain.raw(Buffer.alloc(1537, 3));
    await plain.closed;
    await eventually(() => engine.ended('tls-failed') === 1, 'the count');
  });

  it('and dies: the publication ends, and the next one continues under the same name', async () => {
    const engine = await start();
    for (const [i, signal] of (['SIGKILL', 'SIGTERM'] as const).entries()) {
      const ffmpeg = startFfmpeg(
        `-re ${PICTURES} -c:v libx264 -preset ultrafast -f flv rtmp://127.0.0.1:${engine.port}/live/cam1`,
      );
      await eventually(() => (engine.publications[i]?.items ?? 0) > 5, 'frames', 10_000);
      process.kill(ffmpeg.pid, signal);
      await ffmpeg.done;
      await eventually(() => engine.publications[i]!.ended === 'publisher-ended', 'the end');
    }
  });
});

describe('timestamps', () => {
  it('go on through 2^32 ms, in extended form, with B-frames', async () => {
    const file = join(dir, 'wrap.flv');
    await runFfmpeg(`${PICTURES} -c:v libx264 -preset ultrafast -bf 2 -pix_fmt yuv420p ${file}`);
    const tags = flvTags(await readFile(file)).filter(({ type }) => type === 9);
    const engine = await start();
    const client = await RtmpClient.publish(engine.port, 'cam1');
    const offset = 2 ** 32 - 1500;
    for (const { timestamp, body } of tags) client.send('video', (timestamp + offset) % 2 ** 32, body);
    await client.end();
    await eventually(() => engine.publications[0]!.ended !== undefined, 'the end');
    const { items, discontinuities } = engine.publications[0]!.track('video');
    expectSame(items, unitsOf(tags, 9));
    expect(items.at(-1)!.dts).toBeGreaterThan(2 ** 32);
    expect(discontinuities).toEqual([]);
  });
});

describe('Enhanced RTMP', () => {
  const FRAME_MS = 40;

  /** Publishes bodies at 25 a second and gives the track that came of them. */
  async function through(kind: 'video' | 'audio', start_: Uint8Array | undefined, frames: readonly Uint8Array[]) {
    const engine = await start();
    const client = await RtmpClient.publish(engine.port, 'cam1');
    client.setChunkSize(4096);
    if (start_) client.send(kind, 0, start_);
    frames.forEach((body, i) => client.send(kind, i * FRAME_MS, body));
    await client.end();
    const publication = engine.publications[0]!;
    await eventually(() => publication.ended !== undefined, `the end (${counts(publication)})`);
    expect(publication.tracks).toHaveLength(1);
    return publication.track(kind);
  }

  it('HEVC with hvc1', async () => {
    const file = join(dir, 'cam.hevc');
    await runFfmpeg(
      `${PICTURES} -c:v libx265 -preset ultrafast -pix_fmt yuv420p -x265-params log-level=error:aud=1:bframes=0:keyint=25 -f hevc ${file}`,
    );
    const pictures: Uint8Array[][] = [];
    for (const nal of splitAnnexB(await readFile(file))) {
      if (hevcNalType(nal) === 35) pictures.push([]);
      else pictures.at(-1)!.push(nal);
    }
    const units = pictures.map((nals) => joinLengthPrefixed(nals));
    const config = buildHevcConfig(hevcParameterSets(units[0]!));
    const keys = units.map((unit) => isHevcKeyFrame(unit));
    const track = await through(
      'video',
      exVideo('hvc1', 0, config),
      units.map((unit, i) => exVideo('hvc1', 1, unit, { key: keys[i]!, offset: 0 })),
    );
    expect(track.caps).toMatchObject({ codec: 'hevc', width: 320, height: 180, bFrames: false, config });
    expect(units).toHaveLength(75);
    expectSame(
      track.items,
      units.map((data, i) => ({ dts: i * FRAME_MS, pts: i * FRAME_MS, data: Buffer.from(data) })),
    );
    expect(track.items.map(({ key }) => key)).toEqual(keys);
  });

  it('AV1 with av01', async () => {
    const file = join(dir, 'av1.ivf');
    await runFfmpeg(
      `${PICTURES} -c:v libaom-av1 -cpu-used 8 -usage realtime -pix_fmt yuv420p -g 25 -frames:v 25 -f ivf ${file}`,
    );
    const units = ivfFrames(await readFile(file)).map(({ data }) => data);
    const sequence = findAv1Sequence(units[0]!)!;
    const frames = units.map((unit) => exVideo('av01', 1, unit, { key: isAv1KeyFrame(unit) }));
    const track = await through('video', exVideo('av01', 0, buildAv1Config(sequence)), frames);
    expect(track.caps).toMatchObject({ codec: 'av1', width: 320, height: 180 });
    expectSame(
      track.items,
      units.map((unit, i) => ({
        dts: i * FRAME_MS,
        pts: i * FRAME_MS,
        data: Buffer.from(stripAv1TemporalDelimiters(unit)),
      })),
    );
  });

  it('VP9 with vp09, whose size only its key frames tell', async () => {
    const file = join(dir, 'vp9.ivf');
    await runFfmpeg(
      `${PICTURES} -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p -g 25 -frames:v 25 -f ivf ${file}`,
    );
    const units = ivfFrames(await readFile(file)).map(({ data }) => data);
    const track = await through(
      'video',
      exVideo('vp09', 0, Buffer.alloc(12, 1)),
      units.map((unit) => exVideo('vp09', 1, unit, { key: isVp9KeyFrame(unit) })),
    );
    expect(track.caps).toMatchObject({ codec: 'vp9', width: 320, height: 180 });
    expectSame(
      track.items,
      units.map((data, i) => ({ dts: i * FRAME_MS, pts: i * FRAME_MS, data })),
    );
  });

  it('Opus with its head', async () => {
    const file = join(dir, 'opus.ogg');
    await runFfmpeg(`-f lavfi -i sine=440:r=48000:d=2 -c:a libopus -frame_duration 20 -ac 2 ${file}`);
    const [head, , ...packets] = oggPackets(await readFile(file));
    const track = await through(
      'audio',
      exAudio('Opus', 0, head!),
      packets.map((packet) => exAudio('Opus', 1, packet)),
    );
    expect(track.caps).toMatchObject({ codec: 'opus', sampleRate: 48_000, channels: 2, timescale: 1000 });
    expectSame(
      track.items,
      packets.map((data, i) => ({ dts: i * FRAME_MS, pts: i * FRAME_MS, data })),
    );
  });
});
