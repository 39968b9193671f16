import { expect, it } from 'vitest';
import { RefusedKeys } from '../../../core/plugin/index.ts';
import { VirtualClock } from '../../../core/testing/index.ts';

it('makes an address wait that was refused too often, but not for keys that were good there since', async () => {
  const clock = new VirtualClock();
  const keys = new RefusedKeys(clock, { count: 2, within: 60_000 });
  keys.accepted('a', 'early');
  expect(keys.isIdle).toBe(true);
  keys.refused('a', 'x');
  expect([keys.isIdle, keys.wait('a', 'y'), keys.wait('b', 'y')]).toEqual([false, 0, 0]);
  keys.accepted('a', 'good');
  keys.refused('a', 'y');
  expect(['good', 'early', 'z'].map((key) => keys.wait('a', key))).toEqual([0, 30, 30]);
  // Revoked: from now on it is like any other.
  keys.refused('a', 'good');
  expect(keys.wait('a', 'good')).toBeGreaterThan(0);
  await clock.advance(60_000);
  expect(keys.wait('a', 'z')).toBe(0);
});

it('forgets the address that was refused longest ago, and good keys beyond a thousand', () => {
  const keys = new RefusedKeys(new VirtualClock(), { count: 1, within: 1e9 });
  keys.refused('first', 'x');
  for (let i = 0; i < 1001; i++) keys.accepted('first', `good${i}`);
  expect([keys.wait('first', 'good999'), keys.wait('first', 'good1000') > 0]).toEqual([0, true]);
  for (let i = 0; i < 1000; i++) keys.refused(`address${i}`, 'x');
  expect(keys.wait('first', 'z')).toBe(0);
});
