/**
 * Caps: what a track is. A pad's manifest declares patterns ({@link CapsPattern}); a running track has actual caps
 * ({@link TrackCaps}), with the decoder's configuration out of band as MP4 has it.
 */
import type { Rational } from './time.ts';

/** Video codecs that Eddy carries as access units. */
export const VIDEO_CODECS = ['h264', 'hevc', 'av1', 'vp8', 'vp9'] as const;
/** Audio codecs that Eddy carries as access units. */
export const AUDIO_CODECS = ['aac', 'opus', 'mp3'] as const;
/** Timed data: captions, ad markers, timed metadata, still pictures. */
export const DATA_CODECS = ['cea608', 'webvtt', 'scte35', 'id3', 'amf', 'jpeg'] as const;

/** One of {@link VIDEO_CODECS}. */
export type VideoCodec = (typeof VIDEO_CODECS)[number];
/** One of {@link AUDIO_CODECS}. */
export type AudioCodec = (typeof AUDIO_CODECS)[number];
/** A data codec that a package brings, by a name with a dot, as its plugins have: `acme.faces`. Ours never have one. */
export type OwnDataCodec = `${string}.${string}`;
/** One of {@link DATA_CODECS}, or a package's own. */
export type DataCodec = (typeof DATA_CODECS)[number] | OwnDataCodec;
/** What a track is for its viewer. */
export type MediaKind = 'video' | 'audio' | 'data';

/** The actual caps of a coded video track. */
export interface VideoCaps {
  readonly kind: 'video';
  readonly codec: VideoCodec;
  /** Ticks a second of this track's timestamps. */
  readonly timescale: number;
  /** Coded picture size in pixels. */
  readonly width: number;
  readonly height: number;
  /** Frames a second where it is known and constant. */
  readonly frameRate?: Rational;
  /** True where frames are reordered (pts differs from dts); undefined while unknown. */
  readonly bFrames?: boolean;
  /** RFC 6381 codec string: `avc1.64001f`, `hvc1.1.6.L93.B0`, `av01.0.04M.08`. */
  readonly codecString: string;
  /**
   * Decoder configuration record without box header: avcC (ISO 14496-15 5.3.3.1), hvcC (8.3.3.1), av1C, vpcC.
   * Empty for a codec that needs none (VP8).
   */
  readonly config: Uint8Array;
  /** Bits a second where the source says so. */
  readonly bitrate?: number;
}

/** The actual caps of a coded audio track. */
export interface AudioCaps {
  readonly kind: 'audio';
  readonly codec: AudioCodec;
  /** Ticks a second of this track's timestamps; the sample rate unless the source's timestamps are coarser. */
  readonly timescale: number;
  readonly sampleRate: number;
  readonly channels: number;
  /** RFC 6381 codec string: `mp4a.40.2`, `opus`. */
  readonly codecString: string;
  /** AudioSpecificConfig (ISO 14496-3 1.6.2.1) for AAC, dOps body (Opus in ISOBMFF 4.3.2) for Opus. */
  readonly config: Uint8Array;
  /** BCP 47 language where known. */
  readonly language?: string;
  readonly bitrate?: number;
}

/** The actual caps of a timed data track. */
export interface DataCaps {
  readonly kind: 'data';
  readonly codec: DataCodec;
  readonly timescale: number;
  readonly language?: string;
}

/** What one track of a `frames` pad is. */
export type TrackCaps = VideoCaps | AudioCaps | DataCaps;

/**
 * A set of caps, as a manifest declares it: each key that is absent means "any".
 * `bFrames: false` accepts or promises only streams without reordering.
 */
export interface CapsPattern {
  readonly kind?: MediaKind | readonly MediaKind[];
  readonly codec?: string | readonly string[];
  readonly bFrames?: boolean;
  readonly sampleRate?: number | readonly number[];
  readonly channels?: number | readonly number[];
  readonly maxWidth?: number;
  readonly maxHeight?: number;
}

/** One alternative that an output pad offers. */
export interface CapsOffer {
  readonly caps: CapsPattern;
  /** `usual`: what most sources of this stage bring; `possible`: what some bring. */
  readonly likelihood: 'usual' | 'possible';
}
