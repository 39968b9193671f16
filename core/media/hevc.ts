/** HEVC (ISO 23008-2) and its decoder configuration record in MP4 (ISO 14496-15 8.3.3.1). */
import { BitReader, removeEmulationPrevention } from './bits.ts';
import { malformed, truncated } from './media-error.ts';
import { joinLengthPrefixed, splitLengthPrefixed } from './nal.ts';

/** NAL unit types that Eddy looks at (Table 7-1); 16 to 21 are the random access pictures. */
export const HEVC_NAL = { irapFirst: 16, irapLast: 21, vps: 32, sps: 33, pps: 34, aud: 35, sei: 39 } as const;

/** The type of an HEVC NAL unit. */
export function hevcNalType(nal: Uint8Array): number {
  return (nal[0]! >> 1) & 0x3f;
}

/** What hvcC says. */
export interface HevcConfig {
  readonly profileSpace: number;
  readonly tier: 0 | 1;
  readonly profile: number;
  readonly compatibility: number;
  /** Six bytes of constraint flags. */
  readonly constraints: Uint8Array;
  readonly level: number;
  readonly lengthSize: 1 | 2 | 4;
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** Reads an hvcC record; throws a MediaError. */
export function parseHevcConfig(record: Uint8Array): HevcConfig {
  if (record.length < 23) throw truncated('hvcC');
  // Some encoders write version 0 (the draft's value); the layout is the same.
  if (record[0]! > 1) throw malformed(`hvcC has version ${record[0]}, not 1`);
  const lengthSize = (record[21]! & 3) + 1;
  if (lengthSize === 3) throw malformed('hvcC has NAL lengths of 3 bytes');
  const sets = new Map<number, Uint8Array[]>();
  let at = 23;
  for (let array = 0; array < record[22]!; array++) {
    if (at + 3 > record.length) throw truncated('hvcC');
    const type = record[at]! & 0x3f;
    const count = record[at + 1]! * 256 + record[at + 2]!;
    at += 3;
    for (let i = 0; i < count; i++) {
      if (at + 2 > record.length) throw truncated('hvcC');
      const length = record[at]! * 256 + record[at + 1]!;
      at += 2;
      if (length === 0 || at + length > record.length) throw truncated('a parameter set in hvcC');
      sets.set(type, [...(sets.get(type) ?? []), record.subarray(at, at + length)]);
      at += length;
    }
  }
  return {
    profileSpace: record[1]! >> 6,
    tier: ((record[1]! >> 5) & 1) as 0 | 1,
    profile: record[1]! & 0x1f,
    compatibility: new BitReader(record.subarray(2, 6)).bits(32),
    constraints: record.subarray(6, 12),
    level: record[12]!,
    lengthSize: lengthSize as 1 | 2 | 4,
    vps: sets.get(HEVC_NAL.vps) ?? [],
    sps: sets.get(HEVC_NAL.sps) ?? [],
    pps: sets.get(HEVC_NAL.pps) ?? [],
  };
}

/** Builds an hvcC record with 4-byte NAL lengths and complete parameter set arrays, as `hvc1` asks. */
export function buildHevcConfig(sets: HevcParameterSets): Uint8Array {
  const first = sets.sps[0];
  if (!first) throw malformed('no sequence parameter set to describe');
  const info = parseHevcSps(first);
  const bytes = [1, ...removeEmulationPrevention(first.subarray(0, 24)).subarray(3, 15)];
  bytes.push(0xf0, 0, 0xfc, 0xfc | info.chromaFormat, 0xf8 | (info.bitDepthLuma - 8), 0xf8 | (info.bitDepthChroma - 8));
  bytes.push(0, 0, (info.temporalLayers << 3) | (info.temporalNesting ? 4 : 0) | 3, 3);
  for (const [type, list] of [
    [HEVC_NAL.vps, sets.vps],
    [HEVC_NAL.sps, sets.sps],
    [HEVC_NAL.pps, sets.pps],
  ] as const) {
    bytes.push(0x80 | type, list.length >> 8, list.length & 0xff);
    for (const set of list) {
      bytes.push(set.length >> 8, set.length & 0xff);
      for (const byte of set) bytes.push(byte);
    }
  }
  return Uint8Array.from(bytes);
}

/** What a sequence parameter set says (7.3.2.2). */
export interface HevcSps {
  /** Displayed size in pixels, conformance window applied. */
  readonly width: number;
  readonly height: number;
  readonly chromaFormat: number;
  readonly bitDepthLuma: number;
  readonly bitDepthChroma: number;
  readonly temporalLayers: number;
  readonly temporalNesting: boolean;
  /** True where the stream says that pictures are reordered. */
  readonly bFrames: boolean;
}

/** Reads a sequence parameter set (the whole NAL unit with its two header bytes); throws a MediaError. */
export function parseHevcSps(nal: Uint8Array): HevcSps {
  if (nal.length < 4 || hevcNalType(nal) !== HEVC_NAL.sps) throw malformed('not a sequence parameter set');
  const r = new BitReader(removeEmulationPrevention(nal.subarray(2)));
  r.skip(4);
  const maxSubLayers = r.bits(3);
  const temporalNesting = r.flag();
  r.skip(88 + 8); // general profile, tier, constraints and level
  const present: [boolean, boolean][] = [];
  for (let i = 0; i < maxSubLayers; i++) present.push([r.flag(), r.flag()]);
  if (maxSubLayers > 0) r.skip(2 * (8 - maxSubLayers));
  for (const [profile, level] of present) r.skip((profile ? 88 : 0) + (level ? 8 : 0));
  r.ue(); // sps_seq_parameter_set_id
  const chromaFormat = r.ue();
  if (chromaFormat > 3) throw malformed('chroma_format_idc above 3');
  const separatePlanes = chromaFormat === 3 && r.flag();
  const codedWidth = r.ue();
  const codedHeight = r.ue();
  let [left, right, top, bottom] = [0, 0, 0, 0];
  if (r.flag()) [left, right, top, bottom] = [r.ue(), r.ue(), r.ue(), r.ue()];
  const cropX = !separatePlanes && (chromaFormat === 1 || chromaFormat === 2) ? 2 : 1;
  const cropY = !separatePlanes && chromaFormat === 1 ? 2 : 1;
  const width = codedWidth - (left + right) * cropX;
  const height = codedHeight - (top + bottom) * cropY;
  if (width <= 0 || height <= 0 || width > 16384 || height > 16384) throw malformed(`a picture of ${width}x${height}`);
  const bitDepthLuma = 8 + r.ue();
  const bitDepthChroma = 8 + r.ue();
  if (bitDepthLuma > 16 || bitDepthChroma > 16) throw malformed('a bit depth above 16');
  r.ue(); // log2_max_pic_order_cnt_lsb_minus4
  let reorder = 0;
  for (let i = r.flag() ? 0 : maxSubLayers; i <= maxSubLayers; i++) {
    r.ue();
    reorder = r.ue();
    r.ue();
  }
  return {
    width,
    height,
    chromaFormat,
    bitDepthLuma,
    bitDepthChroma,
    temporalLayers: maxSubLayers + 1,
    temporalNesting,
    bFrames: reorder > 0,
  };
}

/** RFC 6381 codec string by ISO 14496-15 Annex E: `hvc1.1.6.L93.B0`. */
export function hevcCodecString(config: HevcConfig): string {
  let reversed = 0;
  for (let bit = 0; bit < 32; bit++) if (config.compatibility & (1 << bit)) reversed += 2 ** (31 - bit);
  const constraints = [...config.constraints];
  while (constraints.length > 0 && constraints.at(-1) === 0) constraints.pop();
  return [
    'hvc1',
    `${['', 'A', 'B', 'C'][config.profileSpace]}${config.profile}`,
    reversed.toString(16).toUpperCase(),
    `${config.tier ? 'H' : 'L'}${config.level}`,
    ...constraints.map((byte) => byte.toString(16).toUpperCase()),
  ].join('.');
}

/** True where decoding can begin at this access unit (4-byte lengths): IDR, CRA or BLA pictures. */
export function isHevcKeyFrame(data: Uint8Array): boolean {
  for (const nal of splitLengthPrefixed(data)) {
    const type = hevcNalType(nal);
    if (type >= HEVC_NAL.irapFirst && type <= HEVC_NAL.irapLast) return true;
    if (type < 32) return false;
  }
  return false;
}

/** The parameter sets of a stream, each a NAL unit with its header. */
export interface HevcParameterSets {
  readonly vps: readonly Uint8Array[];
  readonly sps: readonly Uint8Array[];
  readonly pps: readonly Uint8Array[];
}

/** The parameter sets inside an access unit (4-byte lengths), as views. */
export function hevcParameterSets(data: Uint8Array): HevcParameterSets {
  const nals = splitLengthPrefixed(data);
  const of = (type: number): Uint8Array[] => nals.filter((nal) => hevcNalType(nal) === type);
  return { vps: of(HEVC_NAL.vps), sps: of(HEVC_NAL.sps), pps: of(HEVC_NAL.pps) };
}

/** The access unit as `hvc1` samples want it: parameter sets and delimiters are out of band. */
export function stripHevcParameterSets(data: Uint8Array): Uint8Array {
  const nals = splitLengthPrefixed(data);
  const kept = nals.filter((nal) => hevcNalType(nal) < HEVC_NAL.vps || hevcNalType(nal) > HEVC_NAL.aud);
  return kept.length === nals.length ? data : joinLengthPrefixed(kept);
}
