import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { encodeWire, MediaError, WIRE_HEADER_SIZE, WireDecoder, type WireMessage } from '../../../core/media/index.ts';

const ticks = fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 });
const data = fc.uint8Array({ maxLength: 300 });
const epoch = fc.double({ min: 0, max: 2e12, noNaN: true });

const message: fc.Arbitrary<WireMessage> = fc.oneof(
  fc.record({
    type: fc.constant('unit' as const),
    track: fc.nat(),
    unit: fc.record(
      { dts: ticks, pts: ticks, duration: ticks, key: fc.boolean(), data, arrivedAt: epoch, capturedAt: epoch },
      { requiredKeys: ['dts', 'pts', 'key', 'data', 'arrivedAt'] },
    ),
  }),
  fc.record({
    type: fc.constant('track' as const),
    track: fc.nat(),
    id: fc.string(),
    media: fc.constantFrom('frames', 'chunks'),
    caps: fc.record({ codec: fc.string(), timescale: fc.nat(), config: data }),
  }),
  fc.record({
    type: fc.constant('item' as const),
    track: fc.nat(),
    item: fc.record({ segment: fc.nat(), writer: fc.string(), last: fc.boolean(), data }),
  }),
  fc.record({
    type: fc.constant('gap' as const),
    track: fc.nat(),
    from: epoch,
    to: epoch,
    cause: fc.constantFrom('publisher-lost' as const, 'crash' as const),
  }),
  fc.record({
    type: fc.constant('discontinuity' as const),
    track: fc.nat(),
    cause: fc.constant('clock-jumped' as const),
  }),
  fc.record({ type: fc.constant('end' as const), track: fc.nat(), cause: fc.constant('publisher-ended' as const) }),
);

const encode = (messages: readonly WireMessage[]): Buffer =>
  Buffer.concat(messages.flatMap((each) => encodeWire(each)));

describe('wire framing', () => {
  it('gives back what was sent, however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.array(message, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 200 })), (messages, cuts) => {
        const bytes = encode(messages);
        const decoder = new WireDecoder();
        const got: WireMessage[] = [];
        let at = 0;
        for (const size of [...cuts, bytes.length]) {
          got.push(...decoder.push(bytes.subarray(at, at + size)));
          at += size;
        }
        expect(got).toEqual(messages);
        expect(decoder.idle).toBe(true);
      }),
    );
  });

  it('carries Buffers in caps as bytes', () => {
    const caps = { init: Buffer.from([1, 2, 3]) };
    const [got] = new WireDecoder().push(encode([{ type: 'track', track: 1, id: 'video', media: 'chunks', caps }]));
    expect(got).toMatchObject({ caps: { init: Uint8Array.of(1, 2, 3) } });
  });

  it('keeps plain items without bytes', () => {
    const item = { id: 'cam/video/1', duration: 2000 };
    expect(new WireDecoder().push(encode([{ type: 'item', track: 2, item }]))).toEqual([
      { type: 'item', track: 2, item },
    ]);
  });

  it('passes the payload on without a copy', () => {
    const payload = new Uint8Array(10);
    const unit = { dts: 0, pts: 0, key: true, data: payload, arrivedAt: 0 };
    expect(encodeWire({ type: 'unit', track: 0, unit })[1]).toBe(payload);
  });

  it('does not pin or share the bytes it was given', () => {
    const bytes = encode([
      { type: 'unit', track: 0, unit: { dts: 0, pts: 0, key: true, data: Uint8Array.of(5), arrivedAt: 0 } },
    ]);
    const [got] = new WireDecoder().push(bytes);
    bytes.fill(0);
    expect(got).toMatchObject({ unit: { data: Uint8Array.of(5) } });
  });

  it('knows when a stream was cut', () => {
    const decoder = new WireDecoder();
    decoder.push(encode([{ type: 'end', track: 0, cause: 'failed' }]).subarray(0, 60));
    expect(decoder.idle).toBe(false);
  });

  it('refuses announced sizes above its limits before they arrive', () => {
    const head = encode([
      { type: 'unit', track: 0, unit: { dts: 0, pts: 0, key: true, data: new Uint8Array(101), arrivedAt: 0 } },
    ]);
    const decoder = new WireDecoder({ maxPayload: 100 });
    expect(() => decoder.push(head.subarray(0, WIRE_HEADER_SIZE))).toThrow(
      expect.objectContaining({ code: 'MEDIA_TOO_LARGE' }),
    );
    expect(() => decoder.push(encode([]))).toThrow(MediaError);
  });

  it.each([
    ['another magic', 0, 0x00, 'MEDIA_MALFORMED'],
    ['another version', 1, 9, 'MEDIA_UNSUPPORTED'],
    ['an unknown type', 2, 77, 'MEDIA_MALFORMED'],
  ])('refuses %s', (_name, at, value, code) => {
    const bytes = encode([{ type: 'end', track: 0, cause: 'failed' }]);
    bytes[at] = value;
    expect(() => new WireDecoder().push(bytes)).toThrow(expect.objectContaining({ code }));
  });

  it('never throws anything but a MediaError', () => {
    fc.assert(
      fc.property(message, fc.nat(), fc.nat(255), (one, at, value) => {
        const bytes = encode([one]);
        bytes[at % bytes.length] = value;
        try {
          new WireDecoder().push(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(MediaError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
