import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  Av1Depacketizer,
  buildAvcConfig,
  h264Payloads,
  H264Depacketizer,
  HevcDepacketizer,
  joinLengthPrefixed,
  MediaError,
  parseAvcConfig,
  Vp8Depacketizer,
  Vp9Depacketizer,
  type Depacketizer,
} from '../../../core/media/index.ts';
import { syntheticVideo } from '../../../core/testing/index.ts';
import { av1Payloads, leb128, vp8Payloads, vp9Payloads } from '../../support/rtp-payloads.ts';

const { sps, pps } = parseAvcConfig(syntheticVideo().caps.config);
const SETS = [sps[0]!, pps[0]!];
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));
const join = (...parts: readonly (readonly number[] | Uint8Array)[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

function through(depacketizer: Depacketizer, payloads: readonly (readonly Uint8Array[])[]) {
  for (const payload of payloads) depacketizer.push(join(...payload));
  return depacketizer.finish();
}

/** The slices of one picture: the first says so by its first bit. */
const slices = (type: 1 | 5) =>
  fc
    .array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { minLength: 1, maxLength: 6 })
    .map((list) => list.map((body, i) => join([0x60 | type, i === 0 ? 0x88 : 0x40], body)));

describe('H.264 in RTP', () => {
  it('goes into packets of any size and comes out byte for byte', () => {
    fc.assert(
      fc.property(slices(5), slices(1), fc.integer({ min: 16, max: 400 }), (idr, p, limit) => {
        const depacketizer = new H264Depacketizer();
        const first = h264Payloads([...SETS, ...idr], limit);
        for (const payload of first)
          expect(payload.reduce((sum, piece) => sum + piece.length, 0)).toBeLessThanOrEqual(limit);
        expect(through(depacketizer, first)).toEqual({
          data: joinLengthPrefixed(idr),
          key: true,
          config: buildAvcConfig(sps, pps),
        });
        expect(through(depacketizer, h264Payloads(p, limit))).toEqual({ data: joinLengthPrefixed(p), key: false });
      }),
    );
  });

  it('parameter sets share a STAP-A with what is small, and a large slice goes in equal parts', () => {
    const payloads = h264Payloads([...SETS, join([0x65, 0x88], new Uint8Array(2500))], 1188);
    expect(payloads.map(([head]) => head![0]! & 0x1f)).toEqual([24, 28, 28, 28]);
    expect(payloads.slice(1).map(([, part]) => part!.length)).toEqual([834, 834, 833]);
    expect(payloads.slice(1).map(([head]) => head![1])).toEqual([0x85, 0x05, 0x45]);
  });

  it('parameter sets come alone, in fragments or twice, and are the same configuration object', () => {
    const depacketizer = new H264Depacketizer();
    const idr = bytes('65 88 01');
    const fragments = [join([0x7c, 0x87], sps[0]!.subarray(1, 5)), join([0x7c, 0x47], sps[0]!.subarray(5))];
    const a = through(depacketizer, [[fragments[0]!], [fragments[1]!], [pps[0]!], [pps[0]!], [idr]]);
    expect(a).toMatchObject({ key: true, config: buildAvcConfig(sps, pps), data: joinLengthPrefixed([idr]) });
    const b = through(depacketizer, [[sps[0]!], [pps[0]!], [bytes('09 f0')], [idr]]);
    expect(b!.config).toBe(a!.config);
    expect(b!.data).toEqual(joinLengthPrefixed([idr]));
  });

  it('sets in a packet of their own hold for the next picture', () => {
    const depacketizer = new H264Depacketizer();
    expect(through(depacketizer, h264Payloads(SETS, 1000))).toBeUndefined();
    expect(through(depacketizer, [[bytes('65 88 01')]])).toMatchObject({ key: true, config: buildAvcConfig(sps, pps) });
  });

  it('a picture without its beginning is none, and a key frame without sets ever seen is no key frame', () => {
    const depacketizer = new H264Depacketizer();
    expect(through(depacketizer, [[bytes('65 40 01')]])).toBeUndefined();
    expect(through(depacketizer, [[bytes('65 88 01')]])).toMatchObject({ key: false });
  });

  it('after a loss, a key frame whose sets may have been lost is distrusted once', () => {
    const depacketizer = new H264Depacketizer();
    through(depacketizer, [...h264Payloads(SETS, 1000), [bytes('65 88 01')]]);
    depacketizer.reset();
    expect([1, 2].map(() => through(depacketizer, [[bytes('65 88 01')]])!.key)).toEqual([false, true]);
  });

  it.each([
    ['a fragment without a beginning', ['7c 05 aa']],
    ['a beginning within a fragment', ['7c 85 88', '7c 85 88']],
    ['an aggregate that ends early', ['78 00 09 65']],
    ['an empty unit in an aggregate', ['78 00 00']],
    ['the interleaved mode', ['7d 00 01']],
    ['a fragment of nothing', ['7c 85']],
  ])('%s is refused', (_, payloads) => {
    const depacketizer = new H264Depacketizer();
    expect(() => payloads.forEach((payload) => depacketizer.push(bytes(payload)))).toThrow(MediaError);
  });
});

describe('HEVC in RTP', () => {
  it('single units, aggregates and fragments come out byte for byte', () => {
    const { data: _, ...hvc } = syntheticVideo({ codec: 'hevc' }).frame(0);
    const config = syntheticVideo({ codec: 'hevc' }).caps.config;
    expect(hvc.key).toBe(true);
    const sets = [];
    for (let at = 23, arrays = config[22]!; arrays > 0; arrays--) {
      const length = config[at + 3]! * 256 + config[at + 4]!;
      sets.push(config.subarray(at + 5, at + 5 + length));
      at += 5 + length;
    }
    const idr = join([0x26, 0x01, 0x80], new Uint8Array(100).fill(7));
    const aggregate = join([0x60, 0x01], ...sets.flatMap((set) => [[set.length >> 8, set.length & 255], set]));
    const parts = [idr.subarray(2, 40), idr.subarray(40, 80), idr.subarray(80)];
    const fus = parts.map((part, i) => join([0x62, 0x01, (i === 0 ? 0x80 : 0) | (i === 2 ? 0x40 : 0) | 19], part));
    const depacketizer = new HevcDepacketizer();
    const frame = through(depacketizer, [[aggregate], ...fus.map((fu) => [fu])]);
    expect(frame).toMatchObject({ key: true, data: joinLengthPrefixed([idr]) });
    expect(frame!.config!.subarray(13)).toEqual(config.subarray(13));
    const p = bytes('02 01 d0 01');
    expect(through(depacketizer, [[p]])).toEqual({ key: false, data: joinLengthPrefixed([p]) });
  });
});

const body = fc.uint8Array({ minLength: 12, maxLength: 900 });
const limit = fc.integer({ min: 5, max: 300 });

describe('VP8, VP9 and AV1 in RTP', () => {
  it('VP8 comes out byte for byte', () => {
    fc.assert(
      fc.property(body, limit, fc.boolean(), (frame, most, key) => {
        frame[0] = (frame[0]! & 0xfe) | (key ? 0 : 1);
        const payloads = vp8Payloads(frame, most).map((payload) => [payload]);
        expect(through(new Vp8Depacketizer(), payloads)).toEqual({ data: frame, key });
      }),
    );
  });

  it('VP9 comes out byte for byte', () => {
    fc.assert(
      fc.property(body, limit, fc.boolean(), (frame, most, key) => {
        frame[0] = key ? 0x82 : 0x86; // frame marker 2, profile 0, frame_type
        const payloads = vp9Payloads([frame], most, key).map((payload) => [payload]);
        expect(through(new Vp9Depacketizer(), payloads)).toEqual({ data: frame, key });
      }),
    );
  });

  it('spatial layers of VP9 become one superframe', () => {
    const layers = [join([0x82], new Uint8Array(300)), join([0x86], new Uint8Array(700))];
    const frame = through(
      new Vp9Depacketizer(),
      vp9Payloads(layers, 200, true).map((payload) => [payload]),
    );
    const index = bytes('d9 2d010000 bd020000 d9');
    expect(frame).toEqual({ key: true, data: join(...layers, index) });
  });

  it('AV1 comes out with its sizes put back', () => {
    const obu = fc.record({ type: fc.constantFrom(1, 3, 4, 6), extension: fc.boolean(), data: body });
    fc.assert(
      fc.property(fc.array(obu, { minLength: 1, maxLength: 5 }), fc.integer({ min: 8, max: 300 }), (obus, most) => {
        const headers = obus.map(({ type, extension }) => [
          (type << 3) | (extension ? 4 : 0),
          ...(extension ? [0x28] : []),
        ]);
        const sent = obus.map(({ data }, i) => join(headers[i]!, data));
        const whole = obus.map(({ data }, i) => {
          const [head, ...extension] = headers[i]!;
          return join([head! | 2, ...extension, ...leb128(data.length)], data);
        });
        const payloads = av1Payloads([bytes('10'), ...sent], most).map((payload) => [payload]);
        expect(through(new Av1Depacketizer(), payloads)!.data).toEqual(join(...whole));
      }),
    );
  });

  it('AV1 with counted elements: the last has no length', () => {
    const frame = through(new Av1Depacketizer(), [[bytes('28 02 0a01 30 10aabb'.replace('0a01', '0801'))]]);
    expect(frame!.data).toEqual(bytes('0a 01 01 32 03 10aabb'));
  });

  it('whatever arrives, depacketizers refuse with a MediaError or take it', () => {
    const all = [H264Depacketizer, HevcDepacketizer, Vp8Depacketizer, Vp9Depacketizer, Av1Depacketizer];
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), (payloads) => {
        for (const Type of all) {
          const depacketizer = new Type();
          for (const payload of payloads) {
            try {
              depacketizer.push(payload);
              if (payload.length % 3 === 0) depacketizer.finish();
            } catch (error) {
              expect(error).toBeInstanceOf(MediaError);
              depacketizer.reset();
            }
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});
