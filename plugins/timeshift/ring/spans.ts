/** Stretches of media and holes, computed from what is kept. */
import type { GapCause, Span, TimeRange } from 'eddy/plugin';

/** A hole with its cause, as a packager told it or as the ring found it. */
export type Gap = TimeRange & { readonly cause: GapCause };

/**
 * Segments that follow each other within this many ms are one stretch: their times come from a clock that is slewed by
 * up to 0.5%, and audio frames do not end where pictures do.
 */
const JOIN_MS = 100;

/** Joins ranges that touch or overlap; the result is in order. */
export function joinRanges(ranges: readonly TimeRange[]): TimeRange[] {
  const sorted = ranges.toSorted((a, b) => a.start - b.start);
  const joined: { start: number; end: number }[] = [];
  for (const range of sorted) {
    const last = joined.at(-1);
    if (last && range.start <= last.end + JOIN_MS) last.end = Math.max(last.end, range.end);
    else joined.push({ start: range.start, end: range.end });
  }
  return joined;
}

/** The cause of a hole: that of the recorded gap which covers most of it. */
function causeOf(hole: TimeRange, gaps: readonly Gap[]): GapCause {
  let best: GapCause = 'dropped';
  let most = 0;
  for (const gap of gaps) {
    const overlap = Math.min(hole.end, gap.end) - Math.max(hole.start, gap.start);
    if (overlap > most) {
      most = overlap;
      best = gap.cause;
    }
  }
  return best;
}

/**
 * Media and holes from the first media on. `until` (epoch ms) is given while the camera is away: the hole after its
 * last media reaches to there. A hole that nobody explained is `dropped`: items were lost between two that came.
 */
export function spansOf(media: readonly TimeRange[], gaps: readonly Gap[], until?: number): Span[] {
  const spans: Span[] = [];
  let end: number | undefined;
  const hole = (range: TimeRange) => spans.push({ kind: 'gap', ...range, cause: causeOf(range, gaps) });
  for (const range of joinRanges(media)) {
    if (end !== undefined) hole({ start: end, end: range.start });
    spans.push({ kind: 'media', start: range.start, end: range.end });
    end = range.end;
  }
  if (end !== undefined && until !== undefined && until > end + JOIN_MS) hole({ start: end, end: until });
  return spans;
}

/** Spans cut to a range; those outside are left out. */
export function cutSpans(spans: readonly Span[], range: TimeRange): Span[] {
  return spans.flatMap((span) => {
    const start = Math.max(span.start, range.start);
    const end = Math.min(span.end, range.end);
    return end > start ? [{ ...span, start, end }] : [];
  });
}
