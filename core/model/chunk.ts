/** CMAF chunks and what a track of a `chunks` pad is. */
import type { AudioCodec, VideoCodec } from './caps.ts';
import type { Rational } from './time.ts';

/** The actual caps of a track of chunks: one rendition with its init segment. */
export interface ChunkCaps {
  readonly kind: 'video' | 'audio';
  readonly codec: VideoCodec | AudioCodec;
  /** RFC 6381 codec string for CODECS attributes and MSE. */
  readonly codecString: string;
  /** Ticks a second of this track's tfdt and sample durations. */
  readonly timescale: number;
  /** The init segment (ftyp + moov), whole. */
  readonly init: Uint8Array;
  /** Target duration of a segment and of a part, in seconds; fixed for the life of the camera's playlist. */
  readonly segmentTarget: number;
  readonly partTarget: number;
  readonly width?: number;
  readonly height?: number;
  readonly frameRate?: Rational;
  readonly sampleRate?: number;
  readonly channels?: number;
  readonly language?: string;
  /** Bits a second where known before it was measured. */
  readonly bitrate?: number;
}

/** One CMAF chunk (moof + mdat): an LL-HLS part. */
export interface Chunk {
  /** The number of the segment it belongs to: counts up by one a camera and is shared by all its tracks. */
  readonly segment: number;
  /** 0 for the first part of its segment. */
  readonly part: number;
  /** True for the last part of its segment. */
  readonly last: boolean;
  /** True where decoding can begin at its first sample. */
  readonly independent: boolean;
  /** Decode time of its first sample (the tfdt), in ticks of the track's timescale. */
  readonly baseTime: number;
  /** Duration in ticks. */
  readonly duration: number;
  /** Server time (epoch ms) of its first sample's presentation. */
  readonly startTs: number;
  /** True where this chunk's timeline does not continue the one before (EXT-X-DISCONTINUITY). Only on part 0. */
  readonly discontinuity: boolean;
  /** Who wrote it: distinguishes two processes that write the same number. `[a-z0-9]{1,16}`. */
  readonly writer: string;
  /**
   * True for a hole: no media for its duration, and `data` is empty (EXT-X-PART with GAP=YES). A segment whose first part is
   * a hole has no media at all (EXT-X-GAP): other tracks go on, and this one has stopped.
   */
  readonly gap?: boolean;
  /** styp? + prft? + moof + mdat. */
  readonly data: Uint8Array;
}

/** A finished segment, by reference: the item of a `segments` pad and what the index knows. */
export interface Segment {
  /** Unique and stable: `{cameraId}/{track}/{name}`. */
  readonly id: string;
  readonly cameraId: string;
  readonly track: string;
  readonly number: number;
  /** Server time (epoch ms) of its first presentation; never goes back within a camera. */
  readonly startTs: number;
  /** Duration in ms. */
  readonly duration: number;
  readonly writer: string;
  /** Key in the object store. */
  readonly url: string;
  /** Key of its init segment. */
  readonly initUrl: string;
  readonly bytes: number;
  readonly timescale: number;
  /** tfdt of its first sample and exact duration, in ticks. */
  readonly baseTime: number;
  readonly durationTicks: number;
  readonly discontinuity: boolean;
  /** True where it begins with a key frame. */
  readonly independent: boolean;
  /** RFC 6381 codec string. */
  readonly codecString: string;
}

/** The media name of a segment, relative in playlists: `{startMs}-{number}.{writer}.m4s`, never two contents. */
export function segmentName(segment: Pick<Segment, 'startTs' | 'number' | 'writer'>): string {
  return `${Math.round(segment.startTs)}-${segment.number}.${segment.writer}.m4s`;
}

const SEGMENT_NAME = /^(\d{1,16})-(\d{1,16})\.([a-z0-9]{1,16})\.m4s$/;

/** Reads a name made by {@link segmentName}; undefined where it is not one. */
export function parseSegmentName(name: string): { startTs: number; number: number; writer: string } | undefined {
  const match = SEGMENT_NAME.exec(name);
  return match ? { startTs: Number(match[1]), number: Number(match[2]), writer: match[3]! } : undefined;
}

/**
 * The name of an init segment, relative in playlists: `init-{number}.{writer}.mp4` after the first segment that needs
 * it, so that a changed init segment, or another process, never reuses a name.
 */
export function initName(first: Pick<Segment, 'number' | 'writer'>): string {
  return `init-${first.number}.${first.writer}.mp4`;
}
