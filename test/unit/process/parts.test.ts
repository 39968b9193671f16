import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { LastLines } from '../../../core/process/last-lines.ts';
import { Backoff, Watchdog } from '../../../core/process/index.ts';
import { parseUsage } from '../../../core/process/usage.ts';

describe('LastLines', () => {
  it('keeps the last lines however the text is cut', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^[a-z]{1,9}$/)), fc.array(fc.nat(30)), (lines, cuts) => {
        const text = lines.map((line) => `${line}\n`).join('');
        const last = new LastLines(3);
        let at = 0;
        for (const cut of cuts) last.push(text.slice(at, (at += cut)));
        last.push(text.slice(at));
        expect(last.lines).toEqual(lines.slice(-3));
      }),
    );
  });

  it('shows an unfinished line and cuts one without end', () => {
    const last = new LastLines(3);
    last.push('one\ntw');
    expect(last.lines).toEqual(['one', 'tw']);
    for (let i = 0; i < 1000; i++) last.push('x'.repeat(1000));
    expect(last.lines.at(-1)!.length).toBeLessThanOrEqual(400);
  });
});

describe('Watchdog', () => {
  afterEach(() => void vi.useRealTimers());

  it('bites once, only after the silence', () => {
    vi.useFakeTimers();
    const bite = vi.fn();
    const dog = new Watchdog(1000, bite);
    for (let i = 0; i < 10; i++) {
      vi.advanceTimersByTime(400);
      dog.touch();
    }
    expect(bite).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1250);
    vi.advanceTimersByTime(5000);
    expect(bite).toHaveBeenCalledTimes(1);
    dog.stop();
  });

  it('does not blame the child for a pause of the parent', () => {
    vi.useFakeTimers();
    const bite = vi.fn();
    const dog = new Watchdog(1000, bite);
    vi.advanceTimersByTime(250);
    // The loop was held up: time has passed, no timer has run.
    vi.setSystemTime(Date.now());
    const now = performance.now();
    const spy = vi.spyOn(performance, 'now').mockImplementation(() => now + 60_000);
    vi.advanceTimersByTime(250);
    expect(bite).not.toHaveBeenCalled();
    spy.mockImplementation(() => now + 60_250);
    vi.advanceTimersByTime(250);
    expect(bite).not.toHaveBeenCalled();
    dog.stop();
  });
});

describe('Backoff', () => {
  it('doubles up to the most, and starts again after a steady time', () => {
    const backoff = new Backoff({ min: 100, max: 1000, steadyAfter: 5000 }, () => 0);
    expect([0, 0, 0, 0, 0, 0].map((held) => backoff.next(held))).toEqual([100, 200, 400, 800, 1000, 1000]);
    expect(backoff.next(4999)).toBe(1000);
    expect(backoff.next(5000)).toBe(0);
    expect(backoff.next(0)).toBe(100);
  });

  it('spreads by a fifth and no more', () => {
    const backoff = new Backoff({ min: 100, max: 100 }, () => 1);
    expect(backoff.next()).toBe(80);
  });
});

describe('parseUsage', () => {
  const stat = '42 (a) (b c) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 11 0 5 1 2 3';
  it('reads the times behind any program name', () => {
    expect(parseUsage(stat, 'Name:\tx\nVmRSS:\t   2048 kB\n')).toEqual({ cpuSeconds: 3, rssBytes: 2 * 2 ** 20 });
  });
  it('knows nothing of a zombie', () => {
    expect(parseUsage(stat, 'Name:\tx\nState:\tZ\n')).toBeUndefined();
  });
});
