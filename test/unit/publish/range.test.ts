import { describe, expect, it } from 'vitest';
import { parseRange, rangeQuery } from '../../../plugins/publish/shared/range.ts';

const parse = (query: string) => parseRange(new URLSearchParams(query));
const NOON = Date.parse('2026-05-01T12:00:00Z');

describe('a stretch of the past', () => {
  it('is none where nothing asks for it', () => {
    expect(parse('token=x')).toBeUndefined();
  });

  it.each([
    ['start=2026-05-01T12:00:00Z', NOON, Infinity],
    [`start=${NOON}`, NOON, Infinity],
    [`start=${NOON}&end=${NOON + 5}`, NOON, NOON + 5],
    ['start=2026-05-01T12:00:00.250Z&duration=90s', NOON + 250, NOON + 90_250],
    ['start=2026-05-01T14:00:00%2B02:00&duration=1.5h', NOON, NOON + 5_400_000],
    // A plus that nobody escaped.
    ['start=2026-05-01T14:00:00+02:00&end=2026-05-01T12:00:01Z', NOON, NOON + 1000],
  ])('%s', (query, start, end) => {
    expect(parse(query)).toEqual({ start, end });
  });

  it.each([
    ['end=5', 'needs a start'],
    ['duration=5s', 'needs a start'],
    ['start=yesterday', 'RFC 3339'],
    ['start=2026-05-01T12:00:00', 'offset'],
    ['start=-5', 'RFC 3339'],
    ['start=5&end=never', 'The end'],
    ['start=5&end=5', 'after the start'],
    ['start=5&end=9&duration=1s', 'not for both'],
    ['start=5&duration=90', 'needs a unit'],
    ['start=5&duration=0s', 'after the start'],
    ['start=5&duration=40d', '31 days'],
  ])('%s says what is wrong', (query, message) => {
    expect(parse(query)).toContain(message);
  });

  it('can be asked for again', () => {
    const ranges = [
      { start: 5, end: 9 },
      { start: 5, end: Infinity },
    ];
    for (const range of ranges) expect(parse(rangeQuery(range))).toEqual(range);
  });
});
