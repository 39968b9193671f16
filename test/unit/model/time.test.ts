import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { reduced, rescale, Unwrapper, WallClock } from '../../../core/model/index.ts';

it('a fraction in its lowest terms', () => {
  expect([reduced(60, 2), reduced(60_000, 2002), reduced(25, 1), reduced(7, 7)]).toEqual([
    { num: 30, den: 1 },
    { num: 30_000, den: 1001 },
    { num: 25, den: 1 },
    { num: 1, den: 1 },
  ]);
});

describe('rescale', () => {
  const scale = fc.integer({ min: 1, max: 10_000_000 });
  const any = fc.tuple(fc.integer({ min: -(2 ** 53) + 1, max: 2 ** 53 - 1 }), scale, scale);
  // Where the product just fits a double and its double does not.
  const edge = fc
    .tuple(fc.integer({ min: 2 ** 52, max: 2 ** 53 - 1 }), scale, scale)
    .map(([product, from, to]): [number, number, number] => [Math.floor(product / to), from, to]);
  const ticksAndScales = fc.oneof(any, edge);

  it('is the nearest tick, halves up, for every safe integer', () => {
    fc.assert(
      fc.property(ticksAndScales, ([ticks, from, to]) => {
        // floor((2ab + c) / 2c), in exact integers
        const numerator = 2n * BigInt(ticks) * BigInt(to) + BigInt(from);
        const divisor = 2n * BigInt(from);
        let exact = numerator / divisor;
        if (numerator < 0n && numerator % divisor !== 0n) exact -= 1n;
        expect(rescale(ticks, from, to)).toBe(Number(exact));
      }),
      { numRuns: 20000 },
    );
  });

  it('comes back unchanged through a finer scale', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 2 ** 40 }),
        scale,
        fc.integer({ min: 1, max: 1000 }),
        (ticks, from, factor) => {
          expect(rescale(rescale(ticks, from, from * factor), from * factor, from)).toBe(ticks);
        },
      ),
    );
  });

  it('keeps order', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 52 }), fc.nat(), scale, scale, (a, more, from, to) => {
        expect(rescale(a + more, from, to)).toBeGreaterThanOrEqual(rescale(a, from, to));
      }),
    );
  });
});

describe('Unwrapper', () => {
  for (const bits of [16, 24, 32, 33] as const) {
    it(`follows a counter of ${bits} bits through wraps and reordering`, () => {
      const range = 2 ** bits;
      const steps = fc.array(fc.integer({ min: -range / 2, max: range / 2 - 1 }), { maxLength: 50 });
      fc.assert(
        fc.property(fc.integer({ min: 0, max: range - 1 }), steps, (start, moves) => {
          const unwrapper = new Unwrapper(bits);
          let truth = start;
          expect(unwrapper.unwrap(start)).toBe(truth);
          for (const move of moves) {
            truth += move;
            expect(unwrapper.unwrap(((truth % range) + range) % range)).toBe(truth);
          }
        }),
      );
    });
  }
});

describe('WallClock', () => {
  /** Frames 40 ms apart that arrive late by `delays` (cyclic); returns the clock and its largest error. */
  function run(
    delays: readonly number[],
    options: { frames: number; drift?: number },
  ): { worst: number; reanchored: number } {
    const clock = new WallClock();
    const start = 1_700_000_000_000;
    let worst = 0;
    let reanchored = 0;
    const least = Math.min(...delays);
    for (let i = 0; i < options.frames; i++) {
      const media = i * 40;
      const truth = start + media * (1 + (options.drift ?? 0));
      if (clock.observe(media, truth + delays[i % delays.length]!) === 'reanchored') reanchored++;
      if (i > 500) worst = Math.max(worst, Math.abs(clock.toWall(media)! - truth - least));
    }
    return { worst, reanchored };
  }

  it('settles on the least delay, whatever the jitter', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 200 }), { minLength: 1, maxLength: 40 }), (delays) => {
        const { worst, reanchored } = run(delays, { frames: 3000 });
        expect(reanchored).toBe(0);
        // 200 ms above the least where the first second had none so short, minus a percent of 20 s.
        expect(worst).toBeLessThanOrEqual(delays.length <= 25 ? 1 : 10);
      }),
      { numRuns: 20 },
    );
  });

  /** What the sample of each frame was, and the clock behind it; frames 40 ms apart, in the order of their arrival. */
  function begin(delays: readonly number[]): { clock: WallClock; offsets: number[]; reanchored: number } {
    const clock = new WallClock();
    const offsets: number[] = [];
    let reanchored = 0;
    let arrival = 0;
    for (const [i, delay] of delays.entries()) {
      arrival = Math.max(arrival, 1e12 + i * 40 + delay);
      if (clock.observe(i * 40, arrival) === 'reanchored') reanchored++;
      offsets.push(clock.toWall(0)! - 1e12);
    }
    return { clock, offsets, reanchored };
  }

  it('a first frame that is late costs nothing: after a second the least delay of that second is what counts', () => {
    const late = fc.integer({ min: 0, max: 20_000 });
    const jitter = fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 60, maxLength: 200 });
    fc.assert(
      fc.property(late, jitter, (first, rest) => {
        // The first frame and all that were sent meanwhile come at once.
        const backlog = Array.from({ length: Math.ceil(first / 40) }, (_, i) => Math.max(0, first - i * 40));
        const { clock, offsets, reanchored } = begin([...backlog, ...rest]);
        expect(reanchored).toBe(0);
        expect(clock.settled).toBe(true);
        const least = Math.min(...rest.slice(0, 20));
        for (const offset of offsets.slice(backlog.length + 30)) expect(offset).toBeLessThanOrEqual(least + 2);
        for (const offset of offsets.slice(backlog.length)) expect(offset).toBeGreaterThanOrEqual(-1);
      }),
    );
  });

  it('only steps back while it settles, and is unsettled until then', () => {
    const clock = new WallClock();
    expect(clock.settled).toBe(false);
    clock.observe(0, 1e12 + 400);
    expect(clock.toWall(0)).toBe(1e12 + 400);
    clock.observe(40, 1e12 + 500);
    expect(clock.toWall(0)).toBe(1e12 + 400);
    clock.observe(480, 1e12 + 500);
    expect(clock.toWall(0)).toBe(1e12 + 20);
    expect(clock.settled).toBe(false);
    clock.observe(1400, 1e12 + 1400);
    expect(clock.settled).toBe(true);
    expect(clock.toWall(0)).toBeGreaterThan(1e12);
  });

  it('a slow first second is made good within the next half minute', () => {
    const { offsets, reanchored } = begin([...new Array<number>(50).fill(300), ...new Array<number>(750).fill(0)]);
    expect(reanchored).toBe(0);
    expect(offsets[60]).toBeGreaterThan(290);
    expect(offsets.at(-1)).toBeLessThan(10);
  });

  it('a leap is a leap in the first second too', () => {
    const clock = new WallClock();
    for (let i = 0; i < 10; i++) clock.observe(i * 40, 1e12 + i * 40, 'video');
    expect(clock.observe(3_600_000, 1e12 + 400, 'video')).toBe('reanchored');
    expect(clock.settled).toBe(false);
    expect(clock.observe(3_600_040, 1e12 + 440, 'video')).toBe('steady');
    expect(clock.observe(0, 1e12 + 480, 'video')).toBe('reanchored');
  });

  it('follows a drifting source within a few ms', () => {
    fc.assert(
      fc.property(fc.integer({ min: -300, max: 300 }), (ppm) => {
        const { worst, reanchored } = run([0, 3, 8, 1], { frames: 5000, drift: ppm / 1e6 });
        expect(reanchored).toBe(0);
        expect(worst).toBeLessThan(10);
      }),
      { numRuns: 10 },
    );
  });

  it('never moves by more than a percent of elapsed time once it has settled', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 200 }), (delays) => {
        const clock = new WallClock();
        let before: number | undefined;
        let lastArrival = 0;
        for (const [i, delay] of delays.entries()) {
          const arrival = Math.max(lastArrival, 1e12 + i * 40 + delay);
          if (clock.observe(i * 40, arrival) === 'reanchored' || !clock.settled) before = undefined;
          const offset = clock.toWall(0)!;
          if (before !== undefined) {
            expect(Math.abs(offset - before)).toBeLessThanOrEqual((arrival - lastArrival) * 0.01 + 1e-3);
          }
          before = offset;
          lastArrival = arrival;
        }
      }),
    );
  });

  it('anchors anew on media that jumps ahead or back, or a server clock set back, and keeps through a stall', () => {
    const steady = (): WallClock => {
      const clock = new WallClock();
      for (let i = 0; i < 100; i++) clock.observe(i * 40, 1e12 + i * 40);
      return clock;
    };
    const ahead = steady();
    expect(ahead.observe(100_000, 1e12 + 4000)).toBe('reanchored');
    expect(ahead.toWall(100_000)).toBe(1e12 + 4000);
    const back = steady();
    expect(back.observe(100, 1e12 + 4000)).toBe('reanchored');
    const clockSetBack = steady();
    expect(clockSetBack.observe(4000, 1e12 + 4000 - 3_600_000)).toBe('reanchored');
    const stalled = steady();
    for (let i = 100; i < 175; i++) expect(stalled.observe(i * 40, 1e12 + 4000 + 3000)).toBe('steady');
    expect(stalled.toWall(4000)).toBeCloseTo(1e12 + 4000, 0);
  });

  it('gives up on a delay that stays (server clock set forward)', () => {
    const clock = new WallClock();
    let found = 0;
    for (let i = 0; i < 1500; i++) {
      if (clock.observe(i * 40, 1e12 + i * 40 + (i > 300 ? 60_000 : 0)) === 'reanchored') found++;
    }
    expect(found).toBe(1);
    expect(clock.toWall(1499 * 40)).toBeCloseTo(1e12 + 1499 * 40 + 60_000, 0);
  });
});
