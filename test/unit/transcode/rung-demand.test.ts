import { expect, it } from 'vitest';
import { VirtualClock } from 'eddy/testing';
import { Ease } from '../../../plugins/transcode/video/ease.ts';
import { RUNG_UNWANTED_MS, RungDemand } from '../../../plugins/transcode/video/rung-demand.ts';

it('a rung that nobody wants goes after its grace time, and is back at once', async () => {
  const clock = new VirtualClock();
  const told: string[] = [];
  const unwanted = new Set<string>();
  const demand = new RungDemand<string>(clock, unwanted, (rung, wanted) => told.push(`${wanted ? '+' : '-'}${rung}`));
  for (const rung of ['720p', '360p']) demand.set(rung, true);
  demand.set('720p', false);
  await clock.advance(RUNG_UNWANTED_MS - 1);
  demand.set('720p', true);
  await clock.advance(RUNG_UNWANTED_MS);
  expect(told).toEqual([]);
  demand.set('720p', false);
  demand.set('360p', false);
  demand.set('360p', true);
  await clock.advance(RUNG_UNWANTED_MS);
  demand.set('720p', false);
  await clock.advance(RUNG_UNWANTED_MS);
  expect(told).toEqual(['-720p']);
  expect([...unwanted]).toEqual(['720p']);
  demand.set('720p', true);
  expect(told).toEqual(['-720p', '+720p']);
  // One that is left out is not wanted no longer: if it comes back, it is made.
  demand.set('720p', false);
  await clock.advance(RUNG_UNWANTED_MS);
  demand.forget('720p');
  expect(told).toEqual(['-720p', '+720p', '-720p', '+720p']);
  expect(unwanted.size).toBe(0);
  demand.set('720p', false);
  demand.stop();
  expect(clock.timers()).toEqual([]);
});

/** The share after so many looks at this pressure. */
function looks(ease: Ease, count: number, pressure: number): number {
  for (let n = 0; n < count; n += 1) ease.look(pressure);
  return Number(ease.share.toFixed(3));
}

it('a rung whose readers fall behind gets fewer bits, step by step, and has them back with patience', () => {
  const ease = new Ease();
  expect(looks(ease, 50, 0)).toBe(1);
  // One look tells nothing.
  for (let n = 0; n < 5; n += 1) expect(looks(ease, 1, 1) + looks(ease, 1, 0.2)).toBe(2);
  expect(looks(ease, 2, 0.8)).toBe(0.7);
  expect(looks(ease, 4, 0.8)).toBe(0.49);
  expect(looks(ease, 40, 3)).toBe(0.3);
  // Neither full nor empty: as it is.
  expect(looks(ease, 100, 0.3)).toBe(0.3);
  expect(looks(ease, 9, 0)).toBe(0.3);
  expect(looks(ease, 1, 0)).toBe(0.429);
  expect(looks(ease, 60, 0)).toBe(1);
});

it('a step up that was wrong waits twice as long the next time, until that is forgiven', () => {
  const ease = new Ease();
  looks(ease, 2, 1);
  looks(ease, 10, 0);
  expect(ease.share).toBe(1);
  expect(looks(ease, 5, 1)).toBe(0.7);
  expect(looks(ease, 19, 0)).toBe(0.7);
  expect(looks(ease, 2, 0)).toBe(1);
  looks(ease, 80, 0);
  expect(looks(ease, 3, 1)).toBe(0.7);
  expect(looks(ease, 13, 0)).toBe(1);
});
