/** VP9 from RTP (RFC 9628). */
import { malformed, truncated } from '../media-error.ts';
import { isVp9KeyFrame } from '../vpx.ts';
import type { Depacketizer, RtpFrame } from './depacketizer.ts';
import { FrameBuffer } from './frame-buffer.ts';

/** See the file's head. A picture of several spatial layers becomes one superframe (VP9 bitstream, Annex B). */
export class Vp9Depacketizer implements Depacketizer {
  readonly #picture = new FrameBuffer();
  /** Ends of the layer frames so far. */
  #ends: number[] = [];
  #inFrame = false;

  push(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const flags = payload[0]!;
    const from = descriptorBytes(payload);
    if (from >= payload.length) throw truncated('a VP9 payload');
    const begins = (flags & 0x08) !== 0;
    if (begins === this.#inFrame) {
      this.reset();
      throw malformed(begins ? 'a VP9 frame begins within another' : 'a VP9 frame does not begin');
    }
    this.#picture.append(payload.subarray(from));
    this.#inFrame = (flags & 0x04) === 0;
    if (!this.#inFrame) this.#ends.push(this.#picture.length);
  }

  finish(): RtpFrame | undefined {
    const whole = !this.#inFrame && this.#ends.length > 0;
    if (whole && this.#ends.length > 1) this.#appendIndex();
    const data = this.#picture.cut(0);
    this.reset();
    return whole ? { data, key: isVp9KeyFrame(data) } : undefined;
  }

  reset(): void {
    this.#picture.clear();
    this.#ends = [];
    this.#inFrame = false;
  }

  /** Annex B.3: sizes of four bytes, little endian, between two equal markers. */
  #appendIndex(): void {
    const marker = 0xc0 | (3 << 3) | (this.#ends.length - 1);
    this.#picture.byte(marker);
    this.#ends.forEach((end, i) => {
      const size = end - (this.#ends[i - 1] ?? 0);
      for (let shift = 0; shift < 32; shift += 8) this.#picture.byte((size >> shift) & 0xff);
    });
    this.#picture.byte(marker);
  }
}

/** 4.2. A descriptor that goes on past the payload comes out longer than it. */
function descriptorBytes(payload: Uint8Array): number {
  const flags = payload[0]!;
  const [hasId, predicted, hasLayers, flexible, hasStructure] = [0x80, 0x40, 0x20, 0x10, 0x02].map(
    (bit) => (flags & bit) !== 0,
  );
  let at = 1;
  if (hasId) at += (payload[at] ?? 0) & 0x80 ? 2 : 1;
  if (hasLayers) at += flexible ? 1 : 2; // layer indices, and TL0PICIDX
  if (flexible && predicted) {
    // Up to three reference indices; the lowest bit says that another follows.
    for (let i = 0; i < 3 && (payload[at++] ?? 0) & 1; i++);
  }
  return hasStructure ? structureEnd(payload, at) : at;
}

/** The scalability structure, 4.2.1. */
function structureEnd(payload: Uint8Array, from: number): number {
  const head = payload[from] ?? 0;
  let at = from + 1;
  if (head & 0x10) at += ((head >> 5) + 1) * 4; // a size for each spatial layer
  if (head & 0x08) {
    const pictures = payload[at++] ?? 0;
    for (let i = 0; i < pictures && at < payload.length; i++) at += 1 + ((payload[at]! >> 2) & 3);
  }
  return at;
}
