/**
 * A clock that machines read: 64 black and white blocks across the top of the picture, in two rows of 32. They hold 42
 * bits of epoch ms, 10 bits of a frame counter and 12 bits of checksum, highest bit first. It survives scaling and low
 * bit rates, since every block is 1/32 of the picture's width on each side and only its inner half is looked at.
 *
 * No Node API, and `blockClockSource` is the reader as text, so that a browser's page can use it too.
 */

/** What the blocks say. */
export interface BlockClock {
  /** Server time of the picture, epoch ms. */
  readonly epochMs: number;
  /** Counts pictures, 0-1023, so that two pictures of one millisecond differ and a loss shows. */
  readonly counter: number;
}

/** Height of the strip in pixels for a picture of this width. */
export function blockClockHeight(width: number): number {
  return Math.floor(width / 16);
}

/** The 64 bits of a clock: time, counter, and the checksum CRC-12 (x^12+x^11+x^3+x^2+x+1) over both. */
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

/** Draws the clock into a luma plane (video range: 16 black, 235 white); chroma must be neutral there. */
export function drawBlockClock(luma: Uint8Array, stride: number, width: number, clock: BlockClock): void {
  const bits = blockClockBits(clock.epochMs, clock.counter);
  const size = width / 32;
  for (let row = 0; row < 2; row++) {
    const top = Math.floor(row * size);
    const bottom = Math.floor((row + 1) * size);
    for (let column = 0; column < 32; column++) {
      const left = Math.floor(column * size);
      const right = Math.floor((column + 1) * size);
      luma.fill(bits[row * 32 + column] ? 235 : 16, top * stride + left, top * stride + right);
    }
    for (let y = top + 1; y < bottom; y++) {
      luma.copyWithin(y * stride, top * stride, top * stride + width);
    }
  }
}

/**
 * Reads the clock from the top of a picture: canvas ImageData, or a luma plane with `bytesPerPixel` 1. Only the rows of
 * the strip are needed. Returns undefined where there is none that its checksum confirms.
 */
export function decodeBlockClock(
  image: { readonly width: number; readonly data: ArrayLike<number> },
  bytesPerPixel = 4,
): BlockClock | undefined {
  const { width, data } = image;
  const size = width / 32;
  // Of RGBA the green channel: it carries most of the luma.
  const channel = bytesPerPixel > 1 ? 1 : 0;
  const bits: boolean[] = [];
  for (let block = 0; block < 64; block++) {
    const left = (block % 32) * size;
    const top = Math.floor(block / 32) * size;
    let sum = 0;
    let count = 0;
    for (let y = Math.ceil(top + size / 4); y < top + (size * 3) / 4; y++) {
      for (let x = Math.ceil(left + size / 4); x < left + (size * 3) / 4; x++) {
        sum += data[(y * width + x) * bytesPerPixel + channel] ?? 0;
        count++;
      }
    }
    bits.push(sum / count > 126);
  }
  let epochMs = 0;
  for (let i = 0; i < 42; i++) epochMs = epochMs * 2 + (bits[i] ? 1 : 0);
  let counter = 0;
  for (let i = 42; i < 52; i++) counter = counter * 2 + (bits[i] ? 1 : 0);
  const expected = blockClockBits(epochMs, counter);
  return expected.every((bit, i) => bit === bits[i]) ? { epochMs, counter } : undefined;
}

/** The reader as a script that defines `blockClockBits` and `decodeBlockClock`, for pages that cannot import it. */
export const blockClockSource = `${blockClockBits.toString()}\n${decodeBlockClock.toString()}\n`;
