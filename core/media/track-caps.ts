/** From a decoder configuration (or a key frame) to the caps of a track. */
import type { AudioCaps, AudioCodec, VideoCaps, VideoCodec } from '../model/index.ts';
import { aacCodecString, parseAacConfig } from './aac.ts';
import { av1CodecString, buildAv1Config, findAv1Sequence, parseAv1Config } from './av1.ts';
import { buildAvcConfig, h264CodecString, h264ParameterSets, parseAvcConfig, parseH264Sps } from './h264.ts';
import { buildHevcConfig, hevcCodecString, hevcParameterSets, parseHevcConfig, parseHevcSps } from './hevc.ts';
import { MediaError, malformed } from './media-error.ts';
import { parseMp3Header } from './mp3.ts';
import { buildDops, isOpusHead, parseDops, parseOpusHead } from './opus.ts';
import { buildVpConfig, parseVp8KeyFrame, parseVp9KeyFrame, parseVpConfig, vp9CodecString } from './vpx.ts';

/**
 * Caps of a video track from its configuration record (avcC, hvcC, av1C). The config of the caps is normalised to 4-byte
 * NAL lengths: pass samples through `toFourByteLengths` with the record's own `lengthSize`. VP8 and VP9 records lack the
 * picture size: use {@link videoCapsFromKeyFrame}. Throws a MediaError.
 */
export function videoCapsFromConfig(codec: VideoCodec, config: Uint8Array, timescale: number): VideoCaps {
  const base = { kind: 'video', codec, timescale } as const;
  switch (codec) {
    case 'h264': {
      const record = parseAvcConfig(config);
      const sps = parseH264Sps(record.sps[0]!);
      const { num, den, fixed } = sps.frameRate ?? { num: 0, den: 1, fixed: false };
      return {
        ...base,
        width: sps.width,
        height: sps.height,
        ...(fixed && { frameRate: { num, den } }),
        ...(sps.bFrames !== undefined && { bFrames: sps.bFrames }),
        codecString: h264CodecString(sps.profile, sps.compatibility, sps.level),
        config: record.lengthSize === 4 ? config : buildAvcConfig(record.sps, record.pps),
      };
    }
    case 'hevc': {
      const record = parseHevcConfig(config);
      if (!record.sps[0]) throw malformed('hvcC has no sequence parameter set');
      const { width, height, bFrames } = parseHevcSps(record.sps[0]);
      const normal = record.lengthSize === 4 ? config : buildHevcConfig(record);
      return { ...base, width, height, bFrames, codecString: hevcCodecString(record), config: normal };
    }
    case 'av1': {
      const sequence = parseAv1Config(config);
      return { ...base, ...av1Caps(sequence), config };
    }
    case 'vp8':
    case 'vp9':
      throw new MediaError('MEDIA_UNSUPPORTED', `a ${codec} configuration does not tell the picture size`);
  }
}

/** Caps of a video track from a key frame with parameter sets in band; undefined where the frame has none. */
export function videoCapsFromKeyFrame(codec: VideoCodec, frame: Uint8Array, timescale: number): VideoCaps | undefined {
  const base = { kind: 'video', codec, timescale, bFrames: false } as const;
  switch (codec) {
    case 'h264': {
      const { sps, pps } = h264ParameterSets(frame);
      return sps[0] && pps[0] ? videoCapsFromConfig(codec, buildAvcConfig(sps, pps), timescale) : undefined;
    }
    case 'hevc': {
      const sets = hevcParameterSets(frame);
      const whole = sets.vps[0] && sets.sps[0] && sets.pps[0];
      return whole ? videoCapsFromConfig(codec, buildHevcConfig(sets), timescale) : undefined;
    }
    case 'av1': {
      const sequence = findAv1Sequence(frame);
      return sequence && { ...base, ...av1Caps(sequence), config: buildAv1Config(sequence) };
    }
    case 'vp8': {
      const key = parseVp8KeyFrame(frame);
      return key && { ...base, width: key.width, height: key.height, codecString: 'vp8', config: new Uint8Array(0) };
    }
    case 'vp9': {
      const key = parseVp9KeyFrame(frame);
      if (!key) return undefined;
      const config = buildVpConfig(key);
      const codecString = vp9CodecString(parseVpConfig(config));
      return { ...base, width: key.width, height: key.height, codecString, config };
    }
  }
}

function av1Caps(
  sequence: Parameters<typeof av1CodecString>[0],
): Pick<VideoCaps, 'width' | 'height' | 'codecString' | 'bFrames'> {
  // AV1 hides its reordering inside temporal units: presentation order is decode order.
  return { width: sequence.width, height: sequence.height, codecString: av1CodecString(sequence), bFrames: false };
}

/**
 * Caps of an audio track from its configuration: AudioSpecificConfig for AAC; OpusHead or dOps for Opus; for MP3, which
 * has no configuration, its first frame. `timescale` defaults to the sample rate. Throws a MediaError.
 */
export function audioCapsFromConfig(codec: AudioCodec, config: Uint8Array, timescale?: number): AudioCaps {
  switch (codec) {
    case 'aac': {
      const { objectType, sampleRate, channels } = parseAacConfig(config);
      const codecString = aacCodecString(objectType);
      return { kind: 'audio', codec, timescale: timescale ?? sampleRate, sampleRate, channels, codecString, config };
    }
    case 'opus': {
      const head = isOpusHead(config) ? parseOpusHead(config) : parseDops(config);
      const caps = { sampleRate: 48000, channels: head.channels, codecString: 'opus', config: buildDops(head) };
      return { kind: 'audio', codec, timescale: timescale ?? 48000, ...caps };
    }
    case 'mp3': {
      const { sampleRate, channels } = parseMp3Header(config);
      const caps = { sampleRate, channels, codecString: 'mp4a.40.34', config: new Uint8Array(0) };
      return { kind: 'audio', codec, timescale: timescale ?? sampleRate, ...caps };
    }
  }
}
