import { describe, expect, it } from 'vitest';
import { VirtualClock } from '../../../core/testing/index.ts';

describe('virtual clock', () => {
  it('fires timers in order, each at its own moment, and lets what they set off settle', async () => {
    const clock = new VirtualClock({ now: 1000 });
    const seen: [string, number, number][] = [];
    const note = (what: string): void => void seen.push([what, clock.now(), clock.monotonic()]);
    clock.after(30, () => note('late'));
    clock.every(20, () => note('tick'));
    clock.after(10, () => void Promise.resolve().then(() => clock.after(5, () => note('set by a timer'))));
    await clock.advance(45);
    expect(seen).toEqual([
      ['set by a timer', 1015, 15],
      ['tick', 1020, 20],
      ['late', 1030, 30],
      ['tick', 1040, 40],
    ]);
    expect([clock.now(), clock.monotonic()]).toEqual([1045, 45]);
  });

  it('fires timers of one moment in the order in which they were made', async () => {
    const clock = new VirtualClock();
    const seen: number[] = [];
    for (let i = 0; i < 4; i++) clock.after(10, () => seen.push(i));
    await clock.advance(10);
    expect(seen).toEqual([0, 1, 2, 3]);
  });

  it('cancels, and aborts a sleep with the reason of its signal', async () => {
    const clock = new VirtualClock();
    clock.after(5, () => expect.fail('cancelled'))();
    const abort = new AbortController();
    const asleep = clock.sleep(50, abort.signal);
    abort.abort(new Error('woken'));
    await expect(asleep).rejects.toThrow('woken');
    await expect(clock.sleep(1, AbortSignal.abort(new Error('never slept')))).rejects.toThrow('never slept');
    expect(clock.timers()).toEqual([]);
    await clock.advance(100);
  });

  it('steps the wall clock alone', async () => {
    const clock = new VirtualClock({ now: 10_000, monotonic: 500 });
    let fired = false;
    clock.after(100, () => (fired = true));
    clock.step(-7000);
    expect([clock.now(), clock.monotonic(), fired]).toEqual([3000, 500, false]);
    await clock.advance(100);
    expect([clock.now(), clock.monotonic(), fired]).toEqual([3100, 600, true]);
  });

  it('runs time on until a promise settles, and says so where it never does', async () => {
    const clock = new VirtualClock();
    const slept = async (): Promise<string> => {
      await clock.sleep(700);
      await clock.sleep(800);
      return 'done';
    };
    await expect(clock.run(slept())).resolves.toBe('done');
    expect(clock.monotonic()).toBe(1500);
    clock.after(1000, () => {});
    clock.after(3000, () => {});
    const never = new Promise<void>(() => {});
    await expect(clock.run(never, { limit: 2000 })).rejects.toThrow('still pending after 1000 ms');
    await clock.advance(2000);
    await expect(clock.run(never, { grace: 20 })).rejects.toThrow('still pending after 0 ms');
    await expect(clock.run(Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  });

  it('names the line that made a timer', () => {
    const clock = new VirtualClock();
    clock.every(250, () => {});
    expect(clock.timers()).toMatchObject([{ in: 250, every: 250, madeAt: expect.stringContaining('clock.test.ts') }]);
  });
});
