/**
 * A rendition of which nothing comes while the leader goes on: when that is so, and which numbers it has no media for. Its
 * playlist must go on all the same: a player that waits for it is to learn that there is nothing, and take another one.
 */
import { WINDOW_MS } from './cut-window.ts';
import { silenceOf } from './leader.ts';
import type { Boundary, SegmentPlan } from './plan.ts';
import type { SegmentTrack } from './track.ts';

/**
 * Whether nothing will come of this rendition any more that lies near this moment (ms on the timeline), the leader being at
 * `frontier`. It may be late, as a transcoder's is, and its key frame may begin a segment before or after the boundary.
 */
function hasPassed(track: SegmentTrack, moment: number, frontier: number): boolean {
  if (track.cameTo > moment + WINDOW_MS) return true;
  const silence = silenceOf(track);
  return track.heardAt !== undefined && frontier - track.heardAt > silence && frontier > moment + silence;
}

/**
 * A rendition of which nothing comes has a hole: what there is of its segment goes out, then segments without media. True
 * where what it still holds is to be placed first: it may begin a segment, which is not over yet.
 */
export function tellGaps(track: SegmentTrack, frontier: number, plan: SegmentPlan): boolean {
  const { writer, queue } = track;
  if (!writer?.begun) return false;
  if (writer.segment) {
    const next = plan.after(writer.lastNumber);
    if (!next || !hasPassed(track, next.at, frontier)) return false;
    if (queue.length > 0) return true;
    writer.flush();
    track.cut(false);
  }
  if (queue.length > 0) return false;
  for (const { boundary, endAt } of missed(track, plan)) {
    if (!hasPassed(track, endAt, frontier)) break;
    writer.gap(boundary, ticksOf(track, endAt));
  }
  return false;
}

/** The rendition begins this segment with a unit at `dts`: tells of those before it that it has no media for. */
export function tellMissed(track: SegmentTrack, begins: Boundary, dts: number, plan: SegmentPlan): void {
  const { writer } = track;
  if (!writer?.begun || writer.segment) return;
  for (const { boundary, endAt, next } of missed(track, plan)) {
    if (boundary.number >= begins.number) return;
    writer.gap(boundary, next.number === begins.number ? dts : ticksOf(track, endAt));
  }
}

/** Whole segments after the newest one of this rendition; `endAt` in ms on the timeline. */
function* missed(
  { writer }: SegmentTrack,
  plan: SegmentPlan,
): Generator<{ readonly boundary: Boundary; readonly next: Boundary; readonly endAt: number }> {
  let boundary = plan.after(writer?.lastNumber);
  for (let next = boundary; boundary && (next = plan.after(boundary.number)); boundary = next) {
    yield { boundary, next, endAt: next.at };
  }
}

const ticksOf = ({ timescale }: SegmentTrack, at: number): number => Math.round((at * timescale) / 1000);
