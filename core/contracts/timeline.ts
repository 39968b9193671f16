/** Timeline: any moment of a camera, live or past: memory, spill and store as one. */
import type { CameraId, ChunkCaps, Segment, TrackId } from '../model/index.ts';
import { contract } from './contract.ts';
import type { Span, TimeRange } from './segment-index.ts';

/** A track as the timeline knows it. Changed caps make a new generation with its own init segment. */
export interface TimelineTrack {
  readonly track: TrackId;
  /** Name of this generation's init segment; the last part of `Segment.initUrl`. */
  readonly init: string;
  readonly caps: ChunkCaps;
}

/** Options of {@link Timeline.segments}. */
export interface TimelineQuery {
  /** The most that are answered, the first of them. Default: all. */
  readonly limit?: number;
  /**
   * True: only segments that a crash cannot take any more, by the standard that the pipeline set. Default: every
   * finished one, as playlists want.
   */
  readonly acknowledged?: boolean;
}

/** A stretch of a camera's past that retention never deletes. */
export interface KeepMark extends TimeRange {
  readonly cameraId: CameraId;
}

/** How things stand behind a timeline. */
export interface TimelineState {
  /** `none`: memory alone. `down`: it refuses or cannot be reached, and what it should hold waits. */
  readonly store: 'none' | 'up' | 'down';
  readonly index: 'none' | 'up' | 'down';
  /** The write-ahead log: `full` at its bound, `down` where its disk refuses. */
  readonly log: 'none' | 'up' | 'full' | 'down';
  /** Finished segments that are not yet both stored and indexed. */
  readonly waiting: { readonly segments: number; readonly bytes: number };
  /** True while the wall clock differs from the time that has passed by more than half a minute. */
  readonly clockStepped: boolean;
}

/** The contract. Where its store or index cannot be asked, a call rejects as that one does; memory answers nevertheless. */
export interface Timeline {
  /** Cameras with any past or present here. */
  cameras(): Promise<CameraId[]>;
  /** The newest generation of each track of the camera; empty for an unknown camera. */
  tracks(cameraId: CameraId): Promise<TimelineTrack[]>;
  /** The generation that has this init segment; undefined where no segment that needs it is left. */
  generation(cameraId: CameraId, track: TrackId, init: string): Promise<TimelineTrack | undefined>;
  /** Finished segments that overlap the range, by startTs then track. */
  segments(cameraId: CameraId, range: TimeRange, track?: TrackId, query?: TimelineQuery): Promise<Segment[]>;
  /** The finished segment with the greatest startTs; undefined where there is none. */
  latest(cameraId: CameraId, track?: TrackId): Promise<Segment | undefined>;
  /**
   * Stretches of media and holes with their causes, in order, without overlap, cut to the range. What lies before the
   * oldest media kept is not told; while the camera is away its hole reaches to now.
   */
  spans(cameraId: CameraId, range: TimeRange): Promise<Span[]>;
  /**
   * The bytes of a finished segment by its media name; undefined where it has gone or never was. What was told lately can
   * be read for a while after it has left the timeline, so that no reader is cut.
   */
  read(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined>;
  /** An init segment by its name; undefined where no segment that needs it is left. */
  init(cameraId: CameraId, track: TrackId, name: string): Promise<Uint8Array | undefined>;
  /** Calls back for every segment that is finished here from now on. Returns the unsubscribing function. */
  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void;
  /** Stretches that are kept whatever their age, by start. */
  keeps(cameraId: CameraId): Promise<KeepMark[]>;
  /** Keeps a stretch, durably; the same again changes nothing. Rejects with TIMELINE_NOT_STORED without a store. */
  keep(cameraId: CameraId, range: TimeRange): Promise<void>;
  /** Takes a mark back, exactly as it was made; false where there was none. */
  unkeep(cameraId: CameraId, range: TimeRange): Promise<boolean>;
  state(): Promise<TimelineState>;
}

/** The token. */
export const Timeline = contract<Timeline>('timeline', 1, 'Gives any moment of a camera, live or past.', ['watch']);
