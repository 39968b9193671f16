/** The real clock, and a view of a clock whose timers end with a scope. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Clock, Scope } from '../plugin/index.ts';

/** System time and timers. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => clearTimeout(timer);
  },
  every(ms, callback) {
    const timer = setInterval(callback, ms);
    return () => clearInterval(timer);
  },
  sleep: (ms, signal) => delay(ms, undefined, signal ? { signal } : undefined),
};

/** The same clock, with every timer cancelled when the scope closes, so that a plugin cannot leave one behind. */
export function scopedClock(clock: Clock, scope: Scope): Clock {
  const bind = (start: (callback: () => void) => () => void, once: boolean, callback: () => void): (() => void) => {
    if (scope.signal.aborted) return () => {};
    let forget = (): void => {};
    const cancel = start(() => {
      if (once) forget();
      callback();
    });
    forget = scope.add(cancel);
    return () => {
      forget();
      cancel();
    };
  };
  return {
    now: () => clock.now(),
    monotonic: () => clock.monotonic(),
    after: (ms, callback) => bind((run) => clock.after(ms, run), true, callback),
    every: (ms, callback) => bind((run) => clock.every(ms, run), false, callback),
    sleep: (ms, signal) => clock.sleep(ms, signal ? AbortSignal.any([signal, scope.signal]) : scope.signal),
  };
}
