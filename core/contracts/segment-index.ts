/** SegmentIndex: which segments exist, by camera and wall clock. */
import type { CameraId, GapCause, Segment } from '../model/index.ts';
import { contract } from './contract.ts';

/** A half-open range of server time, epoch ms. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

/** A hole with its cause. */
export type Gap = TimeRange & { readonly cause: GapCause };

/** An uninterrupted stretch, or a hole with its cause. */
export type Span = ({ readonly kind: 'media' } & TimeRange) | ({ readonly kind: 'gap' } & Gap);

/**
 * The contract. An index rejects with INDEX_FULL, INDEX_DENIED, INDEX_CORRUPT or INDEX_UNREACHABLE where it cannot do
 * what is asked; what was rejected may be tried again.
 */
export interface SegmentIndex {
  /**
   * Adds segments durably; settles when they survive a crash. Adding the same id again changes nothing and is not told
   * to watchers. An id must be `{cameraId}/{track}/{segmentName}` (INDEX_SEGMENT_INVALID): all or none are added.
   */
  add(segments: readonly Segment[]): Promise<void>;
  /** Records why there is no media; the same again, or an empty one, changes nothing. */
  addGap(cameraId: CameraId, gap: Gap): Promise<void>;
  /**
   * Segments that overlap the range, those included that merely reach into its start, by startTs, then track, then
   * number; the first `limit` of them where that is given.
   */
  range(cameraId: CameraId, range: TimeRange, track?: string, limit?: number): Promise<Segment[]>;
  /** The segment with the greatest startTs; of several the one with the greatest number. */
  latest(cameraId: CameraId, track?: string): Promise<Segment | undefined>;
  /**
   * Stretches where any track has media and the holes between them, in order, without overlap, cut to the range. A
   * hole has the cause of the recorded gap that covers most of it, else `dropped`; media less than 100 ms apart are one
   * stretch. Before the oldest media nothing is told; after the newest a hole reaches as far as recorded gaps do.
   */
  spans(cameraId: CameraId, range: TimeRange): Promise<Span[]>;
  /** Cameras that have a segment, in byte order. */
  cameras(): Promise<CameraId[]>;
  /**
   * Reserves `count` segment numbers durably and returns the first: at least `atLeast`, above every number that was
   * reserved before by anyone, and above that of every segment ever added, whatever the clock did.
   */
  reserve(cameraId: CameraId, atLeast: number, count: number): Promise<number>;
  /**
   * Removes segments; unknown ids are no error. Gaps go with the segments before them. Settles when all are gone, which
   * may take long for many; other calls are answered meanwhile.
   */
  delete(ids: readonly string[]): Promise<void>;
  /**
   * Calls back for every segment that was added to the camera, in the order of adding, before `add` settles. An index
   * that processes share also tells what others add. Returns the unsubscribing function.
   */
  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void;
}

/** The token. */
export const SegmentIndex = contract<SegmentIndex>(
  'segment-index',
  1,
  'Knows every finished segment by camera and time.',
  ['watch'],
);
