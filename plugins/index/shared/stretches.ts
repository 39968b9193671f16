/** What spans are made of. Imports types alone: threads of a database load it too. */
import type { Gap, TimeRange } from 'eddy/plugin';

/** Stretches of media and the gaps from the first to the last of them, as `spansOf` asks for them. */
export interface Stretches {
  readonly media: readonly TimeRange[];
  readonly gaps: readonly Gap[];
}

/** Of the time around a range: the ends of the last media before it, and the start of the first after it. */
export interface Around {
  readonly previous: number | undefined;
  readonly next: number | undefined;
}

/**
 * Joins media that is at most `join` ms apart. `media` begins in the range, in order of start; what lies around it is
 * put before and behind, so that a hole is known whole.
 */
export function joinStretches(
  media: Iterable<readonly [start: number, end: number]>,
  { previous, next }: Around,
  range: TimeRange,
  join: number,
): TimeRange[] {
  const joined: { start: number; end: number }[] = [];
  if (previous !== undefined) joined.push({ start: Math.min(previous, range.start), end: previous });
  for (const [start, end] of media) {
    const last = joined.at(-1);
    if (last && start <= last.end + join) last.end = Math.max(last.end, end);
    else joined.push({ start, end });
  }
  if (next !== undefined) joined.push({ start: next, end: next });
  return joined;
}

/** From where to where gaps are of use. */
export function gapsAround(
  { previous, next }: Around,
  range: TimeRange,
): { readonly from: number; readonly to: number } {
  return { from: Math.min(range.start, previous ?? Infinity), to: next ?? Infinity };
}
