/** The leading track: which one it is to be, where it ends a segment, and where sound follows. Pure. */
import type { Boundary } from './plan.ts';
import type { QueuedUnit, SegmentTrack } from './track.ts';

/** A rendition that has said nothing for so long, while another went on, has stopped: ms, and in frames of its own. */
const SILENT_MS = 750;
const SILENT_FRAMES = 4;

/** Of the tracks that run, the one that ranks highest leads: the largest pictures, and any pictures before sound. */
export function rankOf({ caps }: SegmentTrack): number {
  return caps.kind === 'video' ? caps.width * caps.height : 0;
}

/** How long another rendition goes on without this leader, ms; undefined is a leader that has left. */
export function layerSilence(leader: SegmentTrack | undefined): number {
  return leader?.caps.kind === 'audio' ? Infinity : silenceOf(leader);
}

/** A rendition that says nothing for longer than this while another goes on has stopped, ms. */
export function silenceOf(track: SegmentTrack | undefined): number {
  return Math.max(SILENT_MS, track?.writer ? SILENT_FRAMES * track.ms(track.frameTicks) : 0);
}

/**
 * Whether the leader's segment, which began at `beganAt` (ms on the timeline) for all tracks, ends before this unit, and if
 * so whether because it would be `too long`. `segment` is the target in ms; no segment is longer than twice that.
 */
export function endsSegment(
  track: SegmentTrack,
  unit: QueuedUnit,
  beganAt: number,
  segment: number,
): 'due' | 'too long' | undefined {
  const current = track.writer!.segment;
  if (!current || unit.starts) return 'due';
  const { timescale, frameTicks } = track;
  const elapsed = unit.dts - current.startDts;
  const target = (segment / 1000) * timescale;
  // Half a frame early is on time: timestamps are rounded. After a cut without a key frame the next one is taken.
  if (unit.key && (elapsed >= target - frameTicks / 2 || !current.independent)) return 'due';
  const expected = track.constant ? frameTicks : Math.max(frameTicks, track.partTarget * timescale);
  // This track may have begun later than others, which must not become too long either.
  const since = Math.max(elapsed, ((unit.at - beganAt) / 1000) * timescale);
  return since + expected > 2 * target + frameTicks * 0.01 ? 'too long' : undefined;
}

/** Of the tracks that run, which hold units that the leader has not passed, the one that ranks highest; `by` is one of them. */
export function highestRunning(by: SegmentTrack, tracks: Iterable<SegmentTrack>): SegmentTrack {
  const running = [...tracks].filter(({ writer, queue }) => writer && queue.length > 0);
  return running.reduce((top, each) => (rankOf(each) > rankOf(top) ? each : top), by);
}

/** Where what tracks of this kind have written ends, ms on the timeline; Infinity where they have nothing. */
export function endOf(kind: SegmentTrack['caps']['kind'], tracks: Iterable<SegmentTrack>): number {
  const ends = [...tracks].flatMap((track) =>
    track.caps.kind === kind && track.writer?.lastNumber !== undefined ? [track.ms(track.writer.end)] : [],
  );
  return ends.length === 0 ? Infinity : Math.max(...ends);
}

/**
 * Whether this unit of sound begins the segment: any does that goes on; what begins anew is to do so where all tracks do
 * (`discontinuity`: such a boundary is to come), and not in the middle of a segment.
 */
export function audioMayBegin(track: SegmentTrack, unit: QueuedUnit, next: Boundary, discontinuity: boolean): boolean {
  if (track.writer!.segment) return true;
  if (discontinuity && !next.discontinuity) return false;
  return unit.at - next.at < 2 * track.ms(track.frameTicks);
}
