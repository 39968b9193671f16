import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  annexBToLengthPrefixed,
  BitReader,
  joinAnnexB,
  joinLengthPrefixed,
  lengthPrefixedToAnnexB,
  MediaError,
  removeEmulationPrevention,
  splitAnnexB,
  splitLengthPrefixed,
} from '../../../core/media/index.ts';

/** A NAL unit as an encoder leaves it: no start code inside (emulation prevention), no zero at the end. */
const nal = fc
  .array(fc.oneof(fc.constant(0), fc.constant(1), fc.nat(255)), { minLength: 1, maxLength: 40 })
  .map((bytes) => {
    const out: number[] = [];
    for (const byte of bytes) {
      if (byte <= 3 && out.at(-1) === 0 && out.at(-2) === 0) out.push(3);
      out.push(byte);
    }
    return Uint8Array.from([...out, 0x80]);
  });

describe('NAL units', () => {
  it('go from lengths to Annex B and back unchanged', () => {
    fc.assert(
      fc.property(fc.array(nal, { minLength: 1, maxLength: 6 }), (nals) => {
        const lengths = joinLengthPrefixed(nals);
        expect(splitLengthPrefixed(lengths)).toEqual(nals);
        expect(splitAnnexB(joinAnnexB(nals))).toEqual(nals);
        expect(annexBToLengthPrefixed(lengthPrefixedToAnnexB(lengths))).toEqual(lengths);
      }),
    );
  });

  it('splits 3-byte start codes and trailing zeros', () => {
    const data = Uint8Array.of(0, 0, 0, 1, 9, 0x10, 0, 0, 1, 0x65, 0x88, 0, 0, 0);
    expect(splitAnnexB(data)).toEqual([Uint8Array.of(9, 0x10), Uint8Array.of(0x65, 0x88)]);
  });

  it('refuses lengths beyond the end and Annex B without a start code', () => {
    expect(() => splitLengthPrefixed(Uint8Array.of(0, 0, 0, 5, 1))).toThrow(MediaError);
    expect(() => splitLengthPrefixed(Uint8Array.of(0, 0, 0))).toThrow(MediaError);
    expect(() => splitAnnexB(Uint8Array.of(5, 6, 7, 8))).toThrow(MediaError);
  });

  it('never throws anything but a MediaError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        for (const parse of [splitLengthPrefixed, splitAnnexB]) {
          try {
            parse(data);
          } catch (error) {
            expect(error).toBeInstanceOf(MediaError);
          }
        }
      }),
    );
  });
});

describe('bits', () => {
  it('reads fields across bytes and 32 bits without a sign', () => {
    const r = new BitReader(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0b1010_0110, 0x80));
    expect(r.bits(32)).toBe(0xffffffff);
    expect([r.bits(3), r.flag(), r.bits(5)]).toEqual([5, false, 0b01101]);
    expect(r.left).toBe(7);
    expect(() => r.bits(8)).toThrow(MediaError);
  });

  it('reads Exp-Golomb codes', () => {
    // 1, 010, 011, 00100, then se: 00101 (code 4, value -2)
    const r = new BitReader(Uint8Array.of(0b1010_0110, 0b0100_0010, 0b1000_0000));
    expect([r.ue(), r.ue(), r.ue(), r.ue(), r.se()]).toEqual([0, 1, 2, 3, -2]);
    expect(() => new BitReader(new Uint8Array(8)).ue()).toThrow(MediaError);
  });

  it('removes emulation prevention only after two zeros', () => {
    const nalUnit = Uint8Array.of(1, 0, 0, 3, 1, 0, 3, 0, 0, 3, 0, 0, 3);
    expect(removeEmulationPrevention(nalUnit)).toEqual(Uint8Array.of(1, 0, 0, 1, 0, 3, 0, 0, 0, 0));
    const clean = Uint8Array.of(1, 2, 3);
    expect(removeEmulationPrevention(clean)).toBe(clean);
  });
});
