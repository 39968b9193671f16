import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeAmf0 } from '../../../plugins/ingest/rtmp/amf0.ts';
import { RtmpRefusal } from '../../../plugins/ingest/rtmp/refusal.ts';
import { amf0 } from '../../support/amf0-writer.ts';

const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe('AMF0', () => {
  it('reads what encoders send', () => {
    const object = { app: 'live', audio: true, ratio: 29.97, nothing: null, deep: { list: [1, 'zwei', { x: 3 }] } };
    expect(plain(decodeAmf0(amf0('connect', 1, object)))).toEqual(['connect', 1, object]);
  });

  it('reads what follows an ECMA array, inside and outside', () => {
    // The library is off by one byte here.
    const tracks = new Map([['audio', 2]]);
    expect(
      plain(
        decodeAmf0(
          amf0(
            new Map<string, unknown>([
              ['tracks', tracks],
              ['width', 640],
            ]),
            'after',
          ),
        ),
      ),
    ).toEqual([{ tracks: { audio: 2 }, width: 640 }, 'after']);
  });

  it('keeps a stranger away from prototypes', () => {
    const [object] = decodeAmf0(amf0(new Map<string, unknown>([['__proto__', new Map([['polluted', true]])]])));
    expect(Object.getPrototypeOf(object)).toBeNull();
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  const nested = (levels: number): Buffer => {
    let value: unknown = 1;
    for (let i = 0; i < levels; i++) value = [value];
    return amf0(value);
  };

  it.each([
    ['an unknown marker', Buffer.of(0x42)],
    ['AMF3 inside', Buffer.of(0x11, 1)],
    ['a string without its bytes', Buffer.of(2, 0xff, 0xff, 65)],
    ['an object without its end', amf0({ a: 1 }).subarray(0, -3)],
    ['an array of 4 billion', Buffer.of(10, 255, 255, 255, 255)],
    ['nesting of 17', nested(17)],
    ['nesting of 500', nested(500)],
    ['5000 values', amf0(Array.from({ length: 5000 }, () => null))],
  ])('refuses %s', (_what, bytes) => {
    expect(() => decodeAmf0(bytes)).toThrow(RtmpRefusal);
  });

  it('takes nesting of 16', () => {
    expect(() => decodeAmf0(nested(16))).not.toThrow();
  });

  it('answers any bytes with values or a refusal', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          decodeAmf0(bytes);
        } catch (error) {
          expect(error).toBeInstanceOf(RtmpRefusal);
        }
      }),
      { numRuns: 2000 },
    );
  });
});
