import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseCut, WINDOW_MS } from '../../../plugins/package/cmaf/cut-window.ts';

/** Units 40 ms apart from `from` on; those whose moment is listed are key frames. */
const units = (from: number, count: number, keys: readonly number[]) =>
  Array.from({ length: count }, (_, i) => ({ at: from + i * 40, key: keys.includes(from + i * 40) }));

describe('where a rendition begins a segment', () => {
  const held = (keys: readonly number[], count = 40) => units(600, count, keys);
  it.each([
    { what: 'at the boundary', keys: [1000], begins: 1000 },
    { what: 'a little after it', keys: [1080], begins: 1080 },
    { what: 'a little before it', keys: [920], begins: 920 },
    { what: 'the nearer one, after', keys: [800, 1120], begins: 1120 },
    { what: 'the nearer one, before', keys: [920, 1240], begins: 920 },
    { what: 'as far as it may be', keys: [1280], begins: 1280 },
    { what: 'too late', keys: [1320], begins: 1000 },
    { what: 'too early', keys: [680], begins: 1000 },
    { what: 'none', keys: [], begins: 1000 },
  ])('its key frame is $what', ({ keys, begins }) => {
    const all = held(keys);
    expect(all[chooseCut(all, 1000)!]!.at).toBe(begins);
  });

  it('waits no longer than it must', () => {
    expect(chooseCut(held([1000], 11), 1000)).toBe(10);
    expect(chooseCut(held([], 17), 1000)).toBeUndefined();
    expect(chooseCut(held([920], 12), 1000)).toBeUndefined();
    expect(chooseCut(held([920], 14), 1000)).toBe(8);
    expect(chooseCut(held([], 17), 1000, { final: true })).toBe(10);
  });

  it('never takes what belongs to the next segment, nor makes the one before too long', () => {
    const all = held([1120]);
    expect(all[chooseCut(all, 1000, { nextAt: 1100 })!]!.at).toBe(1000);
    expect(all[chooseCut(held([1240]), 1000, { latest: 1200 })!]!.at).toBe(1000);
    expect(all[chooseCut(held([]), 1000, { latest: 900 })!]!.at).toBe(920);
  });

  it('is one answer, however the units come', () => {
    const gaps = fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 30, maxLength: 60 });
    fc.assert(
      fc.property(gaps, fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }), (distances, keys) => {
        let at = 0;
        const all = distances.map((distance, i) => ({ at: (at += distance), key: keys[i]! }));
        const boundary = all[10]!.at;
        const whole = chooseCut(all, boundary, { final: true })!;
        for (let count = 1; count <= all.length; count++) {
          const early = chooseCut(all.slice(0, count), boundary);
          if (early !== undefined) expect(early).toBe(whole);
        }
        const chosen = all[whole]!;
        const off = Math.abs(chosen.at - boundary);
        const nearest = Math.min(...all.filter(({ key }) => key).map((unit) => Math.abs(unit.at - boundary)));
        if (nearest <= WINDOW_MS) expect([chosen.key, off]).toEqual([true, nearest]);
        else expect(chosen).toBe(all[10]);
      }),
      { numRuns: 300 },
    );
  });
});
