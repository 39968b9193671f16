/** Stretches of media and the holes between them: one definition for every index and timeline. */
import type { GapCause } from '../model/index.ts';
import type { Gap, Span, TimeRange } from './segment-index.ts';

/**
 * Media that follow each other within this many ms are one stretch: their times come from a clock that is slewed by up to
 * 0.5%, and audio frames do not end where pictures do.
 */
export const JOIN_MS = 100;

/** The cause of a hole: that of the recorded gap which covers most of it. One that nobody explained was dropped. */
function causeOf(hole: TimeRange, gaps: readonly Gap[]): GapCause {
  let best: GapCause = 'dropped';
  let most = 0;
  for (const gap of gaps) {
    const overlap = Math.min(hole.end, gap.end) - Math.max(hole.start, gap.start);
    if (overlap <= most) continue;
    most = overlap;
    best = gap.cause;
  }
  return best;
}

/**
 * Computes the spans of a camera, cut to `range`. `media` is in order of start and must hold, besides what overlaps the
 * range, the last before and the first after it, so that a hole is known whole and has the same cause however it is cut.
 * `gaps` are all that touch the time from there to there. After the newest media a hole reaches as far as gaps do.
 */
export function spansOf(media: Iterable<TimeRange>, gaps: readonly Gap[], range: TimeRange): Span[] {
  const spans: Span[] = [];
  const push = (span: Span): void => {
    const start = Math.max(span.start, range.start);
    const end = Math.min(span.end, range.end);
    if (start < end) spans.push({ ...span, start, end });
  };
  let stretch: { start: number; end: number } | undefined;
  for (const { start, end } of media) {
    if (stretch && start <= stretch.end + JOIN_MS) {
      stretch.end = Math.max(stretch.end, end);
      continue;
    }
    if (stretch) {
      push({ kind: 'media', ...stretch });
      const hole = { start: stretch.end, end: start };
      push({ kind: 'gap', ...hole, cause: causeOf(hole, gaps) });
    }
    stretch = { start, end };
  }
  if (!stretch) return spans;
  push({ kind: 'media', ...stretch });
  const hole = { start: stretch.end, end: Math.max(stretch.end, ...gaps.map((gap) => gap.end)) };
  if (hole.end > hole.start) push({ kind: 'gap', ...hole, cause: causeOf(hole, gaps) });
  return spans;
}
