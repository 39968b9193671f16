/** Bits: a reader for the parameter sets of every codec, with Exp-Golomb codes (ISO 14496-10 9.1). */
import { malformed, truncated } from './media-error.ts';

/** Reads big-endian bit fields; throws a MediaError past the end. */
export class BitReader {
  readonly #data: Uint8Array;
  #position = 0;

  constructor(data: Uint8Array) {
    this.#data = data;
  }

  /** How many bits are unread. */
  get left(): number {
    return this.#data.length * 8 - this.#position;
  }

  /** One bit as a flag. */
  flag(): boolean {
    return this.bits(1) === 1;
  }

  /** An unsigned field of 0 to 32 bits. */
  bits(count: number): number {
    if (count > this.left) throw truncated('a bit field');
    let value = 0;
    let wanted = count;
    while (wanted > 0) {
      const used = this.#position & 7;
      const take = Math.min(8 - used, wanted);
      const byte = this.#data[this.#position >> 3]!;
      // Multiplication, not a shift: 32 bits must not turn negative.
      value = value * 2 ** take + ((byte >> (8 - used - take)) & (2 ** take - 1));
      this.#position += take;
      wanted -= take;
    }
    return value;
  }

  /** Passes over bits without reading them. */
  skip(count: number): void {
    if (count > this.left) throw truncated('a bit field');
    this.#position += count;
  }

  /** Unsigned Exp-Golomb code, `ue(v)`. */
  ue(): number {
    let zeros = 0;
    while (!this.flag()) {
      if (++zeros > 31) throw malformed('an Exp-Golomb code is longer than 32 bits');
    }
    return 2 ** zeros - 1 + this.bits(zeros);
  }

  /** Signed Exp-Golomb code, `se(v)`. */
  se(): number {
    const code = this.ue();
    return code & 1 ? (code + 1) / 2 : -code / 2;
  }

  /** AV1's `leb128()` (AV1 4.10.5); the reader need not be byte aligned. */
  leb128(): number {
    let value = 0;
    for (let i = 0; i < 8; i++) {
      const byte = this.bits(8);
      value += (byte & 0x7f) * 2 ** (7 * i);
      if (!(byte & 0x80)) return value;
    }
    throw malformed('a leb128 number is longer than 8 bytes');
  }
}

/** Removes emulation prevention bytes from a NAL unit (ISO 14496-10 7.4.1); returns the input where it has none. */
export function removeEmulationPrevention(nal: Uint8Array): Uint8Array {
  let out: Uint8Array | undefined;
  let written = 0;
  let zeros = 0;
  for (let i = 0; i < nal.length; i++) {
    const byte = nal[i]!;
    if (zeros >= 2 && byte === 3) {
      if (!out) {
        out = new Uint8Array(nal.length - 1);
        out.set(nal.subarray(0, i));
      }
      zeros = 0;
      continue;
    }
    zeros = byte === 0 ? zeros + 1 : 0;
    if (out) out[written] = byte;
    written++;
  }
  return out ? out.subarray(0, written) : nal;
}
