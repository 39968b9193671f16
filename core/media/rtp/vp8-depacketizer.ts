/** VP8 from RTP (RFC 7741). */
import { malformed, truncated } from '../media-error.ts';
import { isVp8KeyFrame } from '../vpx.ts';
import type { Depacketizer, RtpFrame } from './depacketizer.ts';
import { FrameBuffer } from './frame-buffer.ts';

/** See the file's head. All temporal layers are taken. */
export class Vp8Depacketizer implements Depacketizer {
  readonly #frame = new FrameBuffer();
  #begun = false;

  push(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const from = descriptorBytes(payload);
    if (from >= payload.length) throw truncated('a VP8 payload');
    // S and partition 0: the frame begins here (4.2).
    const begins = (payload[0]! & 0x1f) === 0x10;
    if (begins && !this.#begun) this.#begun = true;
    else if (begins || !this.#begun) throw this.#broken(begins);
    this.#frame.append(payload.subarray(from));
  }

  finish(): RtpFrame | undefined {
    const data = this.#frame.cut(0);
    const whole = this.#begun && data.length > 0;
    this.#begun = false;
    return whole ? { data, key: isVp8KeyFrame(data) } : undefined;
  }

  reset(): void {
    this.#frame.clear();
    this.#begun = false;
  }

  #broken(twice: boolean): Error {
    this.reset();
    return malformed(twice ? 'a VP8 frame begins within another' : 'a VP8 frame does not begin');
  }
}

/** 4.2: one byte, and up to five more that its flags announce. */
function descriptorBytes(payload: Uint8Array): number {
  if (!(payload[0]! & 0x80)) return 1;
  const flags = payload[1] ?? 0;
  let at = 2;
  if (flags & 0x80) at += (payload[at] ?? 0) & 0x80 ? 2 : 1; // picture id of 15 or 7 bits
  if (flags & 0x40) at += 1; // TL0PICIDX
  if (flags & 0x30) at += 1; // TID, Y, KEYIDX
  return at;
}
