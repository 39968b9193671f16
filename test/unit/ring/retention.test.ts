import { afterEach, describe, expect, it } from 'vitest';
import type { Segment } from 'eddy/plugin';
import { segments, START } from '../../support/chunks.ts';
import { durableRing, type FakedRing as Ring } from '../../support/durable-ring.ts';

const CAM = 'cam1' as never;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };

let ring: Ring | undefined;
afterEach(async () => {
  await ring?.stop();
  await ring?.remove();
  ring = undefined;
});

/** Segments of two seconds each, as time goes on. */
async function record(from: number, to: number): Promise<void> {
  for (let number = from; number <= to; number += 5) {
    ring!.feed('cam1', segments(number, Math.min(to, number + 4)));
    await ring!.archived();
    await ring!.clock.advance(10_000);
  }
}
const kept = async (): Promise<Segment[]> => ring!.timeline.segments(CAM, ALL);
const media = (): string[] => [...ring!.store.objects.keys()].filter((key) => key.endsWith('.m4s'));

describe('retention', () => {
  it('deletes by age: the rows at once, the bytes some minutes later', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '60s' } });
    await record(0, 49);
    const oldest = (await kept())[0]!;
    expect(oldest.startTs + oldest.duration).toBeGreaterThan(ring.clock.now() - 75_000);
    // What was told lately can still be read.
    expect(media()).toHaveLength(50);
    await record(50, 150);
    expect(media().length).toBeLessThan(50 + 101 - 50);
    for (const one of await kept()) expect(await ring.timeline.read(CAM, 'video', one.id.split('/')[2]!)).toBeDefined();
  });

  it('deletes by bytes, the oldest first', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '24h', 'retain-bytes': '1MiB' } });
    const big = (number: number) => segments(number, number, { data: new Uint8Array(50_000) });
    for (let number = 0; number < 40; number++) {
      ring.feed('cam1', big(number));
      await ring.archived();
      await ring.clock.advance(2000);
    }
    await ring.clock.advance(20_000);
    const left = await kept();
    const bytes = left.reduce((sum, one) => sum + one.bytes, 0);
    expect(bytes).toBeLessThanOrEqual(2 ** 20);
    expect(bytes).toBeGreaterThan(2 ** 20 - 400_000);
    expect(left.at(-1)!.startTs).toBe(START + 78_000);
  });

  it('does not count against the bytes what is under a mark', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '24h', 'retain-bytes': '1MiB' } });
    const size = 4 * 50_000; // of one segment
    const feed = async (from: number, to: number) => {
      for (let number = from; number <= to; number++) {
        ring!.feed('cam1', segments(number, number, { data: new Uint8Array(50_000) }));
        await ring!.archived();
        await ring!.clock.advance(2000);
      }
      await ring!.clock.advance(20_000);
    };
    const starts = async () => (await kept()).map(({ startTs }) => (startTs - START) / 2000);
    await feed(0, 4);
    // More than the bound allows, were it counted.
    const mark = { start: START, end: START + 20_000 };
    await ring.timeline.keep(CAM, mark);
    await feed(5, 19);
    const allowed = Math.floor(2 ** 20 / size);
    const newest = (count: number, before: number) =>
      Array.from({ length: count }, (_, index) => before - count + index);
    expect(await starts()).toEqual([...newest(10, 10), ...newest(allowed, 20)]);
    // Without the mark they count again, and the oldest go.
    await ring.timeline.unkeep(CAM, mark);
    await ring.clock.advance(20_000);
    expect(await starts()).toEqual(newest(allowed, 20));
  });

  it('never deletes under a mark, with the init segment that it needs, and deletes once the mark is gone', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '60s' } });
    await record(0, 19);
    const mark = { start: START + 4000, end: START + 8000 };
    await ring.timeline.keep(CAM, mark);
    await record(20, 200);
    const starts = (await kept()).map(({ startTs }) => startTs - START);
    expect(starts.slice(0, 2)).toEqual([4000, 6000]);
    expect(starts[2]).toBeGreaterThan(300_000);
    const [first] = await kept();
    expect(await ring.timeline.read(CAM, 'video', first!.id.split('/')[2]!)).toBeDefined();
    expect(await ring.timeline.init(CAM, 'video', first!.initUrl.split('/')[2]!)).toBeDefined();
    expect(await ring.timeline.keeps(CAM)).toEqual([{ cameraId: CAM, ...mark }]);
    expect(await ring.timeline.unkeep(CAM, mark)).toBe(true);
    await ring.clock.advance(20_000);
    expect((await kept())[0]!.startTs).toBeGreaterThan(START + 300_000);
  });

  it('removes the init segment with the last segment that needs it', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '60s' } });
    await record(0, 9);
    const inits = () => [...ring!.store.objects.keys()].filter((key) => key.includes('/init-'));
    expect(inits()).toHaveLength(2);
    void ring.end('cam1', 'video');
    await ring.clock.advance(400_000);
    expect(await kept()).toEqual([]);
    expect([...ring.store.objects.keys()]).toEqual([]);
    // The camera comes back: its init segment is stored anew.
    ring.begin('cam1', 'video');
    ring.feed('cam1', segments(300, 300));
    await ring.archived();
    expect(inits()).toHaveLength(2);
  });

  it('does not delete too early when the wall clock steps ahead', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '10m' } });
    await record(0, 19);
    ring.clock.step(3_600_000);
    await ring.clock.advance(30_000);
    expect(await kept()).toHaveLength(20);
    expect(ring.reported()).toContain('CLOCK_STEPPED');
    expect((await ring.timeline.state()).clockStepped).toBe(true);
    ring.clock.step(-3_600_000);
    await ring.clock.advance(60_000);
    expect((await ring.timeline.state()).clockStepped).toBe(false);
    expect(await kept()).toHaveLength(20);
  });

  it('is calm at once when a wall clock that was set back is right again', async () => {
    ring = await durableRing({ config: { window: '10s', retain: '10m' } });
    await record(0, 1);
    ring.clock.step(-3_600_000);
    await ring.clock.advance(30_000);
    expect(ring.reported()).toContain('CLOCK_STEPPED');
    ring.clock.step(3_600_000);
    await ring.clock.advance(5000);
    expect((await ring.timeline.state()).clockStepped).toBe(false);
    // Further ahead than it ever was is another matter.
    ring.clock.step(3_600_000);
    await ring.clock.advance(5000);
    expect((await ring.timeline.state()).clockStepped).toBe(true);
  });
});
