/** What the engine's thread and the threads of the database say to each other. */
import type { CameraId, Code, Gap, Segment, TimeRange } from 'eddy/plugin';
import type { SegmentRef } from '../shared/segment-id.ts';
import type { Stretches } from '../shared/stretches.ts';

/** What a thread is for. One writes; the other reads, so that a long range never delays an acknowledgement. */
export type Role = 'writer' | 'reader';

/** `workerData` of a thread. */
export interface ThreadData {
  readonly role: Role;
  readonly file: string;
}

/** The calls of each role: arguments and answer. */
export interface Calls {
  /** For each segment whether it was new. */
  add: { args: [segments: readonly Segment[]]; answer: boolean[] };
  addGap: { args: [camera: CameraId, gap: Gap]; answer: undefined };
  reserve: { args: [camera: CameraId, atLeast: number, count: number]; answer: number };
  delete: { args: [segments: readonly SegmentRef[]]; answer: undefined };
  range: { args: [camera: CameraId, range: TimeRange, track?: string, limit?: number]; answer: Segment[] };
  latest: { args: [camera: CameraId, track?: string]; answer: Segment | undefined };
  stretches: { args: [camera: CameraId, range: TimeRange, join: number]; answer: Stretches };
  cameras: { args: []; answer: CameraId[] };
}

/** Calls of the writer that go into one commit with others. */
export type Write = { [K in 'add' | 'addGap' | 'reserve']: { readonly call: K; readonly args: Calls[K]['args'] } }[
  'add' | 'addGap' | 'reserve'];

/** To a thread. */
export type ToThread =
  | { readonly kind: 'close' }
  | { readonly kind: 'call'; readonly id: number; readonly call: keyof Calls; readonly args: unknown[] };

/** An error on its way out of a thread. */
export interface ThreadError {
  readonly code: Code;
  readonly message: string;
}

/** From a thread. The first is `ready` or `failed`. */
export type FromThread =
  | { readonly kind: 'ready' }
  | { readonly kind: 'failed'; readonly error: ThreadError }
  | { readonly kind: 'answer'; readonly id: number; readonly value: unknown }
  | { readonly kind: 'refusal'; readonly id: number; readonly error: ThreadError };
