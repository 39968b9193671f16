import { describe, expect, it } from 'vitest';
import { FakeSegmentIndex, settle, VirtualClock } from '../../../core/testing/index.ts';
import { SegmentNumbers } from '../../../plugins/package/cmaf/numbers.ts';

const CAM = 'cam1' as never;
const START = 2_000_000_000_000;
const log = { info() {}, warn() {} };

async function numbers(index: FakeSegmentIndex | undefined, clock = new VirtualClock({ now: START })) {
  const made = new SegmentNumbers({ segment: 2000, clock, index, log });
  await made.open(CAM);
  const take = async (count: number): Promise<number[]> => {
    const taken: number[] = [];
    for (let index = 0; index < count; index++) {
      taken.push(made.next(CAM));
      await settle();
    }
    return taken;
  };
  return { made, take, clock };
}
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, index) => first + index);

describe('segment numbers', () => {
  it('count up by one from the clock, without an index too', async () => {
    expect(await (await numbers(undefined)).take(20)).toEqual(from(START / 2000, 20));
    expect(await (await numbers(new FakeSegmentIndex())).take(50)).toEqual(from(START / 2000, 50));
  });

  it('are never used twice by a process that comes after a crash, whatever the clock did', async () => {
    const index = new FakeSegmentIndex();
    const first = await (await numbers(index)).take(30);
    const second = await (await numbers(index, new VirtualClock({ now: START - 3_600_000 }))).take(30);
    expect(Math.min(...second)).toBeGreaterThan(Math.max(...first));
    // What was reserved and not used is a hole in the playlist: it stays small.
    expect(second[0]! - first.at(-1)!).toBeLessThanOrEqual(16);
  });

  it('go on counting while the index is away, and are not given again once it is back', async () => {
    const index = new FakeSegmentIndex();
    const { take } = await numbers(index);
    const before = await take(5);
    index.fail(new Error('as the test wants it'));
    const away = await take(30);
    index.fail(undefined);
    const after = await take(30);
    expect([...before, ...away, ...after]).toEqual(from(START / 2000, 65));
    const next = await (await numbers(index)).take(1);
    expect(next[0]).toBeGreaterThan(after.at(-1)!);
  });

  it('of a later flow are not behind the clock', async () => {
    const { made, take, clock } = await numbers(new FakeSegmentIndex());
    await take(3);
    await clock.advance(600_000);
    await made.open(CAM);
    expect(await take(1)).toEqual([(START + 600_000) / 2000]);
  });
});
