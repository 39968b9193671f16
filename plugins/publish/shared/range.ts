/** A stretch of the past as a viewer asks for it: `?start=&end=` or `?start=&duration=`. */
import { parseRfc3339 } from 'eddy/plugin';

/** The stretch, in epoch ms. */
export interface WantedRange {
  readonly start: number;
  /** Infinity: it follows the camera live. */
  readonly end: number;
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** The longest stretch that is told in one playlist, ms. */
const LONGEST = 31 * 86_400_000;

/** Reads the stretch; undefined where none is asked for, a text where it makes no sense. */
export function parseRange(query: URLSearchParams): WantedRange | string | undefined {
  const given = { start: query.get('start'), end: query.get('end'), duration: query.get('duration') };
  if (given.start === null) {
    return given.end === null && given.duration === null ? undefined : 'An end or a duration needs a start beside it.';
  }
  const start = parseMoment(given.start);
  if (start === undefined) return 'The start is neither RFC 3339 (with Z or an offset) nor epoch milliseconds.';
  if (given.end !== null && given.duration !== null) return 'Ask for an end or for a duration, not for both.';
  let end: number | undefined = Infinity;
  if (given.end !== null) {
    end = parseMoment(given.end);
    if (end === undefined) return 'The end is neither RFC 3339 (with Z or an offset) nor epoch milliseconds.';
  } else if (given.duration !== null) {
    const [, amount, unit] = /^(\d{1,12}(?:\.\d{1,6})?)(ms|s|m|h|d)$/.exec(given.duration) ?? [];
    if (amount === undefined || unit === undefined) return 'The duration needs a unit: ms, s, m, h or d, such as 90s.';
    end = start + Number(amount) * UNITS[unit]!;
  }
  if (end <= start) return 'The end must be after the start.';
  if (Number.isFinite(end) && end - start > LONGEST) return 'No more than 31 days can be told at once.';
  return { start, end };
}

/** The query that asks for the same stretch again, without `?`. */
export function rangeQuery({ start, end }: WantedRange): string {
  return Number.isFinite(end) ? `start=${start}&end=${end}` : `start=${start}`;
}

/** A moment as epoch ms, from RFC 3339 or from epoch ms; undefined where it is neither. */
export function parseMoment(text: string): number | undefined {
  return /^\d{1,15}$/.test(text) ? Number(text) : parseRfc3339(text);
}
