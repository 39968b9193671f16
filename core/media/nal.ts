/** NAL units in their two wrappings: lengths in front (ISO 14496-15, what an access unit holds) and Annex B start codes. */
import { malformed, truncated } from './media-error.ts';

/** The NAL units of length-prefixed data, as views. `lengthSize` is 1, 2 or 4 (avcC and hvcC: lengthSizeMinusOne + 1). */
export function splitLengthPrefixed(data: Uint8Array, lengthSize = 4): Uint8Array[] {
  const nals: Uint8Array[] = [];
  for (let at = 0; at < data.length;) {
    if (at + lengthSize > data.length) throw truncated('a NAL unit length');
    let length = 0;
    for (let i = 0; i < lengthSize; i++) length = length * 256 + data[at + i]!;
    at += lengthSize;
    if (length > data.length - at) throw truncated('a NAL unit');
    if (length > 0) nals.push(data.subarray(at, at + length));
    at += length;
  }
  return nals;
}

/** The NAL units of Annex B data (ISO 14496-10 Annex B), as views. Bytes before the first start code are refused. */
export function splitAnnexB(data: Uint8Array): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let start = -1;
  let at = 0;
  while (at + 2 < data.length) {
    const third = data[at + 2]!;
    if (third > 1) {
      at += 3;
    } else if (third === 1 && data[at] === 0 && data[at + 1] === 0) {
      if (start >= 0) pushTrimmed(nals, data, start, at);
      else if (data.subarray(0, at).some((byte) => byte !== 0)) throw malformed('Annex B data without a start code');
      start = at + 3;
      at += 3;
    } else {
      at += 1;
    }
  }
  if (start < 0) {
    if (data.length > 0) throw malformed('Annex B data without a start code');
    return nals;
  }
  pushTrimmed(nals, data, start, data.length);
  return nals;
}

/** A NAL unit never ends in a zero byte: zeros there belong to the next start code or are trailing padding. */
function pushTrimmed(nals: Uint8Array[], data: Uint8Array, start: number, end: number): void {
  while (end > start && data[end - 1] === 0) end--;
  if (end > start) nals.push(data.subarray(start, end));
}

/** Joins NAL units with 4-byte lengths in front, as access units hold them; one allocation. */
export function joinLengthPrefixed(nals: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const nal of nals) size += 4 + nal.length;
  const out = new Uint8Array(size);
  const view = new DataView(out.buffer);
  let at = 0;
  for (const nal of nals) {
    view.setUint32(at, nal.length);
    out.set(nal, at + 4);
    at += 4 + nal.length;
  }
  return out;
}

/** Joins NAL units with 4-byte start codes; one allocation. */
export function joinAnnexB(nals: readonly Uint8Array[]): Uint8Array {
  let size = 0;
  for (const nal of nals) size += 4 + nal.length;
  const out = new Uint8Array(size);
  let at = 0;
  for (const nal of nals) {
    out[at + 3] = 1;
    out.set(nal, at + 4);
    at += 4 + nal.length;
  }
  return out;
}

/** Annex B to 4-byte lengths. */
export function annexBToLengthPrefixed(data: Uint8Array): Uint8Array {
  return joinLengthPrefixed(splitAnnexB(data));
}

/** Lengths of `lengthSize` bytes to Annex B. */
export function lengthPrefixedToAnnexB(data: Uint8Array, lengthSize = 4): Uint8Array {
  return joinAnnexB(splitLengthPrefixed(data, lengthSize));
}

/** Rewrites 1- or 2-byte lengths to the 4 bytes that access units have; returns the input where it has 4 already. */
export function toFourByteLengths(data: Uint8Array, lengthSize: number): Uint8Array {
  return lengthSize === 4 ? data : joinLengthPrefixed(splitLengthPrefixed(data, lengthSize));
}
