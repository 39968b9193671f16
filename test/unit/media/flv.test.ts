import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MediaError, parseFlvAudio, parseFlvVideo, readFlvMetadata } from '../../../core/media/index.ts';

const bytes = (...parts: (number | string)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part, 'latin1')] : [part])));

describe('FLV video', () => {
  it('reads legacy H.264: header, frames, end', () => {
    expect(parseFlvVideo(bytes(0x17, 0, 0, 0, 0, 1, 2, 3))).toEqual({
      type: 'config',
      codec: 'h264',
      config: bytes(1, 2, 3),
    });
    expect(parseFlvVideo(bytes(0x17, 1, 0, 0, 67, 9))).toMatchObject({
      type: 'frame',
      key: true,
      compositionOffset: 67,
      data: bytes(9),
    });
    expect(parseFlvVideo(bytes(0x27, 1, 0xff, 0xff, 0xdf, 9))).toMatchObject({ key: false, compositionOffset: -33 });
    expect(parseFlvVideo(bytes(0x17, 2, 0, 0, 0))).toEqual({ type: 'end', codec: 'h264' });
  });

  it('reads HEVC under the unofficial codec id 12', () => {
    expect(parseFlvVideo(bytes(0x1c, 0, 0, 0, 0, 1))).toMatchObject({ type: 'config', codec: 'hevc' });
  });

  it.each([
    ['hvc1', 'hevc'],
    ['avc1', 'h264'],
    ['av01', 'av1'],
    ['vp09', 'vp9'],
  ])('reads Enhanced RTMP %s', (name, codec) => {
    expect(parseFlvVideo(bytes(0x90, name, 1, 2))).toEqual({ type: 'config', codec, config: bytes(1, 2) });
    expect(parseFlvVideo(bytes(0xa3, name, 7))).toMatchObject({
      type: 'frame',
      codec,
      key: false,
      compositionOffset: 0,
      data: bytes(7),
    });
    expect(parseFlvVideo(bytes(0x92, name))).toEqual({ type: 'end', codec });
  });

  it('reads a composition offset in CodedFrames of H.264 and HEVC only', () => {
    expect(parseFlvVideo(bytes(0x91, 'hvc1', 0xff, 0xff, 0xfe, 7))).toMatchObject({
      compositionOffset: -2,
      data: bytes(7),
    });
    expect(parseFlvVideo(bytes(0x91, 'av01', 1, 2, 3, 7))).toMatchObject({
      compositionOffset: 0,
      data: bytes(1, 2, 3, 7),
    });
  });

  it('passes ModEx prefixes and keeps the nanosecond offset', () => {
    const body = bytes(0x97, 2, 0x07, 0xa1, 0x20, 0x03, 'avc1', 7); // 500000 ns, then CodedFramesX
    expect(parseFlvVideo(body)).toMatchObject({ type: 'frame', codec: 'h264', nanoOffset: 500_000, data: bytes(7) });
  });

  it('gives colour information as it came and passes over commands', () => {
    expect(parseFlvVideo(bytes(0x94, 'hvc1', 2, 0))).toEqual({ type: 'metadata', amf: bytes(2, 0) });
    expect(parseFlvVideo(bytes(0x57, 1))).toMatchObject({ type: 'ignored' });
    expect(parseFlvVideo(bytes(0xd0, 0))).toMatchObject({ type: 'ignored' });
    expect(parseFlvVideo(bytes(0x27, 1, 0, 0, 0))).toMatchObject({ type: 'ignored' });
  });

  it.each([
    ['nothing', bytes(), 'MEDIA_TRUNCATED', /video message/],
    ['a lone header', bytes(0x17), 'MEDIA_TRUNCATED', /header/],
    ['a bare sequence header', bytes(0x17, 0, 0, 0, 0), 'MEDIA_TRUNCATED', /h264 sequence header/],
    ['Sorenson', bytes(0x12, 1, 2, 3, 4), 'MEDIA_UNSUPPORTED', /Sorenson/],
    ['multitrack', bytes(0x96, 0x00, 'avc1', 0), 'MEDIA_UNSUPPORTED', /multitrack/],
    ['an unknown FourCC', bytes(0x91, 'x\n\x00y', 1), 'MEDIA_UNSUPPORTED', /'x\?\?y'/],
    ['a cut FourCC', bytes(0x91, 'av'), 'MEDIA_TRUNCATED', /FourCC/],
    ['an unknown packet type', bytes(0x17, 9, 0, 0, 0, 1), 'MEDIA_MALFORMED', /packet type 9/],
    ['endless ModEx', bytes(0x97, 0xff, 0xff, 0xff, 1), 'MEDIA_TRUNCATED', /ModEx/],
  ])('refuses %s with a reason', (_name, body, code, message) => {
    const result = parseFlvVideo(body);
    expect(result.type).toBe('refused');
    expect(result).toMatchObject({ error: { code } });
    expect(result.type === 'refused' && result.error.message).toMatch(message);
  });
});

describe('FLV audio', () => {
  it('reads AAC, MP3 and Enhanced RTMP', () => {
    expect(parseFlvAudio(bytes(0xaf, 0, 0x12, 0x10))).toEqual({
      type: 'config',
      codec: 'aac',
      config: bytes(0x12, 0x10),
    });
    expect(parseFlvAudio(bytes(0xaf, 1, 0x21))).toMatchObject({ type: 'frame', codec: 'aac', data: bytes(0x21) });
    expect(parseFlvAudio(bytes(0x2f, 0xff))).toMatchObject({ type: 'frame', codec: 'mp3', data: bytes(0xff) });
    expect(parseFlvAudio(bytes(0x90, 'Opus', 1))).toEqual({ type: 'config', codec: 'opus', config: bytes(1) });
    expect(parseFlvAudio(bytes(0x91, 'mp4a', 1))).toMatchObject({ type: 'frame', codec: 'aac' });
    expect(parseFlvAudio(bytes(0x92, 'Opus'))).toEqual({ type: 'end', codec: 'opus' });
    expect(parseFlvAudio(bytes(0x94, 'Opus', 0, 2))).toMatchObject({ type: 'ignored' });
    expect(parseFlvAudio(bytes(0xaf, 1))).toMatchObject({ type: 'ignored' });
  });

  it('refuses what it cannot carry', () => {
    expect(parseFlvAudio(bytes(0xb2, 1))).toMatchObject({ type: 'refused', error: { code: 'MEDIA_UNSUPPORTED' } });
    expect(parseFlvAudio(bytes(0x95, 0, 'mp4a'))).toMatchObject({
      type: 'refused',
      error: { code: 'MEDIA_UNSUPPORTED' },
    });
    expect(parseFlvAudio(bytes(0x91, 'fLaC', 1))).toMatchObject({
      type: 'refused',
      error: { code: 'MEDIA_UNSUPPORTED' },
    });
    expect(parseFlvAudio(bytes(0xaf))).toMatchObject({ type: 'refused', error: { code: 'MEDIA_TRUNCATED' } });
  });
});

it('never throws, whatever arrives', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), (body) => {
      for (const result of [parseFlvVideo(body), parseFlvAudio(body)]) {
        if (result.type === 'refused') expect(result.error).toBeInstanceOf(MediaError);
      }
    }),
    { numRuns: 2000 },
  );
});

it('takes known values out of onMetaData and leaves nonsense', () => {
  expect(
    readFlvMetadata({ width: 1280, height: 720, framerate: 30, videodatarate: 2500, encoder: 'obs', x: {} }),
  ).toEqual({
    width: 1280,
    height: 720,
    frameRate: 30,
    videoBitrate: 2_500_000,
    encoder: 'obs',
  });
  expect(readFlvMetadata({ width: '1280', height: -1, framerate: NaN })).toEqual({});
  expect(readFlvMetadata(null)).toEqual({});
});
