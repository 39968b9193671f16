/**
 * The clock that machines read, as `ingest/shared/block-clock.ts` defines it (a plugin imports no other family; a test
 * holds both together): 42 bits of epoch ms, 10 of a counter, 12 of checksum, in two rows of 32 blocks.
 */

/** Height of the strip in pixels for a picture of this width. */
export const blockClockHeight = (width: number): number => Math.floor(width / 16);

/** The 64 bits, highest first; the checksum is CRC-12 (x^12+x^11+x^3+x^2+x+1). */
export function blockClockBits(epochMs: number, counter: number): boolean[] {
  const bits: boolean[] = [];
  for (let i = 41; i >= 0; i--) bits.push(Math.floor(epochMs / 2 ** i) % 2 === 1);
  for (let i = 9; i >= 0; i--) bits.push(Math.floor(counter / 2 ** i) % 2 === 1);
  // Not from 0: a black picture would be a valid clock.
  let crc = 0xabc;
  for (const bit of bits) {
    const carry = ((crc >> 11) & 1) === (bit ? 0 : 1);
    crc = (crc << 1) & 0xfff;
    if (carry) crc ^= 0x80f;
  }
  for (let i = 11; i >= 0; i--) bits.push(((crc >> i) & 1) === 1);
  return bits;
}
