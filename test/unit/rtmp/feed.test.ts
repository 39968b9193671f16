import { describe, expect, it } from 'vitest';
import type { Clock, Publication, Report } from 'eddy/plugin';
import { Feed } from '../../../plugins/ingest/rtmp/feed.ts';
import type { manifest } from '../../../plugins/ingest/rtmp/plugin.ts';
import { RtmpRefusal } from '../../../plugins/ingest/rtmp/refusal.ts';
import { rational } from '../../../plugins/ingest/rtmp/video-feed.ts';
import { amf0 } from '../../support/amf0-writer.ts';
import * as flv from '../../support/flv-bodies.ts';
import { FakePublication } from './fake-context.ts';

function setUp(dataWanted = false) {
  const publication = new FakePublication(true);
  const reports: Omit<Report, 'cameraId'>[] = [];
  const drops: string[] = [];
  let now = 0;
  const out = {
    video: publication.output('video', true),
    audio: publication.output('audio', true),
    data: publication.output('data', dataWanted),
  };
  const clock = { now: () => 1e12 + now, monotonic: () => now } as Clock;
  const feed = new Feed({ out } as unknown as Publication<typeof manifest>, clock, {
    dropped: (reason) => drops.push(reason),
    full: () => undefined,
    report: (report) => reports.push(report),
  });
  const take = (kind: 'video' | 'audio' | 'data', timestamp: number, body: Uint8Array): void => {
    now = Math.max(now, timestamp < 1e9 ? timestamp : now);
    feed.take({ kind, timestamp, body });
  };
  return { publication, reports, drops, take, codes: () => reports.map(({ code }) => code) };
}

const idr = flv.nal(Buffer.of(0x65, 1, 2, 3));
const slice = flv.nal(Buffer.of(0x41, 9));

describe('video', () => {
  it('becomes a track with its configuration, milliseconds and signed composition offsets', () => {
    const { publication, take } = setUp();
    take('video', 0, flv.avcHeader(flv.AVC_HIGH));
    take('video', 40, flv.avcFrame(true, 80, idr));
    take('video', 80, flv.avcFrame(false, -40, slice));
    const track = publication.track('video');
    expect(track.caps).toMatchObject({
      kind: 'video',
      codec: 'h264',
      timescale: 1000,
      width: 322,
      height: 180,
      bFrames: true,
    });
    expect(track.caps).toHaveProperty('config', flv.AVC_HIGH);
    expect(track.items).toMatchObject([
      { dts: 40, pts: 120, key: true, arrivedAt: 1e12 + 40 },
      { dts: 80, pts: 40, key: false },
    ]);
    expect(track.items.map(({ data }) => Buffer.from(data))).toEqual([idr, slice]);
  });

  it('goes on through a repeated configuration and is replaced by a new one', () => {
    const { publication, take } = setUp();
    for (const ms of [0, 1000]) {
      take('video', ms, flv.avcHeader(flv.AVC_HIGH));
      take('video', ms, flv.avcFrame(true, 0, idr));
    }
    expect(publication.tracks).toHaveLength(1);
    take('video', 2000, flv.avcHeader(flv.AVC_BASELINE));
    take('video', 2000, flv.avcFrame(false, 0, slice));
    take('video', 2040, flv.avcFrame(true, 0, idr));
    expect(publication.tracks).toHaveLength(2);
    const [old, fresh] = publication.tracks;
    expect(fresh!.replaces).toBe(old);
    expect(fresh!.caps).toMatchObject({ bFrames: false, codecString: 'avc1.42c00d' });
    expect(fresh!.items.map(({ dts }) => dts)).toEqual([2040]);
  });

  it('takes hints from onMetaData where the parameter sets are silent', () => {
    const { publication, take } = setUp();
    take(
      'data',
      0,
      amf0(
        '@setDataFrame',
        'onMetaData',
        new Map<string, unknown>([
          ['framerate', 29.97],
          ['videodatarate', 2500],
          ['audiodatarate', 128],
        ]),
      ),
    );
    take('video', 0, flv.avcHeader(flv.AVC_HIGH));
    take('audio', 0, flv.aacHeader(flv.AAC_44));
    expect(publication.track('video').caps).toMatchObject({
      bitrate: 2_500_000,
      frameRate: { num: 30_000, den: 1001 },
    });
    expect(publication.track('audio').caps).toMatchObject({ bitrate: 128_000 });
  });

  it.each([
    [25, 25, 1],
    [29.97002997, 30_000, 1001],
    [23.976, 24_000, 1001],
    [59.94, 60_000, 1001],
    [12.5, 12_500, 1000],
  ])('reads %d frames a second as %d/%d', (rate, num, den) => expect(rational(rate)).toEqual({ num, den }));

  it('rewrites NAL lengths of 2 bytes', () => {
    const { publication, take } = setUp();
    const short = Uint8Array.from(flv.AVC_HIGH);
    short[4] = 0xfd;
    take('video', 0, flv.avcHeader(short));
    take('video', 0, flv.avcFrame(true, 0, Buffer.from('00036588010002060a', 'hex')));
    expect(publication.track('video').items[0]!.data).toEqual(
      Uint8Array.from(Buffer.from('0000000365880100000002060a', 'hex')),
    );
    expect(publication.track('video').caps).toHaveProperty('config', flv.AVC_HIGH);
  });

  it('drops frames that contradict their lengths, and resumes at a key frame', () => {
    const { publication, take, drops, codes } = setUp();
    take('video', 0, flv.avcHeader(flv.AVC_HIGH));
    take('video', 0, flv.avcFrame(true, 0, idr));
    take('video', 40, flv.avcFrame(false, 0, Buffer.from('ffffffff41', 'hex')));
    take('video', 80, flv.avcFrame(false, 0, slice));
    take('video', 120, flv.avcFrame(true, 0, idr));
    const track = publication.track('video');
    expect(track.items.map(({ dts }) => dts)).toEqual([0, 120]);
    expect(track.discontinuities).toEqual([{ cause: 'frames-dropped', at: 1 }]);
    expect(drops).toEqual(['frame-malformed', 'before-key-frame']);
    expect(codes()).toEqual(['ingest.rtmp/FRAMES_REFUSED']);
  });

  it('tells of a key frame that never comes', () => {
    const { take, codes } = setUp();
    take('video', 0, flv.avcHeader(flv.AVC_HIGH));
    for (let ms = 0; ms <= 12_000; ms += 1000) take('video', ms, flv.avcFrame(ms === 0, 0, ms === 0 ? idr : slice));
    expect(codes()).toEqual(['ingest.rtmp/KEY_FRAME_MISSING']);
  });

  it('tells of frames without a sequence header', () => {
    const { publication, take, codes, drops } = setUp();
    take('video', 0, flv.avcFrame(true, 0, idr));
    take('audio', 0, flv.aacFrame(Buffer.of(1)));
    take('audio', 23, flv.aacFrame(Buffer.of(2)));
    expect(publication.tracks).toHaveLength(0);
    expect(drops).toEqual(Array(3).fill('config-missing'));
    expect(codes()).toEqual(['ingest.rtmp/CONFIG_MISSING']);
  });

  it('never lets dts go back, and continues where the clock jumped', () => {
    const { publication, take, codes } = setUp();
    take('video', 0, flv.avcHeader(flv.AVC_HIGH));
    for (const ms of [20_000, 19_990, 20_040]) take('video', ms, flv.avcFrame(true, 0, idr));
    take('video', 0, flv.avcFrame(true, 0, idr));
    const track = publication.track('video');
    const dts = track.items.map((item) => item.dts);
    expect(dts.slice(0, 3)).toEqual([20_000, 20_000, 20_040]);
    expect(dts[3]).toBeGreaterThanOrEqual(20_040);
    expect(track.discontinuities).toEqual([{ cause: 'clock-jumped', at: 3 }]);
    expect(codes()).toEqual(['ingest.rtmp/TIMESTAMP_JUMP']);
  });
});

describe('Enhanced RTMP', () => {
  it('carries HEVC and AV1', () => {
    const { publication, take } = setUp();
    take('video', 0, flv.exVideo('hvc1', 0, flv.HEVC));
    take('video', 0, flv.exVideo('hvc1', 1, idr, { offset: 40 }));
    expect(publication.track('video')).toMatchObject({
      caps: { codec: 'hevc', width: 322 },
      items: [{ dts: 0, pts: 40, key: true }],
    });
    take('video', 40, flv.exVideo('av01', 0, flv.AV1));
    take('video', 40, flv.exVideo('av01', 1, Buffer.from('12000a0b000000043d06ccfbf9004032021000', 'hex')));
    const av1 = publication.track('video');
    expect(av1.caps).toMatchObject({ codec: 'av1', bFrames: false });
    // The temporal delimiter (12 00) goes.
    expect(Buffer.from(av1.items[0]!.data).toString('hex')).toBe('0a0b000000043d06ccfbf9004032021000');
  });

  it('carries Opus with and without its head', () => {
    const { publication, take } = setUp();
    take('audio', 0, flv.exAudio('Opus', 1, Buffer.of(0xfc, 1, 2)));
    expect(publication.track('audio').caps).toMatchObject({
      codec: 'opus',
      channels: 2,
      sampleRate: 48_000,
      timescale: 1000,
    });
    const head = Buffer.concat([Buffer.from('OpusHead'), Buffer.from('0101380180bb0000000000', 'hex')]);
    take('audio', 20, flv.exAudio('Opus', 0, head));
    expect(publication.track('audio').caps).toMatchObject({ codec: 'opus', channels: 1 });
    expect(publication.track('audio').replaces).toBe(publication.tracks[0]);
  });

  it('drops only the track whose codec it does not carry, and says so', () => {
    const { publication, take, codes, reports, drops } = setUp();
    take('audio', 0, flv.exAudio('fLaC', 0, Buffer.of(1)));
    take('audio', 0, flv.exAudio('fLaC', 1, Buffer.of(1)));
    take('video', 0, flv.avcHeader(flv.AVC_HIGH));
    take('video', 0, flv.avcFrame(true, 0, idr));
    expect(publication.tracks.map(({ pad }) => pad)).toEqual(['video']);
    expect(codes()).toEqual(['ingest.rtmp/CODEC_UNSUPPORTED']);
    expect(reports[0]!.message).toContain("'fLaC'");
    expect(drops).toEqual(['codec-unsupported', 'codec-unsupported']);
  });
});

describe('audio and data', () => {
  it('becomes a track, and a new one when its configuration changes', () => {
    const { publication, take } = setUp();
    take('audio', 0, flv.aacHeader(flv.AAC_44));
    take('audio', 0, flv.aacFrame(Buffer.of(7)));
    take('audio', 23, flv.aacHeader(flv.AAC_44));
    take('audio', 23, flv.aacHeader(flv.AAC_48));
    expect(publication.tracks.map(({ caps }) => caps)).toMatchObject([
      { codec: 'aac', timescale: 1000, sampleRate: 44_100, channels: 2, config: flv.AAC_44 },
      { codec: 'aac', timescale: 1000, sampleRate: 48_000, channels: 1, config: flv.AAC_48 },
    ]);
    expect(publication.tracks[0]!.items).toMatchObject([{ dts: 0, pts: 0, key: true }]);
  });

  it('passes script messages on only where they are wanted', () => {
    const cue = amf0('onCuePoint', { name: 'ad', time: 3 });
    const unwanted = setUp(false);
    unwanted.take('data', 5, cue);
    expect(unwanted.publication.tracks).toHaveLength(0);
    const wanted = setUp(true);
    wanted.take('data', 5, cue);
    expect(wanted.publication.track('data')).toMatchObject({
      caps: { kind: 'data', codec: 'amf', timescale: 1000 },
      items: [{ dts: 5, data: cue }],
    });
  });

  it.each([
    ['video', new Uint8Array(0)],
    ['video', Uint8Array.of(0x17, 1)],
    ['video', Uint8Array.of(0x17, 0, 0, 0, 0, 1, 2)],
    ['audio', Uint8Array.of(0xaf, 0, 0xff)],
    ['data', Uint8Array.of(0x42)],
  ] as const)('refuses a %s message that is broken: %j', (kind, body) => {
    expect(() => setUp().take(kind, 0, body)).toThrow(RtmpRefusal);
  });

  it('counts empty audio messages, which some encoders send', () => {
    const { take, drops } = setUp();
    take('audio', 0, new Uint8Array(0));
    expect(drops).toEqual(['empty']);
  });
});
