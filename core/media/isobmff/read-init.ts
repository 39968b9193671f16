/** Reading init segments back: what their one track is, for export and for whoever decodes a segment's pictures. */
import { malformed } from '../media-error.ts';
import { findBox, readBoxes } from './box.ts';

/** What an init segment of one track says; boxes are views, whole with their headers. */
export interface ReadInit {
  readonly kind: 'video' | 'audio';
  readonly trackId: number;
  /** Ticks a second. */
  readonly timescale: number;
  /** ISO 639-2/T packed as mdhd has it. */
  readonly language: number;
  /** Of the track header: 16.16 fixed point; 0 for sound. */
  readonly width: number;
  readonly height: number;
  readonly handler: Uint8Array;
  /** vmhd or smhd. */
  readonly mediaHeader: Uint8Array;
  /** The first sample entry (`avc1`, `mp4a`, ...). */
  readonly entry: Uint8Array;
}

/** Reads ftyp and moov of one track, with 32-bit times as {@link buildInitSegment} writes them. Throws a MediaError. */
export function readInitSegment(init: Uint8Array): ReadInit {
  const trak = findBox(init, ['moov', 'trak'])?.body;
  const mdia = trak && findBox(trak, ['mdia'])?.body;
  const minf = mdia && findBox(mdia, ['minf'])?.body;
  if (!minf) throw malformed('an init segment without a track');
  const tkhd = viewOf(body(trak, 'tkhd'));
  const mdhd = viewOf(body(mdia, 'mdhd'));
  if (tkhd.getUint8(0) !== 0 || mdhd.getUint8(0) !== 0) throw malformed('an init segment with 64-bit times');
  const video = findBox(minf, ['vmhd']) !== undefined;
  return {
    kind: video ? 'video' : 'audio',
    trackId: tkhd.getUint32(12),
    timescale: mdhd.getUint32(12),
    language: mdhd.getUint16(20),
    width: tkhd.getUint32(76),
    height: tkhd.getUint32(80),
    handler: whole(mdia, 'hdlr'),
    mediaHeader: whole(minf, video ? 'vmhd' : 'smhd'),
    // Behind version, flags and the count of entries.
    entry: whole(body(required(findBox(minf, ['stbl']), 'stbl').body, 'stsd').subarray(8)),
  };
}

/** Bytes of a VisualSampleEntry before its boxes, header included (ISO 14496-12 12.1.3.2). */
const VISUAL_ENTRY = 86;

/**
 * The decoder configuration in a video track's sample entry, as `VideoCaps.config` has it: the body of avcC, hvcC or av1C,
 * that of vpcC without version and flags. Throws a MediaError.
 */
export function videoConfigOf({ entry }: Pick<ReadInit, 'entry'>): Uint8Array {
  const boxes = readBoxes(entry.subarray(VISUAL_ENTRY));
  const found = boxes.find(({ type }) => ['avcC', 'hvcC', 'av1C', 'vpcC'].includes(type));
  const config = required(found, 'decoder configuration');
  return config.type === 'vpcC' ? config.body.subarray(4) : config.body;
}

const body = (data: Uint8Array, type: string): Uint8Array => required(findBox(data, [type]), type).body;

/** A box with its header: the first, or the first of a type. */
function whole(data: Uint8Array, type?: string): Uint8Array {
  const found = readBoxes(data).find((one) => type === undefined || one.type === type);
  const { offset, size } = required(found, type ?? 'sample entry');
  return data.subarray(offset, offset + size);
}

function required<T>(found: T | undefined, what: string): T {
  if (!found) throw malformed(`an init segment without ${what}`);
  return found;
}

const viewOf = (data: Uint8Array): DataView => new DataView(data.buffer, data.byteOffset, data.byteLength);
