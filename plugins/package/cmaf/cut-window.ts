/**
 * Where a rendition begins the segment that the leading one has begun: with its own key frame where one is near enough,
 * else at the boundary without one. Pure; the units looked at are those that are held, in decode order.
 */
import type { Boundary } from './plan.ts';
import type { QueuedUnit } from './track.ts';

/** How far from the boundary a rendition's key frame may lie to begin the segment, ms: before it or after it. */
export const WINDOW_MS = 300;
/** A unit belongs to a segment that begins up to this much later, ms: rounding between timescales. */
export const SLACK_MS = 0.5;

type Placed = Pick<QueuedUnit, 'at' | 'key'>;

/** What bounds the choice. */
export interface CutLimits {
  /** Where the boundary after this one lies, ms on the timeline, if that is known. */
  readonly nextAt?: number | undefined;
  /** No unit later than this continues the segment before, ms on the timeline: it would be too long. */
  readonly latest?: number;
  /** No more units will come. */
  readonly final?: boolean;
}

/**
 * The index of the unit with which the segment that begins at `at` (ms on the timeline) begins; undefined while units to
 * come could tell better. The nearest key frame within {@link WINDOW_MS}, else the first unit at or after the boundary.
 */
export function chooseCut(units: readonly Placed[], at: number, limits: CutLimits = {}): number | undefined {
  const { nextAt = Infinity, latest = Infinity, final = false } = limits;
  let best: number | undefined;
  let plain: number | undefined;
  for (const [index, unit] of units.entries()) {
    const off = unit.at - at;
    if (plain === undefined && (off >= -SLACK_MS || unit.at > latest)) plain = index;
    const bestOff = best === undefined ? WINDOW_MS : Math.abs(units[best]!.at - at);
    if (off > bestOff || unit.at > latest || unit.at >= nextAt - SLACK_MS) return best ?? plain;
    if (!unit.key || Math.abs(off) > bestOff) continue;
    // None that follows can be nearer.
    if (off >= -SLACK_MS) return index;
    best = index;
  }
  return final ? (best ?? plain) : undefined;
}

/** What is to be done with the oldest unit that a rendition holds. */
export type FollowStep =
  | 'wait'
  /** It goes on with the segment. */
  | 'push'
  /** It cannot be used: decoding cannot begin with it, or its segment cannot. */
  | 'drop'
  /** The segment ends here, and with it what a decoder can follow. */
  | 'break'
  /** It begins this segment. */
  | Boundary;

/** How things stand for a rendition that follows. */
export interface FollowState {
  /** What it holds, oldest first; not empty. */
  readonly queue: readonly Placed[];
  /** Its segment in progress: its number and where it began, ms on the timeline. */
  readonly segment: { readonly number: number; readonly startAt: number } | undefined;
  /** Its newest segment's number, also where none is in progress. */
  readonly lastNumber: number | undefined;
  /** Where what it has written ends, and how long one of its frames is, ms. */
  readonly endAt: number;
  readonly frameMs: number;
  /** The first key frame that no boundary was near to, since it has no segment; ms on the timeline. */
  readonly waitingSince: number | undefined;
}

/** How things stand for all tracks. */
export interface FollowContext {
  /** All boundaries up to here are known, ms on the timeline. */
  readonly until: number;
  /** The target of a segment, ms; none is longer than twice that. */
  readonly segment: number;
  /** The leader's segment began without a key frame: its next one begins another, however soon. */
  readonly anyKeyBegins: boolean;
  /** The next boundary with a key frame is to be a discontinuity. */
  readonly discontinuity: boolean;
  /** No more units will come. */
  readonly final: boolean;
  readonly plan: FollowPlan;
}

/** The boundaries that are known. */
export interface FollowPlan {
  readonly last: Boundary | undefined;
  after(number: number | undefined): Boundary | undefined;
  nearest(at: number, after: number | undefined): Boundary | undefined;
  reached(at: number, after: number | undefined): Boundary | undefined;
}

/** What a rendition that follows does with the oldest unit that it holds. */
export function followStep(state: FollowState, context: FollowContext): FollowStep {
  const head = state.queue[0]!;
  if (head.at > context.until) return 'wait';
  return state.segment ? goOn(state, state.segment, head, context) : begin(state, head, context);
}

function goOn(
  { queue, endAt, frameMs }: FollowState,
  { number, startAt }: { number: number; startAt: number },
  head: Placed,
  { until, segment, anyKeyBegins, final, plan }: FollowContext,
): FollowStep {
  if (head.at - endAt > segment && !head.key) return 'break';
  const latest = startAt + 2 * segment - frameMs * 0.99;
  const next = plan.after(number);
  if (!next) {
    if (final) return 'push';
    const due = anyKeyBegins || head.at >= (plan.last?.at ?? startAt) + segment - WINDOW_MS - frameMs;
    if (head.key && due && until < head.at + WINDOW_MS) return 'wait';
    return head.at > latest ? 'wait' : 'push';
  }
  const nextAt = plan.after(next.number)?.at;
  const cut = chooseCut(queue, next.at, { nextAt, latest, final });
  if (cut === undefined) {
    const near = head.key && Math.abs(head.at - next.at) <= WINDOW_MS;
    return !near && head.at < next.at - SLACK_MS ? 'push' : 'wait';
  }
  if (cut > 0) return 'push';
  // No unit of its own in that segment: it has none of that number.
  const boundary =
    nextAt !== undefined && head.at >= nextAt - SLACK_MS ? plan.reached(head.at + SLACK_MS, number)! : next;
  // A hole reaches into that segment: one of that number would be another stretch of time.
  if (head.at - Math.max(boundary.at, endAt) > WINDOW_MS) return 'break';
  // Decoders begin anew at a discontinuity.
  return boundary.discontinuity && !head.key ? 'break' : boundary;
}

function begin(
  { lastNumber, waitingSince, endAt }: FollowState,
  head: Placed,
  { until, segment, discontinuity, final, plan }: FollowContext,
): FollowStep {
  if (!head.key) return 'drop';
  const near = plan.nearest(head.at, lastNumber);
  // What begins anew is to do so where all tracks do; and a hole is told by a number that is missing.
  const fits = (boundary: Boundary): boolean =>
    boundary.discontinuity || (!discontinuity && (boundary.number - 1 !== lastNumber || head.at - endAt <= WINDOW_MS));
  if (near && Math.abs(near.at - head.at) <= WINDOW_MS) return fits(near) ? near : 'drop';
  if (until < head.at + WINDOW_MS && !final) return 'wait';
  // Its key frames are not where the leader's are: better late in a segment than never.
  if (waitingSince === undefined || head.at - waitingSince < segment) return 'drop';
  const late = plan.reached(head.at, lastNumber);
  return late && fits(late) ? late : 'drop';
}
