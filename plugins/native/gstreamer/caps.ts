/** Between GStreamer's caps strings and the caps of a track. */
import type { AudioCodec, TrackCaps, VideoCaps, VideoCodec } from 'eddy/plugin';
import { audioCapsFromConfig, buildDops, buildOpusHead, parseDops, videoCapsFromConfig } from 'eddy/media';

/** A fixed caps structure: its media type and fields, values as written without their types. */
export interface GstCaps {
  readonly name: string;
  readonly fields: Readonly<Record<string, string>>;
}

/** Reads a fixed caps string (gst_structure_to_string): quoted values are unquoted, lists and arrays kept as text. */
export function parseGstCaps(text: string): GstCaps {
  const comma = text.indexOf(',');
  const name = (comma < 0 ? text : text.slice(0, comma)).replace(/[\s;]+$|\(.*$/g, '');
  const fields: Record<string, string> = {};
  const field = /\s*([A-Za-z0-9_:-]+)\s*=\s*(?:\(([^)]*)\)\s*)?("(?:[^"\\]|\\.)*"|\{[^}]*\}|<[^>]*>|[^,;]*)\s*[,;]?/y;
  field.lastIndex = comma < 0 ? text.length : comma + 1;
  for (let match = field.exec(text); match; match = field.exec(text)) {
    const value = match[3]!.trim();
    fields[match[1]!] = value.startsWith('"') ? value.slice(1, -1).replace(/\\(.)/g, '$1') : value;
  }
  return { name, fields };
}

const VIDEO: Readonly<Record<string, VideoCodec>> = {
  'video/x-h264': 'h264',
  'video/x-h265': 'hevc',
  'video/x-av1': 'av1',
  'video/x-vp8': 'vp8',
  'video/x-vp9': 'vp9',
};

/** Video is counted in RTP's and MPEG's 90 kHz, whatever the encoder. */
export const VIDEO_TIMESCALE = 90_000;

/** What an output's caps say of its stream. */
export type OutputCaps =
  | {
      readonly kind: 'video';
      readonly codec: VideoCodec;
      /** NAL units come with start codes instead of lengths. */
      readonly annexB: boolean;
      /** Size in bytes of the NAL lengths of a stream without start codes. */
      readonly lengthSize: number;
      /** Undefined where the parameters travel in the key frames. */
      readonly caps: VideoCaps | undefined;
      readonly frameRate: VideoCaps['frameRate'];
    }
  | { readonly kind: 'audio'; readonly adts: boolean; readonly caps: TrackCaps | undefined }
  | { readonly kind: 'data'; readonly caps: TrackCaps };

/** Still pictures: each stands for itself. */
const JPEG: TrackCaps = { kind: 'data', codec: 'jpeg', timescale: VIDEO_TIMESCALE };

const hex = (text: string | undefined): Buffer | undefined => (text ? Buffer.from(text, 'hex') : undefined);

/** Reads the caps of an output; undefined where Eddy carries no such stream. Throws a MediaError for a bad codec_data. */
export function readOutputCaps(text: string): OutputCaps | undefined {
  const { name, fields } = parseGstCaps(text);
  const config = hex(fields.codec_data);
  const video = VIDEO[name];
  if (video) {
    const [num, den] = (fields.framerate ?? '').split('/').map(Number);
    const frameRate = num && den ? { num, den } : undefined;
    const nal = video === 'h264' || video === 'hevc';
    const annexB = nal && (fields['stream-format'] ?? 'byte-stream') === 'byte-stream';
    // The four bytes that both records have at their own place: avcC byte 4, hvcC byte 21, two low bits.
    const lengthSize = nal && config && !annexB ? (config[video === 'h264' ? 4 : 21]! & 3) + 1 : 4;
    const known = config && !annexB && video !== 'vp8' && video !== 'vp9';
    const caps = known ? withRate(videoCapsFromConfig(video, config, VIDEO_TIMESCALE), frameRate) : undefined;
    return { kind: 'video', codec: video, annexB, lengthSize, caps, frameRate };
  }
  if (name === 'image/jpeg') return { kind: 'data', caps: JPEG };
  if (name === 'audio/mpeg' && fields.mpegversion !== '1') {
    const adts = fields['stream-format'] === 'adts';
    return { kind: 'audio', adts, caps: config && !adts ? audioCapsFromConfig('aac', config) : undefined };
  }
  if (name === 'audio/x-opus') {
    const head = hex(/<\s*(?:\(buffer\))?([0-9a-fA-F]+)/.exec(fields.streamheader ?? '')?.[1]);
    const channels = Number(fields.channels ?? 2);
    const plain = { channels, preSkip: 312, inputRate: 48000, gain: 0, mappingFamily: 0, mapping: new Uint8Array(0) };
    return { kind: 'audio', adts: false, caps: audioCapsFromConfig('opus', head ?? buildDops(plain)) };
  }
  return undefined;
}

/** The caps with GStreamer's frame rate where the bitstream does not tell one. */
export function withRate(caps: VideoCaps, frameRate: VideoCaps['frameRate']): VideoCaps {
  return caps.frameRate || !frameRate ? caps : { ...caps, frameRate };
}

const AUDIO_NAMES: Readonly<Record<AudioCodec, string>> = {
  aac: 'audio/mpeg, mpegversion=(int)4, stream-format=(string)raw, framed=(boolean)true',
  opus: 'audio/x-opus, channel-mapping-family=(int)0',
  mp3: 'audio/mpeg, mpegversion=(int)1, layer=(int)3, parsed=(boolean)true',
};

const VIDEO_NAMES: Readonly<Record<VideoCodec, string>> = {
  h264: 'video/x-h264, stream-format=(string)avc, alignment=(string)au, parsed=(boolean)true',
  hevc: 'video/x-h265, stream-format=(string)hvc1, alignment=(string)au, parsed=(boolean)true',
  av1: 'video/x-av1, stream-format=(string)obu-stream, alignment=(string)tu, parsed=(boolean)true',
  vp8: 'video/x-vp8',
  vp9: 'video/x-vp9',
};

/** The caps string that an input's track has in GStreamer. Throws TypeError for data tracks, which it has no words for. */
export function writeInputCaps(caps: TrackCaps): string {
  if (caps.kind === 'data') throw new TypeError(`a host takes no ${caps.codec} track`);
  const config = (bytes: Uint8Array): string =>
    bytes.length > 0 ? `, codec_data=(buffer)${Buffer.from(bytes).toString('hex')}` : '';
  if (caps.kind === 'video') {
    const rate = caps.frameRate ? `, framerate=(fraction)${caps.frameRate.num}/${caps.frameRate.den}` : '';
    const size = `, width=(int)${caps.width}, height=(int)${caps.height}`;
    return `${VIDEO_NAMES[caps.codec]}${size}${rate}${config(caps.config)}`;
  }
  const base = `${AUDIO_NAMES[caps.codec]}, rate=(int)${caps.sampleRate}, channels=(int)${caps.channels}`;
  if (caps.codec !== 'opus') return `${base}${config(caps.config)}`;
  const head = Buffer.from(buildOpusHead(parseDops(caps.config))).toString('hex');
  return `${base}, streamheader=(buffer)< ${head} >`;
}
