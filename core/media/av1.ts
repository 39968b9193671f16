/** AV1 bitstream (AV1 5.5 to 5.9) and its configuration record in MP4 (AV1-ISOBMFF 2.3.3). */
import { BitReader } from './bits.ts';
import { malformed, truncated } from './media-error.ts';

const OBU = { sequenceHeader: 1, temporalDelimiter: 2, frameHeader: 3, frame: 6 } as const;

interface Obu {
  type: number;
  /** Header, size and payload: what is copied when the unit is rewritten. */
  whole: Uint8Array;
  payload: Uint8Array;
}

/** The OBUs of a low-overhead stream (5.2); the last may lack its size. */
function splitObus(data: Uint8Array): Obu[] {
  const obus: Obu[] = [];
  for (let at = 0; at < data.length;) {
    const header = data[at]!;
    if (header & 0x80) throw malformed('the forbidden bit of an OBU is set');
    let from = at + (header & 4 ? 2 : 1);
    let size = data.length - from;
    if (header & 2) {
      const reader = new BitReader(data.subarray(from, from + 8));
      const before = reader.left;
      size = reader.leb128();
      from += (before - reader.left) / 8;
    }
    if (size < 0 || from + size > data.length) throw truncated('an OBU');
    obus.push({
      type: (header >> 3) & 15,
      whole: data.subarray(at, from + size),
      payload: data.subarray(from, from + size),
    });
    at = from + size;
  }
  return obus;
}

/** What a sequence header says (5.5). */
export interface Av1Sequence {
  readonly profile: number;
  readonly level: number;
  readonly tier: 0 | 1;
  readonly bitDepth: 8 | 10 | 12;
  readonly monochrome: boolean;
  readonly subsamplingX: number;
  readonly subsamplingY: number;
  readonly chromaSamplePosition: number;
  /** Largest picture size in pixels. */
  readonly width: number;
  readonly height: number;
  /** The sequence header OBU, header and size included: what av1C holds. */
  readonly obu: Uint8Array;
}

/** Finds and reads the sequence header in a stream or in the configOBUs of av1C; undefined where there is none. */
export function findAv1Sequence(data: Uint8Array): Av1Sequence | undefined {
  const obu = splitObus(data).find((each) => each.type === OBU.sequenceHeader);
  return obu && parseSequence(obu);
}

function parseSequence(obu: Obu): Av1Sequence {
  const r = new BitReader(obu.payload);
  const profile = r.bits(3);
  r.skip(1);
  const reduced = r.flag();
  let level = 0;
  let tier: 0 | 1 = 0;
  if (reduced) {
    level = r.bits(5);
  } else {
    let decoderModel = false;
    let delayBits = 0;
    if (r.flag()) {
      r.skip(64);
      if (r.flag()) r.ue(); // num_ticks_per_picture_minus_1, uvlc()
      decoderModel = r.flag();
      if (decoderModel) {
        delayBits = r.bits(5) + 1;
        r.skip(32 + 5 + 5);
      }
    }
    const displayDelay = r.flag();
    const points = r.bits(5) + 1;
    for (let i = 0; i < points; i++) {
      r.skip(12);
      const pointLevel = r.bits(5);
      const pointTier = pointLevel > 7 ? (r.bits(1) as 0 | 1) : 0;
      if (i === 0) [level, tier] = [pointLevel, pointTier];
      if (decoderModel && r.flag()) r.skip(2 * delayBits + 1);
      if (displayDelay && r.flag()) r.skip(4);
    }
  }
  const widthBits = r.bits(4) + 1;
  const heightBits = r.bits(4) + 1;
  const width = r.bits(widthBits) + 1;
  const height = r.bits(heightBits) + 1;
  if (!reduced && r.flag()) r.skip(7);
  r.skip(3);
  if (!reduced) skipTools(r);
  r.skip(3);
  return { profile, level, tier, width, height, obu: obu.whole, ...colorConfig(r, profile) };
}

function skipTools(r: BitReader): void {
  r.skip(4);
  const orderHint = r.flag();
  if (orderHint) r.skip(2);
  const screenContent = r.flag() ? 2 : r.bits(1);
  if (screenContent > 0 && !r.flag()) r.skip(1);
  if (orderHint) r.skip(3);
}

/** 5.5.2 */
function colorConfig(
  r: BitReader,
  profile: number,
): Pick<Av1Sequence, 'bitDepth' | 'monochrome' | 'subsamplingX' | 'subsamplingY' | 'chromaSamplePosition'> {
  const high = r.flag();
  const bitDepth = profile === 2 && high ? (r.flag() ? 12 : 10) : high ? 10 : 8;
  const monochrome = profile !== 1 && r.flag();
  const [primaries, transfer, matrix] = r.flag() ? [r.bits(8), r.bits(8), r.bits(8)] : [2, 2, 2];
  let [subsamplingX, subsamplingY] = [1, 1];
  if (!monochrome && primaries === 1 && transfer === 13 && matrix === 0) {
    [subsamplingX, subsamplingY] = [0, 0];
  } else {
    r.skip(1); // color_range
    if (!monochrome && profile === 1) [subsamplingX, subsamplingY] = [0, 0];
    else if (!monochrome && profile === 2) {
      subsamplingX = bitDepth === 12 ? r.bits(1) : 1;
      subsamplingY = bitDepth === 12 && subsamplingX ? r.bits(1) : 0;
    }
  }
  const chromaSamplePosition = !monochrome && subsamplingX && subsamplingY ? r.bits(2) : 0;
  return { bitDepth, monochrome, subsamplingX, subsamplingY, chromaSamplePosition };
}

/** Builds an av1C record from a sequence header. */
export function buildAv1Config(sequence: Av1Sequence): Uint8Array {
  const record = new Uint8Array(4 + sequence.obu.length);
  record[0] = 0x81;
  record[1] = (sequence.profile << 5) | sequence.level;
  record[2] =
    (sequence.tier << 7) |
    (sequence.bitDepth > 8 ? 0x40 : 0) |
    (sequence.bitDepth === 12 ? 0x20 : 0) |
    (sequence.monochrome ? 0x10 : 0) |
    (sequence.subsamplingX << 3) |
    (sequence.subsamplingY << 2) |
    sequence.chromaSamplePosition;
  record.set(sequence.obu, 4);
  return record;
}

/** Reads an av1C record: the sequence header that it carries; throws a MediaError. */
export function parseAv1Config(record: Uint8Array): Av1Sequence {
  if (record.length < 4) throw truncated('av1C');
  if (record[0] !== 0x81) throw malformed('av1C has another marker or version than 1');
  const sequence = findAv1Sequence(record.subarray(4));
  if (!sequence) throw malformed('av1C carries no sequence header');
  return sequence;
}

/** RFC 6381 codec string (AV1-ISOBMFF 5): `av01.0.04M.08`. */
export function av1CodecString(sequence: Av1Sequence): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `av01.${sequence.profile}.${two(sequence.level)}${sequence.tier ? 'H' : 'M'}.${two(sequence.bitDepth)}`;
}

/** True where a temporal unit begins a coded video sequence: a sequence header and a shown key frame. */
export function isAv1KeyFrame(unit: Uint8Array): boolean {
  let sequence = false;
  for (const { type, payload } of splitObus(unit)) {
    if (type === OBU.sequenceHeader) sequence = true;
    // show_existing_frame 0, frame_type KEY_FRAME 00, show_frame 1 (5.9.2)
    if (type === OBU.frame || type === OBU.frameHeader) return sequence && payload.length > 0 && payload[0]! >> 4 === 1;
  }
  return false;
}

/** The unit without temporal delimiters, which samples do not carry; returns the input where it has none. */
export function stripAv1TemporalDelimiters(unit: Uint8Array): Uint8Array {
  const obus = splitObus(unit);
  const kept = obus.filter((obu) => obu.type !== OBU.temporalDelimiter);
  if (kept.length === obus.length) return unit;
  const out = new Uint8Array(kept.reduce((size, obu) => size + obu.whole.length, 0));
  let at = 0;
  for (const { whole } of kept) {
    out.set(whole, at);
    at += whole.length;
  }
  return out;
}
