/** The past cut where its timeline, its writer or an init segment changes: at the same segment in every track. */
import { JOIN_MS, type Segment, type TrackId } from 'eddy/plugin';
import type { PastTrack } from './past-media.ts';

/** Segments that play on without a break. */
export interface Stretch {
  /** The leading track's first segment. */
  readonly first: Segment;
  /** Server time (epoch ms) at which its media begins and ends: the earliest and the latest of any track. */
  readonly start: number;
  readonly end: number;
  readonly tracks: ReadonlyMap<TrackId, readonly Segment[]>;
}

const endOf = ({ startTs, duration }: Segment): number => startTs + duration;

/** How the past is cut. */
export interface StretchOptions {
  /** True: a number that is missing is a break too, for those who count segments instead of listing their names. */
  readonly counted?: boolean;
}

/** Cuts; the first track leads, and what lies before its first segment is left out. */
export function stretchesOf(tracks: readonly PastTrack[], { counted = false }: StretchOptions = {}): Stretch[] {
  const [lead] = tracks;
  if (!lead) return [];
  const cuts = new Set<number>();
  for (const { segments } of tracks) {
    for (const [index, segment] of segments.entries()) {
      const before = segments[index - 1];
      const missing = counted && before !== undefined && segment.number !== before.number + 1;
      if (before ? missing || isBreak(before, segment) : segment.number > lead.segments[0]!.number)
        cuts.add(segment.number);
    }
  }
  cuts.add(lead.segments[0]!.number);
  const starts = [...cuts].toSorted((a, b) => a - b);
  return starts.flatMap((start, index) => {
    const end = starts[index + 1] ?? Infinity;
    const inside = new Map(
      tracks.flatMap(({ id, segments }) => {
        const own = slice(segments, start, end);
        return own.length > 0 ? [[id, own] as const] : [];
      }),
    );
    const first = [...inside.values()][0]?.[0];
    if (!first) return [];
    const all = [...inside.values()];
    return [
      {
        first,
        start: Math.min(...all.map((segments) => segments[0]!.startTs)),
        end: Math.max(...all.map((segments) => endOf(segments.at(-1)!))),
        tracks: inside,
      },
    ];
  });
}

function isBreak(before: Segment, segment: Segment): boolean {
  return (
    segment.discontinuity ||
    segment.initUrl !== before.initUrl ||
    segment.writer !== before.writer ||
    segment.startTs - endOf(before) > JOIN_MS
  );
}

/** The segments of these numbers; they are in order. */
function slice(segments: readonly Segment[], start: number, end: number): readonly Segment[] {
  const at = (number: number): number => {
    let low = 0;
    let high = segments.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (segments[middle]!.number < number) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  return segments.slice(at(start), at(end));
}
