/** SegmentIndex: which segments exist, by camera and wall clock. */
import type { CameraId, GapCause, Segment } from '../model/index.ts';
import { contract } from './contract.ts';

/** A half-open range of server time, epoch ms. */
export interface TimeRange {
  readonly start: number;
  readonly end: number;
}

/** An uninterrupted stretch, or a hole with its cause. */
export type Span =
  ({ readonly kind: 'media' } & TimeRange) | ({ readonly kind: 'gap'; readonly cause: GapCause } & TimeRange);

/** The contract. */
export interface SegmentIndex {
  /** Adds segments durably; settles when they survive a crash. Adding the same id again changes nothing. */
  add(segments: readonly Segment[]): Promise<void>;
  addGap(cameraId: CameraId, gap: TimeRange & { readonly cause: GapCause }): Promise<void>;
  /** Segments that overlap the range, those included that merely reach into its start, by startTs then track. */
  range(cameraId: CameraId, range: TimeRange, track?: string, limit?: number): Promise<Segment[]>;
  latest(cameraId: CameraId, track?: string): Promise<Segment | undefined>;
  spans(cameraId: CameraId, range: TimeRange): Promise<Span[]>;
  cameras(): Promise<CameraId[]>;
  /** Reserves `count` segment numbers durably; the first of them is at least `atLeast` and none was given before. */
  reserve(cameraId: CameraId, atLeast: number, count: number): Promise<number>;
  delete(ids: readonly string[]): Promise<void>;
  /** Calls back for every added segment of the camera; returns the unsubscribing function. */
  watch(cameraId: CameraId, listener: (segment: Segment) => void): () => void;
}

/** The token. */
export const SegmentIndex = contract<SegmentIndex>(
  'segment-index',
  1,
  'Knows every finished segment by camera and time.',
  ['watch'],
);
