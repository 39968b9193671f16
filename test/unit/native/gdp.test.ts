import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  GDP,
  gdpHeader,
  gdpPreamble,
  GdpReader,
  gdpText,
  segmentOrigin,
} from '../../../plugins/native/gstreamer/gdp.ts';
import type { GdpPacket } from '../../../plugins/native/gstreamer/gdp.ts';

/** A header as gdppay 1.22 wrote it before x264enc's second buffer: 444 bytes, pts 1000 h + 1/30 s, a delta unit. */
const REAL = Buffer.from(
  '010001000001000001bc000cca2e532da0550000000001fca055ffffffffff' +
    'ffffffffffffffffffffff2000000cca2e532da055000000000000d9820000',
  'hex',
);

describe('GDP', () => {
  it('reads what GStreamer writes', () => {
    const bytes = Buffer.concat([REAL, Buffer.alloc(444, 9)]);
    const [packet, ...more] = new GdpReader().push(bytes);
    expect(more).toEqual([]);
    expect(packet).toMatchObject({ type: GDP.buffer, pts: 3_600_000_033_333_333n, duration: 33_333_333n, delta: true });
    expect(packet!.dts).toBe(packet!.pts);
    expect(packet!.payload).toEqual(Buffer.alloc(444, 9));
  });

  const time = fc.option(fc.bigInt(0n, 2n ** 64n - 2n), { nil: undefined });
  const packets = fc.array(
    fc.record({
      type: fc.constantFrom(GDP.buffer, GDP.caps, GDP.segment, GDP.eos),
      pts: time,
      dts: time,
      duration: time,
      delta: fc.boolean(),
      payload: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    }),
  );

  it('gives back what was written, however the bytes are cut', () => {
    fc.assert(
      fc.property(packets, fc.array(fc.integer({ min: 1, max: 200 })), (written, cuts) => {
        const bytes = Buffer.concat(
          written.flatMap((packet) => [gdpHeader(packet, packet.payload.length), packet.payload]),
        );
        const reader = new GdpReader();
        const read: GdpPacket[] = [];
        let at = 0;
        for (const cut of cuts) read.push(...reader.push(bytes.subarray(at, (at += cut))));
        read.push(...reader.push(bytes.subarray(at)));
        expect(read).toEqual(written);
      }),
    );
  });

  it('does not share memory with the piece that a payload came in', () => {
    const piece = Buffer.concat([
      gdpHeader({ type: 1, pts: 0n, dts: 0n, duration: undefined, delta: false }, 3),
      Buffer.from('abc'),
    ]);
    const [packet] = new GdpReader().push(piece);
    piece.fill(0);
    expect(packet!.payload.toString()).toBe('abc');
  });

  it('refuses a packet above its limit before it takes memory for it, and bytes that are no GDP', () => {
    const header = gdpHeader({ type: 1, pts: 0n, dts: 0n, duration: undefined, delta: false }, 0xffff_ffff);
    expect(() => [...new GdpReader().push(header)]).toThrow(/4294967295 bytes, above the limit/);
    expect(() => [...new GdpReader().push(Buffer.alloc(62, 0x47))]).toThrow(/version 71/);
  });

  it('opens a stream with start, caps and segment', () => {
    const read = [...new GdpReader().push(gdpPreamble('cam', 'video/x-h264, width=(int)640'))];
    expect(read.map(({ type }) => type)).toEqual([GDP.streamStart, GDP.caps, GDP.segment]);
    expect(gdpText(read[1]!.payload)).toBe('video/x-h264, width=(int)640');
    expect(segmentOrigin(gdpText(read[2]!.payload))).toEqual({ start: 0n, base: 0n });
  });

  it('finds where a segment begins', () => {
    const text =
      'GstEventSegment, segment=(GstSegment)"segment, base=(guint64)7, offset=(guint64)0, start=(guint64)3600000000000000, stop=(guint64)5";';
    expect(segmentOrigin(text)).toEqual({ start: 3_600_000_000_000_000n, base: 7n });
  });
});
