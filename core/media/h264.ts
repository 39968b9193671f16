/** H.264 (ISO 14496-10) and its decoder configuration record in MP4 (ISO 14496-15 5.3.3.1). */
import { reduced, type Rational } from '../model/index.ts';
import { BitReader, removeEmulationPrevention } from './bits.ts';
import { malformed, truncated } from './media-error.ts';
import { joinLengthPrefixed, splitLengthPrefixed } from './nal.ts';

/** NAL unit types that Eddy looks at (Table 7-1). */
export const H264_NAL = { slice: 1, idr: 5, sei: 6, sps: 7, pps: 8, aud: 9 } as const;

/** What avcC says. */
export interface AvcConfig {
  readonly profile: number;
  readonly compatibility: number;
  readonly level: number;
  /** Bytes of each NAL length in the samples that this record describes: 1, 2 or 4. */
  readonly lengthSize: 1 | 2 | 4;
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** Reads an avcC record; throws a MediaError. */
export function parseAvcConfig(record: Uint8Array): AvcConfig {
  if (record.length < 7) throw truncated('avcC');
  if (record[0] !== 1) throw malformed(`avcC has version ${record[0]}, not 1`);
  const lengthSize = (record[4]! & 3) + 1;
  if (lengthSize === 3) throw malformed('avcC has NAL lengths of 3 bytes');
  let at = 5;
  const sets = (count: number): Uint8Array[] => {
    const list: Uint8Array[] = [];
    for (let i = 0; i < count; i++) {
      if (at + 2 > record.length) throw truncated('avcC');
      const length = record[at]! * 256 + record[at + 1]!;
      at += 2;
      if (length === 0 || at + length > record.length) throw truncated('a parameter set in avcC');
      list.push(record.subarray(at, at + length));
      at += length;
    }
    return list;
  };
  const sps = sets(record[at++]! & 0x1f);
  if (at >= record.length) throw truncated('avcC');
  const pps = sets(record[at++]!);
  if (sps.length === 0) throw malformed('avcC has no sequence parameter set');
  return {
    profile: record[1]!,
    compatibility: record[2]!,
    level: record[3]!,
    lengthSize: lengthSize as 1 | 2 | 4,
    sps,
    pps,
  };
}

/** Builds an avcC record with 4-byte NAL lengths, with the high profiles' extension where the SPS calls for it. */
export function buildAvcConfig(sps: readonly Uint8Array[], pps: readonly Uint8Array[]): Uint8Array {
  const first = sps[0];
  if (!first || first.length < 4) throw malformed('no sequence parameter set to describe');
  const info = parseH264Sps(first);
  const bytes = [1, first[1]!, first[2]!, first[3]!, 0xff, 0xe0 | sps.length];
  const push = (set: Uint8Array): void => {
    bytes.push(set.length >> 8, set.length & 0xff);
    for (const byte of set) bytes.push(byte);
  };
  sps.forEach(push);
  bytes.push(pps.length);
  pps.forEach(push);
  if ([100, 110, 122, 144].includes(info.profile)) {
    bytes.push(0xfc | info.chromaFormat, 0xf8 | (info.bitDepthLuma - 8), 0xf8 | (info.bitDepthChroma - 8), 0);
  }
  return Uint8Array.from(bytes);
}

/** What a sequence parameter set says (7.3.2.1.1). */
export interface H264Sps {
  readonly profile: number;
  readonly compatibility: number;
  readonly level: number;
  /** Displayed size in pixels, cropping applied. */
  readonly width: number;
  readonly height: number;
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  /** False where pictures may be fields. */
  readonly progressive: boolean;
  /** Frames a second by VUI timing; `fixed` where the encoder promises a constant rate. */
  readonly frameRate?: Rational & { readonly fixed: boolean };
  /** False where the stream cannot reorder, true where it says that it does, undefined where it does not say. */
  readonly bFrames?: boolean;
  /** How heads of slices are written (7.3.3). */
  readonly slices: H264SliceSyntax;
}

/** See {@link H264Sps.slices}. */
export interface H264SliceSyntax {
  readonly separatePlanes: boolean;
  /** Bits of `frame_num`. */
  readonly frameNumBits: number;
  /** `pic_order_cnt_type`; bits of `pic_order_cnt_lsb` where it is 0, `delta_pic_order_always_zero_flag` where it is 1. */
  readonly orderType: number;
  readonly orderBits: number;
  readonly orderAlwaysZero: boolean;
}

const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** Reads a sequence parameter set (the whole NAL unit with its header byte); throws a MediaError. */
export function parseH264Sps(nal: Uint8Array): H264Sps {
  if (nal.length < 4 || (nal[0]! & 0x1f) !== H264_NAL.sps) throw malformed('not a sequence parameter set');
  const r = new BitReader(removeEmulationPrevention(nal.subarray(1)));
  const profile = r.bits(8);
  const compatibility = r.bits(8);
  const level = r.bits(8);
  r.ue(); // seq_parameter_set_id
  let chromaFormat = 1;
  let separatePlanes = false;
  let bitDepthLuma = 8;
  let bitDepthChroma = 8;
  if (HIGH_PROFILES.has(profile)) {
    chromaFormat = r.ue();
    if (chromaFormat > 3) throw malformed('chroma_format_idc above 3');
    if (chromaFormat === 3) separatePlanes = r.flag();
    bitDepthLuma = 8 + r.ue();
    bitDepthChroma = 8 + r.ue();
    if (bitDepthLuma > 14 || bitDepthChroma > 14) throw malformed('a bit depth above 14');
    r.skip(1); // qpprime_y_zero_transform_bypass_flag
    if (r.flag()) {
      for (let i = 0; i < (chromaFormat === 3 ? 12 : 8); i++) if (r.flag()) skipScalingList(r, i < 6 ? 16 : 64);
    }
  }
  const frameNumBits = r.ue() + 4;
  const pocType = r.ue();
  let orderBits = 0;
  let orderAlwaysZero = false;
  if (pocType === 0) {
    orderBits = r.ue() + 4;
  } else if (pocType === 1) {
    orderAlwaysZero = r.flag();
    r.se();
    r.se();
    const cycle = r.ue();
    if (cycle > 255) throw malformed('num_ref_frames_in_pic_order_cnt_cycle above 255');
    for (let i = 0; i < cycle; i++) r.se();
  }
  r.ue(); // max_num_ref_frames
  r.skip(1);
  const widthMbs = r.ue() + 1;
  const heightUnits = r.ue() + 1;
  const progressive = r.flag();
  if (!progressive) r.skip(1);
  r.skip(1); // direct_8x8_inference_flag
  let [left, right, top, bottom] = [0, 0, 0, 0];
  if (r.flag()) [left, right, top, bottom] = [r.ue(), r.ue(), r.ue(), r.ue()];
  const chromaArray = separatePlanes ? 0 : chromaFormat;
  const cropX = chromaArray === 1 || chromaArray === 2 ? 2 : 1;
  const cropY = (chromaArray === 1 ? 2 : 1) * (progressive ? 1 : 2);
  const width = widthMbs * 16 - (left + right) * cropX;
  const height = heightUnits * 16 * (progressive ? 1 : 2) - (top + bottom) * cropY;
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384) throw malformed(`a picture of ${width}x${height}`);
  const vui = r.left > 0 && r.flag() ? parseVui(r) : {};
  // Baseline has no B slices, and POC type 2 means output order is decode order.
  const reorders =
    profile === 66 || pocType === 2 ? false : vui.reorderFrames === undefined ? undefined : vui.reorderFrames > 0;
  return {
    profile,
    compatibility,
    level,
    width,
    height,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    progressive,
    slices: { separatePlanes, frameNumBits, orderType: pocType, orderBits, orderAlwaysZero },
    ...(vui.frameRate && { frameRate: vui.frameRate }),
    ...(reorders !== undefined && { bFrames: reorders }),
  };
}

function skipScalingList(r: BitReader, size: number): void {
  let last = 8;
  let next = 8;
  for (let i = 0; i < size; i++) {
    if (next !== 0) next = (last + r.se() + 256) % 256;
    last = next === 0 ? last : next;
  }
}

interface Vui {
  frameRate?: Rational & { fixed: boolean };
  reorderFrames?: number;
}

/** Annex E.1.1. A VUI that ends early is common in cheap cameras: what was read until then stands. */
function parseVui(r: BitReader): Vui {
  const vui: Vui = {};
  try {
    if (r.flag() && r.bits(8) === 255) r.skip(32); // aspect ratio
    if (r.flag()) r.skip(1); // overscan
    if (r.flag()) {
      r.skip(4);
      if (r.flag()) r.skip(24); // colour description
    }
    if (r.flag()) {
      r.ue();
      r.ue();
    }
    if (r.flag()) {
      const unitsInTick = r.bits(32);
      const timeScale = r.bits(32);
      const fixed = r.flag();
      // A tick is a field: two a frame.
      if (unitsInTick > 0 && timeScale > 0) vui.frameRate = { ...reduced(timeScale, unitsInTick * 2), fixed };
    }
    const nalHrd = r.flag();
    if (nalHrd) skipHrd(r);
    const vclHrd = r.flag();
    if (vclHrd) skipHrd(r);
    if (nalHrd || vclHrd) r.skip(1);
    r.skip(1); // pic_struct_present_flag
    if (r.flag()) {
      r.skip(1);
      for (let i = 0; i < 4; i++) r.ue();
      vui.reorderFrames = r.ue();
    }
  } catch {
    return vui;
  }
  return vui;
}

function skipHrd(r: BitReader): void {
  const count = r.ue() + 1;
  if (count > 32) throw malformed('cpb_cnt_minus1 above 31');
  r.skip(8);
  for (let i = 0; i < count; i++) {
    r.ue();
    r.ue();
    r.skip(1);
  }
  r.skip(20);
}

/** RFC 6381 codec string of an SPS NAL unit or of the same three bytes of avcC: `avc1.64001f`. */
export function h264CodecString(profile: number, compatibility: number, level: number): string {
  const hex = (byte: number): string => byte.toString(16).padStart(2, '0');
  return `avc1.${hex(profile)}${hex(compatibility)}${hex(level)}`;
}

/** True where decoding can begin at this access unit (4-byte lengths): an IDR slice, or I slices at a recovery point. */
export function isH264KeyFrame(data: Uint8Array): boolean {
  let recovery = false;
  for (const nal of splitLengthPrefixed(data)) {
    const type = nal[0]! & 0x1f;
    if (type === H264_NAL.idr) return true;
    if (type === H264_NAL.sei && hasRecoveryPoint(nal)) recovery = true;
    if (type === H264_NAL.slice) return recovery && isIntraSlice(nal);
  }
  return false;
}

/** SEI payload 6 with recovery_frame_cnt 0: this very picture decodes correctly (D.1.8). */
function hasRecoveryPoint(nal: Uint8Array): boolean {
  const data = removeEmulationPrevention(nal.subarray(1));
  let at = 0;
  while (at + 2 < data.length) {
    let type = 0;
    let size = 0;
    while (data[at] === 255) type += data[at++]!;
    type += data[at++] ?? 0;
    while (data[at] === 255) size += data[at++]!;
    size += data[at++] ?? 0;
    if (type === 6 && at < data.length) return new BitReader(data.subarray(at)).ue() === 0;
    at += size;
  }
  return false;
}

function isIntraSlice(nal: Uint8Array): boolean {
  const r = new BitReader(removeEmulationPrevention(nal.subarray(1, 16)));
  r.ue(); // first_mb_in_slice
  return r.ue() % 5 === 2;
}

/** Parameter sets found in a unit, and the unit without them where wanted out of band. */
export interface InBandSets {
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** The parameter sets inside an access unit (4-byte lengths), as views. */
export function h264ParameterSets(data: Uint8Array): InBandSets {
  const nals = splitLengthPrefixed(data);
  const of = (type: number): Uint8Array[] => nals.filter((nal) => (nal[0]! & 0x1f) === type);
  return { sps: of(H264_NAL.sps), pps: of(H264_NAL.pps) };
}

/**
 * The access unit as `avc1` samples want it (ISO 14496-15 5.4.2.1): without parameter sets and access unit delimiters,
 * which `avc1` keeps out of band. Returns the input where it has none.
 */
export function stripH264ParameterSets(data: Uint8Array): Uint8Array {
  const nals = splitLengthPrefixed(data);
  const kept = nals.filter((nal) => !isOutOfBand(nal[0]! & 0x1f));
  return kept.length === nals.length ? data : joinLengthPrefixed(kept);
}

function isOutOfBand(type: number): boolean {
  return type === H264_NAL.sps || type === H264_NAL.pps || type === H264_NAL.aud;
}
