/** VP8 (RFC 6386 9.1) and VP9 (VP9 bitstream 6.2) key frames; vpcC (VP codec ISO media file format binding). */
import { BitReader } from './bits.ts';
import { malformed, truncated } from './media-error.ts';

/** What a key frame says about its picture. */
export interface VpxKeyFrame {
  readonly width: number;
  readonly height: number;
  readonly profile: number;
  readonly bitDepth: 8 | 10 | 12;
  /** As vpcC has it: 0 and 1 are 4:2:0, 2 is 4:2:2, 3 is 4:4:4. */
  readonly chromaSubsampling: number;
  readonly fullRange: boolean;
}

/** True where a VP8 frame is a key frame. */
export function isVp8KeyFrame(frame: Uint8Array): boolean {
  return frame.length > 0 && (frame[0]! & 1) === 0;
}

/** Reads the header of a VP8 key frame; undefined for another frame; throws a MediaError where it is broken. */
export function parseVp8KeyFrame(frame: Uint8Array): VpxKeyFrame | undefined {
  if (!isVp8KeyFrame(frame)) return undefined;
  if (frame.length < 10) throw truncated('a VP8 key frame header');
  if (frame[3] !== 0x9d || frame[4] !== 0x01 || frame[5] !== 0x2a) throw malformed('no VP8 start code');
  return {
    width: (frame[6]! | (frame[7]! << 8)) & 0x3fff,
    height: (frame[8]! | (frame[9]! << 8)) & 0x3fff,
    profile: (frame[0]! >> 1) & 7,
    bitDepth: 8,
    chromaSubsampling: 1,
    fullRange: false,
  };
}

/** True where a VP9 frame (or superframe) begins with a key frame. */
export function isVp9KeyFrame(frame: Uint8Array): boolean {
  return readVp9(frame) !== undefined;
}

/** Reads the header of a VP9 key frame; undefined for another frame; throws a MediaError where it is broken. */
export function parseVp9KeyFrame(frame: Uint8Array): VpxKeyFrame | undefined {
  const start = readVp9(frame);
  if (!start) return undefined;
  const { r, profile } = start;
  r.skip(2); // show_frame, error_resilient_mode
  if (r.bits(24) !== 0x498342) throw malformed('no VP9 sync code');
  const bitDepth = profile >= 2 ? (r.flag() ? 12 : 10) : 8;
  const colorSpace = r.bits(3);
  let chromaSubsampling = 1;
  let fullRange = true;
  if (colorSpace === 7) {
    chromaSubsampling = 3;
    if (profile & 1) r.skip(1);
  } else {
    fullRange = r.flag();
    if (profile & 1) {
      const [x, y] = [r.bits(1), r.bits(1)];
      chromaSubsampling = x ? (y ? 1 : 2) : 3;
      r.skip(1);
    }
  }
  const width = r.bits(16) + 1;
  const height = r.bits(16) + 1;
  return { width, height, profile, bitDepth, chromaSubsampling, fullRange };
}

function readVp9(frame: Uint8Array): { r: BitReader; profile: number } | undefined {
  if (frame.length === 0) return undefined;
  const r = new BitReader(frame);
  if (r.bits(2) !== 2) throw malformed('no VP9 frame marker');
  const profile = r.bits(1) + 2 * r.bits(1);
  if (profile === 3) r.skip(1);
  if (r.flag()) return undefined; // show_existing_frame
  return r.bits(1) === 0 ? { r, profile } : undefined;
}

/** The eight bytes of a VPCodecConfigurationRecord, without the version and flags of its full box. */
export function buildVpConfig(key: VpxKeyFrame, level = vp9Level(key.width, key.height)): Uint8Array {
  const format = (key.bitDepth << 4) | (key.chromaSubsampling << 1) | (key.fullRange ? 1 : 0);
  // Colour 2: unspecified, the bitstream tells.
  return Uint8Array.of(key.profile, level, format, 2, 2, 2, 0, 0);
}

/** What vpcC says. */
export interface VpConfig {
  readonly profile: number;
  readonly level: number;
  readonly bitDepth: number;
  readonly chromaSubsampling: number;
  /** The record without version and flags, as a `VideoCaps.config` holds it. */
  readonly record: Uint8Array;
}

/** Reads a VPCodecConfigurationRecord, with or without the full box's version and flags in front. */
export function parseVpConfig(bytes: Uint8Array): VpConfig {
  // The record alone is 8 bytes; with version 1 and 24 bits of flags it is 12.
  const record = bytes.length >= 12 && bytes[0] === 1 ? bytes.subarray(4) : bytes;
  if (record.length < 8) throw truncated('vpcC');
  return {
    profile: record[0]!,
    level: record[1]!,
    bitDepth: record[2]! >> 4,
    chromaSubsampling: (record[2]! >> 1) & 7,
    record,
  };
}

/** RFC 6381 codec string: `vp09.00.31.08`. */
export function vp9CodecString(config: Pick<VpConfig, 'profile' | 'level' | 'bitDepth'>): string {
  const two = (n: number): string => String(n).padStart(2, '0');
  return `vp09.${two(config.profile)}.${two(config.level)}.${two(config.bitDepth)}`;
}

/** Picture sizes of the VP9 levels (Annex A); rate is unknown here, so the level is by size, at 30 frames a second. */
const LEVELS: readonly (readonly [pixels: number, level: number])[] = [
  [36_864, 10],
  [73_728, 11],
  [122_880, 20],
  [245_760, 21],
  [552_960, 30],
  [983_040, 31],
  [2_228_224, 40],
  [8_912_896, 50],
];

function vp9Level(width: number, height: number): number {
  return LEVELS.find(([pixels]) => width * height <= pixels)?.[1] ?? 60;
}
