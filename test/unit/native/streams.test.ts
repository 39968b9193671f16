import { describe, expect, it } from 'vitest';
import { buildOpusHead } from 'eddy/media';
import { parseGstCaps, readOutputCaps, writeInputCaps } from '../../../plugins/native/gstreamer/caps.ts';
import { GDP, type GdpPacket } from '../../../plugins/native/gstreamer/gdp.ts';
import { expandLaunch } from '../../../plugins/native/gstreamer/launch.ts';
import { OutputDecoder } from '../../../plugins/native/gstreamer/output.ts';

const AVCC = '0142c015ffe1001b6742c015da109b016a0c0c0d4a000003000200000300791e2c5d4001000468ce3c80';
const H264 =
  `video/x-h264, codec_data=(buffer)${AVCC}, stream-format=(string)avc, alignment=(string)au, level=(string)2.1, ` +
  'width=(int)64, height=(int)64, framerate=(fraction)30/1, multiview-flags=(GstVideoMultiviewFlagsSet)0:ffffffff:/a/b/c';
const AAC =
  'audio/mpeg, channels=(int)2, rate=(int)48000, mpegversion=(int)4, stream-format=(string)raw, codec_data=(buffer)119056e500';

describe('caps', () => {
  it('reads names, types, quotes and arrays', () => {
    expect(parseGstCaps('video/x-h264').fields).toEqual({});
    expect(parseGstCaps('a/b, x=(string)"q, \\"r\\"", y=(buffer)< 01, 02 >, z=(int)3;')).toEqual({
      name: 'a/b',
      fields: { x: 'q, "r"', y: '< 01, 02 >', z: '3' },
    });
  });

  it('makes track caps of what encoders say', () => {
    expect(readOutputCaps(H264)).toMatchObject({
      annexB: false,
      caps: { kind: 'video', codec: 'h264', timescale: 90_000, width: 64, height: 64, codecString: 'avc1.42c015' },
    });
    expect(readOutputCaps(AAC)).toMatchObject({
      caps: { kind: 'audio', codec: 'aac', timescale: 48_000, channels: 2, codecString: 'mp4a.40.2' },
    });
    const head = { channels: 1, preSkip: 100, inputRate: 8000, gain: 0, mappingFamily: 0, mapping: new Uint8Array(0) };
    const hex = Buffer.from(buildOpusHead(head)).toString('hex');
    const opus = readOutputCaps(
      `audio/x-opus, rate=(int)48000, channels=(int)1, streamheader=(buffer)< ${hex}, 4f70 >`,
    );
    expect(opus).toMatchObject({ caps: { kind: 'audio', codec: 'opus', channels: 1, timescale: 48_000 } });
    expect(readOutputCaps('video/x-raw, width=(int)64')).toBeUndefined();
  });

  it('writes what it reads', () => {
    for (const text of [H264, AAC]) {
      const { caps } = readOutputCaps(text)!;
      expect(readOutputCaps(writeInputCaps(caps!))?.caps).toEqual(caps);
    }
    expect(() => writeInputCaps({ kind: 'data', codec: 'scte35', timescale: 1 })).toThrow(/no scte35/);
  });
});

describe('frames of an output', () => {
  const text = (type: number, value: string): GdpPacket => ({
    type,
    pts: undefined,
    dts: undefined,
    duration: undefined,
    delta: false,
    payload: Buffer.from(`${value}\0`),
  });
  const buffer = (pts: bigint | undefined, more: Partial<GdpPacket> = {}): GdpPacket => ({
    type: GDP.buffer,
    pts,
    dts: pts,
    duration: 20_000_000n,
    delta: false,
    payload: Buffer.from([0, 0, 0, 2, 0x65, 1]),
    ...more,
  });
  const segment = (start: number): GdpPacket =>
    text(GDP.segment, `GstEventSegment, segment=(GstSegment)"base=(guint64)0, start=(guint64)${start}"`);

  it('have running time in ticks, and key where they are no delta units', () => {
    const decoder = new OutputDecoder();
    expect(decoder.take(text(GDP.caps, H264))).toBeUndefined();
    expect(decoder.take(segment(3_600_000_000_000_000))).toBeUndefined();
    const first = decoder.take(buffer(3_600_000_000_000_000n))!;
    expect(first.unit).toMatchObject({ dts: 0, pts: 0, duration: 1800, key: true });
    const next = decoder.take(buffer(3_600_000_060_000_000n, { dts: 3_600_000_020_000_000n, delta: true }))!;
    expect(next.unit).toMatchObject({ dts: 1800, pts: 5400, key: false });
    expect(next.caps).toBe(first.caps);
  });

  it('take a missing time from the other one, or from the frame before', () => {
    const decoder = new OutputDecoder();
    decoder.take(text(GDP.caps, H264));
    expect(decoder.take(buffer(100_000_000n, { dts: undefined }))!.unit).toMatchObject({ dts: 9000, pts: 9000 });
    expect(decoder.take(buffer(undefined, { dts: 120_000_000n }))!.unit).toMatchObject({ dts: 10_800, pts: 10_800 });
    expect(decoder.take(buffer(undefined))!.unit).toMatchObject({ dts: 12_600, pts: 12_600 });
  });

  it('come from start codes too, once the parameters are known', () => {
    const decoder = new OutputDecoder();
    decoder.take(text(GDP.caps, 'video/x-h264, stream-format=(string)byte-stream, alignment=(string)au'));
    const start = Buffer.from([0, 0, 0, 1]);
    const record = Buffer.from(AVCC, 'hex');
    const [sps, pps] = [record.subarray(8, 35), record.subarray(38)];
    const delta = buffer(0n, { delta: true, payload: Buffer.concat([start, Buffer.from([0x41, 1, 2])]) });
    expect(decoder.take(delta)).toBeUndefined();
    const key = Buffer.concat([start, sps, start, pps, start, Buffer.from([0x65, 1, 2])]);
    expect(decoder.take(buffer(0n, { payload: key }))).toMatchObject({
      caps: { width: 64, codecString: 'avc1.42c015' },
    });
    expect(Buffer.from(decoder.take(delta)!.unit.data)).toEqual(Buffer.from([0, 0, 0, 3, 0x41, 1, 2]));
  });

  it('are refused before caps, and raw ones altogether', () => {
    expect(() => new OutputDecoder().take(buffer(0n))).toThrow(/before its caps/);
    expect(() => new OutputDecoder().take(text(GDP.caps, 'video/x-raw'))).toThrow(/no coded stream/);
  });
});

describe('a launch', () => {
  const spec = { label: 'x', launch: '{in:a} ! x ! {out:b} {src:c} ! y', outputs: [{ name: 'b' }] };
  const caps = readOutputCaps(AAC)!.caps!;
  const generator = { module: 'file:///m.ts', options: {}, sources: { c: 'audio/x-raw' } };

  it('gets its descriptors filled in', () => {
    const expanded = expandLaunch({ ...spec, inputs: [{ name: 'a', caps }], generator });
    expect(expanded.pipes).toEqual(['in:a', 'out:b']);
    const text = expanded.describe({ 'in:a': 4, 'out:b': 5 });
    expect(text).toMatch(
      /^fdsrc fd=4 .*! gdpdepay ! x ! gdppay name=eddy_out_b ! fdsink fd=5 .* appsrc name=eddy_src_c .*caps="audio\/x-raw" ! y$/,
    );
  });

  it('has an end that a monitor listens to', () => {
    const monitor = { module: 'file:///m.ts', options: {}, tap: 't', caps: 'audio/x-raw' };
    const text = expandLaunch({ label: 'x', launch: 'a ! {tap:t}', monitor }).describe({});
    expect(text).toMatch(/^a ! appsink name=eddy_tap_t .*drop=true .*caps="audio\/x-raw"$/);
    expect(() => expandLaunch({ label: 'x', launch: 'a', monitor })).toThrow(/\{tap:t\} must stand once/);
  });

  it.each([
    ['a stream without a place', { ...spec, inputs: [{ name: 'z', caps }] }, /\{in:z\} must stand once/],
    ['a place without a stream', spec, /\{in:a\} in the launch of "x" is not declared/],
    ['a place that stands twice', { ...spec, launch: '{out:b} {out:b}' }, /not 2 times/],
    ['a name that could carry more', { ...spec, outputs: [{ name: 'b ! filesink' }] }, /no name of a stream/],
  ])('is refused with %s', (_what, wrong, message) => {
    expect(() => expandLaunch(wrong)).toThrow(message);
  });
});
