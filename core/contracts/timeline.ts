/** Timeline: any moment of a camera, live or past: memory, spill and store as one. */
import type { CameraId, ChunkCaps, Segment, TrackId } from '../model/index.ts';
import type { Span, TimeRange } from './segment-index.ts';
import { contract } from './contract.ts';

/** A track as the timeline knows it. Changed caps make a new generation with its own init segment. */
export interface TimelineTrack {
  readonly track: TrackId;
  /** Name of the newest generation's init segment; the last part of `Segment.initUrl`. */
  readonly init: string;
  readonly caps: ChunkCaps;
}

/** The contract. */
export interface Timeline {
  /** Cameras with any past or present here. */
  cameras(): Promise<CameraId[]>;
  /** The newest generation of each track of the camera; empty for an unknown camera. */
  tracks(cameraId: CameraId): Promise<TimelineTrack[]>;
  /** Finished segments that overlap the range, by startTs then track. */
  segments(cameraId: CameraId, range: TimeRange, track?: TrackId): Promise<Segment[]>;
  /**
   * Stretches of media and holes with their causes, in order, without overlap, cut to the range. What lies before the
   * oldest media kept is not told; while the camera is away its hole reaches to now.
   */
  spans(cameraId: CameraId, range: TimeRange): Promise<Span[]>;
  /** The bytes of a finished segment by its media name; undefined where it has gone or never was. */
  read(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined>;
  /** An init segment by its name; undefined where no segment that needs it is left. */
  init(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined>;
}

/** The token. */
export const Timeline = contract<Timeline>('timeline', 1, 'Gives any moment of a camera, live or past.');
