import { describe, expect, it } from 'vitest';
import { Limiter } from '../../../plugins/store/shared/limiter.ts';

/** A task that runs until it is told to end, and what has begun. */
function tasks(limiter: Limiter) {
  const begun: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>();
  return {
    begun,
    run: (name: string, signal?: AbortSignal) =>
      limiter.run(() => {
        begun.push(name);
        const end = Promise.withResolvers<void>();
        ends.set(name, end);
        return end.promise;
      }, signal),
    end: async (name: string, error?: Error) => {
      if (error) ends.get(name)!.reject(error);
      else ends.get(name)!.resolve();
      await new Promise(setImmediate);
    },
  };
}

describe('Limiter', () => {
  it('runs so many at once, the others in the order they came', async () => {
    const limiter = new Limiter(2);
    const { begun, run, end } = tasks(limiter);
    const all = ['a', 'b', 'c', 'd'].map((name) => run(name));
    expect([begun, limiter.load]).toEqual([['a', 'b'], 4]);
    await end('b');
    expect(begun).toEqual(['a', 'b', 'c']);
    const late = run('e');
    await end('a');
    expect(begun).toEqual(['a', 'b', 'c', 'd']);
    for (const name of ['c', 'd', 'e']) await end(name);
    await Promise.all([...all, late]);
    expect(limiter.load).toBe(0);
  });

  it('hands a place on after a failure, and past who gave up waiting', async () => {
    const limiter = new Limiter(1);
    const { begun, run, end } = tasks(limiter);
    const abort = new AbortController();
    const first = run('a');
    const second = run('b', abort.signal);
    const third = run('c');
    abort.abort(new Error('enough'));
    await expect(second).rejects.toThrow('enough');
    await expect(run('d', abort.signal)).rejects.toThrow('enough');
    const failed = expect(first).rejects.toThrow('disk');
    await end('a', new Error('disk'));
    await failed;
    expect(begun).toEqual(['a', 'c']);
    await end('c');
    await third;
    expect(limiter.load).toBe(0);
  });
});
