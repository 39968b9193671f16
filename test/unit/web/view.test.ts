import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LEAST,
  lengthName,
  moveTo,
  nextLength,
  ticksOf,
  wholeOf,
  zoomTo,
} from '../../../plugins/web/player/client/view.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const past = { start: 10 * DAY, end: 12 * DAY };
const share = (view: { start: number; end: number }, moment: number): number =>
  (moment - view.start) / (view.end - view.start);

describe('what the bar shows', () => {
  it('keeps the anchor where it is while it is zoomed', () => {
    const view = { start: past.end - 8 * HOUR, end: past.end - 2 * HOUR };
    const anchor = past.end - 5 * HOUR;
    const zoomed = zoomTo(view, HOUR, anchor, past);
    expect(zoomed.end - zoomed.start).toBe(HOUR);
    expect(share(zoomed, anchor)).toBeCloseTo(share(view, anchor));
  });

  it('never shows the future, and nothing before the past but a little air', () => {
    const moment = fc.integer({ min: past.start, max: past.end });
    const length = fc.integer({ min: 1, max: 90 * DAY });
    fc.assert(
      fc.property(moment, length, length, (anchor, before, after) => {
        const view = zoomTo({ start: anchor - before, end: anchor + before }, after, anchor, past);
        expect(view.end).toBeLessThanOrEqual(past.end);
        expect(view.start).toBeGreaterThanOrEqual(past.end - wholeOf(past) - 1);
        expect(view.end - view.start).toBeGreaterThanOrEqual(LEAST - 1);
      }),
    );
    expect(moveTo({ start: past.end, end: past.end + HOUR }, past)).toEqual({ start: past.end - HOUR, end: past.end });
    // A camera that began a moment ago has a bar of a minute all the same.
    expect(zoomTo({ start: 0, end: LEAST }, 1, 0, { start: LEAST - 3000, end: LEAST })).toEqual({
      start: 0,
      end: LEAST,
    });
  });

  it('goes through round lengths to the whole past and back', () => {
    const whole = wholeOf(past);
    const lengths: string[] = [];
    for (let length = 5 * 60_000; ; length = nextLength(length, 1, whole)) {
      lengths.push(lengthName(length));
      if (length === whole) break;
    }
    expect(lengths).toEqual(['5 min', '15 min', '1 h', '3 h', '6 h', '1 d', '2 d']);
    expect(nextLength(whole, 1, whole)).toBe(whole);
    expect(nextLength(whole, -1, whole)).toBe(DAY);
    expect(nextLength(5 * 60_000, -1, whole)).toBe(LEAST);
    expect([lengthName(80 * 60_000), lengthName(90_000), lengthName(2.5 * DAY)]).toEqual([
      '1 h 20 min',
      '90 s',
      '2.5 d',
    ]);
  });

  it('has its lines at round local times, days by their names', () => {
    const start = new Date(2026, 4, 3, 22, 40).getTime();
    const labels = ticksOf({ start, end: start + 3 * HOUR }, 8).map(({ label }) => label);
    expect(labels).toEqual(['23:00', '23:30', 'Mon 4 May', '00:30', '01:00', '01:30']);
    expect(ticksOf({ start, end: start + 20_000 }, 4).map(({ label }) => label)).toEqual([
      '22:40:00',
      '22:40:05',
      '22:40:10',
      '22:40:15',
      '22:40:20',
    ]);
    expect(ticksOf({ start, end: start + 60 * DAY }, 10).length).toBeLessThanOrEqual(10);
  });
});
