/**
 * Bodies of FLV tags, which RTMP audio and video messages are (Adobe FLV 10.1 E.4.2 and E.4.3), with Enhanced RTMP v1
 * and v2 (veovera E-RTMP: ExVideoTagHeader, ExAudioTagHeader). Timestamps stand in the message, not here.
 *
 * Nothing here throws: bytes that cannot be used come back as `refused`, with a reason that names what was sent.
 */
import type { AudioCodec, VideoCodec } from '../model/index.ts';
import { MediaError, malformed, truncated } from './media-error.ts';

/** A body that is refused: the message is to be counted and dropped, the connection is the owner's decision. */
export interface FlvRefused {
  readonly type: 'refused';
  readonly error: MediaError;
}

/** What the body of a video message is. Byte fields are views of the body: copy them if the body is reused. */
export type FlvVideo =
  | { readonly type: 'config'; readonly codec: VideoCodec; readonly config: Uint8Array }
  | {
      readonly type: 'frame';
      readonly codec: VideoCodec;
      /** True where the publisher marks a key frame. */
      readonly key: boolean;
      /** Presentation minus decode time in ms; negative offsets occur. */
      readonly compositionOffset: number;
      /** Nanoseconds to add to the message's timestamp (E-RTMP v2 TimestampOffsetNano); 0 to 999999. */
      readonly nanoOffset: number;
      /** H.264 and HEVC: NAL units with lengths of the size that the config names. */
      readonly data: Uint8Array;
    }
  /** The publisher ends the sequence. */
  | { readonly type: 'end'; readonly codec: VideoCodec }
  /** E-RTMP colour information: an AMF encoded pair, as given. */
  | { readonly type: 'metadata'; readonly amf: Uint8Array }
  /** Seek commands and empty frames, which carry no media. */
  | { readonly type: 'ignored'; readonly why: string }
  | FlvRefused;

/** What the body of an audio message is. Byte fields are views of the body: copy them if the body is reused. */
export type FlvAudio =
  /** AAC: AudioSpecificConfig; Opus: OpusHead as sent (may be without magic). */
  | { readonly type: 'config'; readonly codec: AudioCodec; readonly config: Uint8Array }
  | { readonly type: 'frame'; readonly codec: AudioCodec; readonly nanoOffset: number; readonly data: Uint8Array }
  | { readonly type: 'end'; readonly codec: AudioCodec }
  | { readonly type: 'ignored'; readonly why: string }
  | FlvRefused;

/** Codecs of the legacy video header. 12 is no standard but what many HEVC cameras send. */
const LEGACY_VIDEO: Readonly<Record<number, VideoCodec>> = { 7: 'h264', 12: 'hevc' };
const LEGACY_VIDEO_NAMES: Readonly<Record<number, string>> = {
  2: 'Sorenson H.263',
  3: 'screen video',
  4: 'VP6',
  5: 'VP6 with alpha',
  6: 'screen video 2',
};
const LEGACY_AUDIO_NAMES: Readonly<Record<number, string>> = {
  0: 'PCM',
  1: 'ADPCM',
  3: 'PCM',
  4: 'Nellymoser',
  5: 'Nellymoser',
  6: 'Nellymoser',
  7: 'G.711 A-law',
  8: 'G.711 mu-law',
  11: 'Speex',
};
const VIDEO_FOURCC: Readonly<Record<string, VideoCodec>> = {
  avc1: 'h264',
  hvc1: 'hevc',
  av01: 'av1',
  vp08: 'vp8',
  vp09: 'vp9',
};
const AUDIO_FOURCC: Readonly<Record<string, AudioCodec>> = { mp4a: 'aac', Opus: 'opus', '.mp3': 'mp3' };

const COMMAND_FRAME = 5;
/** E-RTMP packet types; audio has 0, 1, 2, 4 (multichannel), 5 and 7, video all of these. */
const PACKET = { start: 0, frames: 1, end: 2, framesX: 3, metadata: 4, ts: 5, videoMultitrack: 6, modEx: 7 } as const;
const AUDIO_MULTICHANNEL = 4;
const AUDIO_MULTITRACK = 5;

const refused = (error: MediaError): FlvRefused => ({ type: 'refused', error });
const unsupported = (message: string): FlvRefused => refused(new MediaError('MEDIA_UNSUPPORTED', message));

/** Reads the body of a video message. Never throws. */
export function parseFlvVideo(body: Uint8Array): FlvVideo {
  const first = body[0];
  if (first === undefined) return refused(truncated('a video message'));
  if (first & 0x80) return parseEnhancedVideo(body, (first >> 4) & 7, first & 15);
  const frameType = first >> 4;
  const codec = LEGACY_VIDEO[first & 15];
  if (!codec)
    return unsupported(`video codec ${LEGACY_VIDEO_NAMES[first & 15] ?? first & 15} in an RTMP video message`);
  if (frameType === COMMAND_FRAME) return { type: 'ignored', why: 'command frame' };
  if (body.length < 5) return refused(truncated('a video message header'));
  const data = body.subarray(5);
  switch (body[1]) {
    case 0:
      return config(codec, data);
    case 1:
      return videoFrame(codec, frameType, signed24(body, 2), 0, data);
    case 2:
      return { type: 'end', codec };
    default:
      return refused(malformed(`video packet type ${body[1]}`));
  }
}

function parseEnhancedVideo(body: Uint8Array, frameType: number, firstPacketType: number): FlvVideo {
  const start = readModEx(body, firstPacketType);
  if (start instanceof MediaError) return refused(start);
  const { packetType, nanoOffset } = start;
  let { at } = start;
  if (frameType === COMMAND_FRAME && packetType !== PACKET.metadata) return { type: 'ignored', why: 'command frame' };
  if (packetType === PACKET.videoMultitrack) return unsupported('several video tracks in one RTMP stream (multitrack)');
  if (body.length < at + 4) return refused(truncated('a video FourCC'));
  const name = fourCc(body, at);
  at += 4;
  if (packetType === PACKET.metadata) return { type: 'metadata', amf: body.subarray(at) };
  const codec = VIDEO_FOURCC[name];
  if (!codec) return unsupported(`video codec ${printable(name)} in an RTMP video message`);
  switch (packetType) {
    case PACKET.start:
      return config(codec, body.subarray(at));
    case PACKET.frames:
      // Only the codecs with B-frames in decode order carry a composition offset here.
      if (codec !== 'h264' && codec !== 'hevc') return videoFrame(codec, frameType, 0, nanoOffset, body.subarray(at));
      if (body.length < at + 3) return refused(truncated('a composition offset'));
      return videoFrame(codec, frameType, signed24(body, at), nanoOffset, body.subarray(at + 3));
    case PACKET.framesX:
      return videoFrame(codec, frameType, 0, nanoOffset, body.subarray(at));
    case PACKET.end:
      return { type: 'end', codec };
    case PACKET.ts:
      return unsupported('an MPEG-2 TS sequence header');
    default:
      return refused(malformed(`enhanced video packet type ${packetType}`));
  }
}

/** Reads the body of an audio message. Never throws. */
export function parseFlvAudio(body: Uint8Array): FlvAudio {
  const first = body[0];
  if (first === undefined) return refused(truncated('an audio message'));
  const format = first >> 4;
  switch (format) {
    case 9:
      return parseEnhancedAudio(body, first & 15);
    case 10:
      if (body.length < 2) return refused(truncated('an AAC message header'));
      if (body[1] === 0) return config('aac', body.subarray(2));
      if (body[1] === 1) return audioFrame('aac', 0, body.subarray(2));
      return refused(malformed(`AAC packet type ${body[1]}`));
    case 2:
    case 14:
      return audioFrame('mp3', 0, body.subarray(1));
    default:
      return unsupported(`audio codec ${LEGACY_AUDIO_NAMES[format] ?? format} in an RTMP audio message`);
  }
}

function parseEnhancedAudio(body: Uint8Array, firstPacketType: number): FlvAudio {
  const start = readModEx(body, firstPacketType);
  if (start instanceof MediaError) return refused(start);
  const { packetType, nanoOffset, at } = start;
  if (packetType === AUDIO_MULTITRACK) return unsupported('several audio tracks in one RTMP stream (multitrack)');
  if (body.length < at + 4) return refused(truncated('an audio FourCC'));
  const name = fourCc(body, at);
  const codec = AUDIO_FOURCC[name];
  if (!codec) return unsupported(`audio codec ${printable(name)} in an RTMP audio message`);
  const data = body.subarray(at + 4);
  switch (packetType) {
    case PACKET.start:
      return config(codec, data);
    case PACKET.frames:
      return audioFrame(codec, nanoOffset, data);
    case PACKET.end:
      return { type: 'end', codec };
    case AUDIO_MULTICHANNEL:
      return { type: 'ignored', why: 'channel order, which the codec itself tells' };
    default:
      return refused(malformed(`enhanced audio packet type ${packetType}`));
  }
}

/** Passes over ModEx prefixes (E-RTMP v2): each has a size, data, and a byte with its kind and the next packet type. */
function readModEx(
  body: Uint8Array,
  firstPacketType: number,
): { packetType: number; nanoOffset: number; at: number } | MediaError {
  let packetType = firstPacketType;
  let nanoOffset = 0;
  let at = 1;
  while (packetType === PACKET.modEx) {
    if (at >= body.length) return truncated('a ModEx prefix');
    let size = body[at++]! + 1;
    if (size === 256) {
      if (at + 2 > body.length) return truncated('a ModEx prefix');
      size = body[at]! * 256 + body[at + 1]! + 1;
      at += 2;
    }
    if (at + size >= body.length) return truncated('a ModEx prefix');
    const kind = body[at + size]! >> 4;
    if (kind === 0 && size >= 3)
      nanoOffset = Math.min(999_999, (body[at]! << 16) | (body[at + 1]! << 8) | body[at + 2]!);
    packetType = body[at + size]! & 15;
    at += size + 1;
  }
  return { packetType, nanoOffset, at };
}

function config<C extends VideoCodec | AudioCodec>(
  codec: C,
  data: Uint8Array,
): { type: 'config'; codec: C; config: Uint8Array } | FlvRefused {
  return data.length === 0 ? refused(truncated(`a ${codec} sequence header`)) : { type: 'config', codec, config: data };
}

function videoFrame(
  codec: VideoCodec,
  frameType: number,
  offset: number,
  nanoOffset: number,
  data: Uint8Array,
): FlvVideo {
  if (data.length === 0) return { type: 'ignored', why: 'empty frame' };
  // 1: key frame, 4: generated key frame (a server's own).
  const key = frameType === 1 || frameType === 4;
  return { type: 'frame', codec, key, compositionOffset: offset, nanoOffset, data };
}

function audioFrame(codec: AudioCodec, nanoOffset: number, data: Uint8Array): FlvAudio {
  return data.length === 0 ? { type: 'ignored', why: 'empty frame' } : { type: 'frame', codec, nanoOffset, data };
}

function signed24(body: Uint8Array, at: number): number {
  return ((body[at]! << 24) | (body[at + 1]! << 16) | (body[at + 2]! << 8)) >> 8;
}

function fourCc(body: Uint8Array, at: number): string {
  return String.fromCharCode(body[at]!, body[at + 1]!, body[at + 2]!, body[at + 3]!);
}

/** A stranger's four bytes for a message: control characters must not reach a log. */
function printable(name: string): string {
  return `'${name.replace(/[^\x20-\x7e]/g, '?')}'`;
}

/** What `onMetaData` told, where it told it sensibly; a hint, since encoders lie: parameter sets go first. */
export interface FlvMetadata {
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: number;
  /** Bits a second. */
  readonly videoBitrate?: number;
  readonly audioBitrate?: number;
  readonly encoder?: string;
}

/** Picks the known values out of a decoded `onMetaData` object; what is missing, or of another type, is left out. */
export function readFlvMetadata(values: unknown): FlvMetadata {
  if (typeof values !== 'object' || values === null) return {};
  const of = values as Readonly<Record<string, unknown>>;
  const number = (key: string, scale = 1): number | undefined => {
    const value = of[key];
    return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value * scale : undefined;
  };
  const [width, height] = [number('width'), number('height')];
  const frameRate = number('framerate') ?? number('fps');
  const [videoBitrate, audioBitrate] = [number('videodatarate', 1000), number('audiodatarate', 1000)];
  return {
    ...(width && { width }),
    ...(height && { height }),
    ...(frameRate && { frameRate }),
    ...(videoBitrate && { videoBitrate }),
    ...(audioBitrate && { audioBitrate }),
    ...(typeof of['encoder'] === 'string' && { encoder: of['encoder'].slice(0, 64) }),
  };
}
