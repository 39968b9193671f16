/** Init segments: ftyp and moov of one fragmented track (CMAF header, ISO 23000-19 7.3.1). */
import type { AudioCaps, VideoCaps } from '../../model/index.ts';
import { parseAacConfig } from '../aac.ts';
import { MediaError } from '../media-error.ts';
import { box, dataInFile, fields, fourCc, fullBox, MATRIX } from './box.ts';

/** Everything a CMAF track's init segment depends on. */
export interface InitTrack {
  readonly caps: VideoCaps | AudioCaps;
  /** Ticks a second of tfdt and sample durations, where it is not that of the caps. */
  readonly timescale?: number;
  /** Default 1; chunks must carry the same. */
  readonly trackId?: number;
}

/** Codecs that have a sample entry here. */
export const CMAF_VIDEO_CODECS = ['h264', 'hevc', 'av1', 'vp9'] as const;
/** Codecs that have a sample entry here. */
export const CMAF_AUDIO_CODECS = ['aac', 'opus'] as const;

/**
 * Builds an init segment. The brand `cmf2` says that composition offsets are signed and no edit list shifts the track:
 * presentation time is tfdt plus offset, on one timeline with the camera's other tracks. Throws a MediaError for a codec
 * without a sample entry.
 */
export function buildInitSegment(track: InitTrack): Uint8Array {
  const { caps } = track;
  const trackId = track.trackId ?? 1;
  const brands = ['iso6', 'cmf2', 'cmfc', 'mp41', ...(caps.codec === 'av1' ? ['av01'] : [])];
  const ftyp = box('ftyp', fourCc('iso6'), fields([4, 0]), ...brands.map(fourCc));
  const mvhd = fullBox(
    'mvhd',
    0,
    0,
    fields([4, 0], [4, 0], [4, 1000], [4, 0], [4, 0x10000], [2, 0x100], [2, 0], [8, 0]),
    MATRIX,
    new Uint8Array(24),
    fields([4, trackId + 1]),
  );
  const trex = fullBox('trex', 0, 0, fields([4, trackId], [4, 1], [4, 0], [4, 0], [4, 0]));
  const moov = box('moov', mvhd, trak(caps, trackId, track.timescale ?? caps.timescale), box('mvex', trex));
  const init = new Uint8Array(ftyp.length + moov.length);
  init.set(ftyp);
  init.set(moov, ftyp.length);
  return init;
}

function trak(caps: VideoCaps | AudioCaps, trackId: number, timescale: number): Uint8Array {
  const video = caps.kind === 'video';
  const [width, height] = video ? [caps.width, caps.height] : [0, 0];
  const tkhd = fullBox(
    'tkhd',
    0,
    7, // enabled, in movie, in preview
    fields(
      [4, 0],
      [4, 0],
      [4, trackId],
      [4, 0],
      [4, 0],
      [8, 0],
      [2, 0],
      [2, video ? 0 : 1],
      [2, video ? 0 : 0x100],
      [2, 0],
    ),
    MATRIX,
    fields([2, width], [2, 0], [2, height], [2, 0]),
  );
  const language = packLanguage(video ? undefined : caps.language);
  const mdhd = fullBox('mdhd', 0, 0, fields([4, 0], [4, 0], [4, timescale], [4, 0], [2, language], [2, 0]));
  const name = new TextEncoder().encode(`${video ? 'Video' : 'Sound'}Handler\0`);
  const hdlr = fullBox('hdlr', 0, 0, fields([4, 0]), fourCc(video ? 'vide' : 'soun'), new Uint8Array(12), name);
  const header = video ? fullBox('vmhd', 0, 1, new Uint8Array(8)) : fullBox('smhd', 0, 0, new Uint8Array(4));
  const empty = fields([4, 0]);
  const stbl = box(
    'stbl',
    fullBox('stsd', 0, 0, fields([4, 1]), video ? visualEntry(caps) : audioEntry(caps)),
    fullBox('stts', 0, 0, empty),
    fullBox('stsc', 0, 0, empty),
    fullBox('stsz', 0, 0, empty, empty),
    fullBox('stco', 0, 0, empty),
  );
  return box('trak', tkhd, box('mdia', mdhd, hdlr, box('minf', header, dataInFile(), stbl)));
}

function visualEntry(caps: VideoCaps): Uint8Array {
  const common = fields([4, 0], [2, 0], [2, 1], [8, 0], [8, 0], [2, caps.width], [2, caps.height]);
  // 72 dpi, one frame a sample, no name, depth 24, no colour table.
  const rest = [fields([4, 0x480000], [4, 0x480000], [4, 0], [2, 1]), new Uint8Array(32), fields([2, 24], [2, 0xffff])];
  const entry = (type: string, config: Uint8Array): Uint8Array => box(type, common, ...rest, config);
  switch (caps.codec) {
    case 'h264':
      return entry('avc1', box('avcC', caps.config));
    case 'hevc':
      return entry('hvc1', box('hvcC', caps.config));
    case 'av1':
      return entry('av01', box('av1C', caps.config));
    case 'vp9':
      return entry('vp09', fullBox('vpcC', 1, 0, caps.config));
    default:
      throw new MediaError('MEDIA_UNSUPPORTED', `${caps.codec} has no place in CMAF`);
  }
}

function audioEntry(caps: AudioCaps): Uint8Array {
  // The rate field has 16 integer bits; above them the codec's own configuration tells.
  const rate = caps.sampleRate < 0x10000 ? caps.sampleRate : 0;
  const common = fields([4, 0], [2, 0], [2, 1], [8, 0], [2, caps.channels], [2, 16], [4, 0], [2, rate], [2, 0]);
  switch (caps.codec) {
    case 'aac':
      return box('mp4a', common, esds(caps.config));
    case 'opus':
      return box('Opus', common, box('dOps', caps.config));
    default:
      throw new MediaError('MEDIA_UNSUPPORTED', `${caps.codec} has no place in CMAF`);
  }
}

/** ES descriptor (ISO 14496-1 7.2.6.5) around an AudioSpecificConfig. */
function esds(config: Uint8Array): Uint8Array {
  parseAacConfig(config); // a broken one is refused here, not in a player
  const descriptor = (tag: number, ...parts: Uint8Array[]): Uint8Array => {
    const size = parts.reduce((sum, part) => sum + part.length, 0);
    const out = new Uint8Array(2 + size);
    out[0] = tag;
    out[1] = size;
    let at = 2;
    for (const part of parts) {
      out.set(part, at);
      at += part.length;
    }
    return out;
  };
  const specific = descriptor(5, config);
  // Object type 0x40 (MPEG-4 audio), stream type 5 (audio) with the reserved bit set.
  const decoder = descriptor(4, fields([1, 0x40], [1, 0x15], [3, 0], [4, 0], [4, 0]), specific);
  return fullBox('esds', 0, 0, descriptor(3, fields([2, 0], [1, 0]), decoder, descriptor(6, fields([1, 2]))));
}

/** ISO 639-2/T packed in three times five bits; `und` where it is not such a code. */
function packLanguage(language: string | undefined): number {
  const code = language && /^[a-z]{3}$/.test(language) ? language : 'und';
  return [...code].reduce((packed, letter) => (packed << 5) | (letter.charCodeAt(0) - 0x60), 0);
}
