import { describe, expect, it } from 'vitest';
import { ForwardClock } from '../../../plugins/package/cmaf/forward-clock.ts';

const HOUR = 3_600_000;

/** A source whose clock the test sets: media time in ms, mapped with this offset. */
function source(newest?: number) {
  const forward = new ForwardClock(newest);
  const base = { offset: 1_000_000, toWall: (ticks: number) => ticks + base.offset };
  const clock = forward.wrap(base);
  return { base, at: (ms: number) => clock.toWall(ms, 1000), forward };
}

describe('the time of a camera', () => {
  it('is the time of its source', () => {
    const { at } = source();
    expect([at(0), at(40), at(20), at(80)]).toEqual([1_000_000, 1_000_040, 1_000_020, 1_000_080]);
  });

  it('goes on at its own pace when the clock is set back, and by the clock once that has caught up', () => {
    const { at, base } = source();
    at(10_000);
    base.offset -= HOUR;
    expect(at(10_040)).toBe(1_010_000);
    expect(at(12_040)).toBe(1_012_000);
    base.offset += HOUR;
    expect(at(14_040)).toBe(1_014_040);
  });

  it('follows the clock ahead', () => {
    const { at, base } = source();
    at(0);
    base.offset += HOUR;
    expect(at(40)).toBe(1_000_040 + HOUR);
  });

  it('begins after the media of an earlier run', () => {
    const { at } = source(1_000_000 + HOUR);
    expect(at(0)).toBe(1_000_000 + HOUR);
    expect(at(1000)).toBe(1_001_000 + HOUR);
  });

  it('is one for all tracks of a publication', () => {
    const { forward, base } = source();
    expect(forward.wrap(base)).toBe(forward.wrap(base));
    expect(forward.wrap({ ...base })).not.toBe(forward.wrap(base));
  });
});
