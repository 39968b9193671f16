/** AV1 from RTP (AV1 RTP payload format 1.0, chapter 4). */
import { isAv1KeyFrame } from '../av1.ts';
import { malformed, truncated } from '../media-error.ts';
import type { Depacketizer, RtpFrame } from './depacketizer.ts';
import { FrameBuffer } from './frame-buffer.ts';

const TEMPORAL_DELIMITER = 2;
const HAS_SIZE = 0x02;
const HAS_EXTENSION = 0x04;

/** See the file's head. RTP leaves out the sizes of OBUs, which access units have: they are put back. */
export class Av1Depacketizer implements Depacketizer {
  readonly #unit = new FrameBuffer();
  readonly #obu = new FrameBuffer();
  /** True where the last packet ended within an OBU. */
  #continues = false;

  push(payload: Uint8Array): void {
    if (payload.length === 0) return;
    const head = payload[0]!;
    const continued = (head & 0x80) !== 0;
    if (continued !== this.#continues) {
      this.reset();
      throw malformed(continued ? 'an OBU does not begin' : 'an OBU does not end');
    }
    const counted = (head >> 4) & 3;
    let at = 1;
    for (let element = 1; at < payload.length; element++) {
      let length = payload.length - at;
      if (element !== counted) {
        const size = leb128(payload, at);
        at = size.end;
        length = size.value;
      }
      if (at + length > payload.length) throw this.#broken('an OBU element ends early');
      this.#obu.append(payload.subarray(at, at + length));
      at += length;
      this.#continues = at >= payload.length && (head & 0x40) !== 0;
      if (!this.#continues) this.#endObu();
    }
  }

  finish(): RtpFrame | undefined {
    const data = this.#unit.cut(0);
    const whole = !this.#continues && data.length > 0;
    this.reset();
    return whole ? { data, key: isAv1KeyFrame(data) } : undefined;
  }

  reset(): void {
    this.#unit.clear();
    this.#obu.clear();
    this.#continues = false;
  }

  #endObu(): void {
    const obu = this.#obu.cut(0);
    const header = obu[0];
    if (header === undefined || ((header >> 3) & 15) === TEMPORAL_DELIMITER) return;
    let from = header & HAS_EXTENSION ? 2 : 1;
    if (from > obu.length) throw this.#broken('an OBU header ends early');
    const extension = from === 2 ? obu[1] : undefined;
    // A size that the sender left in (it should not) is that of the element.
    if (header & HAS_SIZE) from = leb128(obu, from).end;
    this.#unit.byte(header | HAS_SIZE);
    if (extension !== undefined) this.#unit.byte(extension);
    let size = obu.length - from;
    for (; size > 0x7f; size >>= 7) this.#unit.byte((size & 0x7f) | 0x80);
    this.#unit.byte(size);
    this.#unit.append(obu.subarray(from));
  }

  #broken(what: string): Error {
    this.reset();
    return malformed(what);
  }
}

/** AV1 4.10.5, of sizes that fit a packet. */
function leb128(bytes: Uint8Array, from: number): { value: number; end: number } {
  let value = 0;
  for (let i = 0; i < 4; i++) {
    const byte = bytes[from + i];
    if (byte === undefined) throw truncated('an OBU size');
    value += (byte & 0x7f) * 2 ** (7 * i);
    if (!(byte & 0x80)) return { value, end: from + i + 1 };
  }
  throw malformed('an OBU of more than 256 MiB');
}
