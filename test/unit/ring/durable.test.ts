import { appendFile, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EddyError, type Segment } from 'eddy/plugin';
import { FakeObjectStore } from '../../../core/testing/index.ts';
import { audioCaps, chunk, FIRST, segments, START } from '../../support/chunks.ts';
import { durableRing, eventually, type FakedRing as Ring, type FakedRingOptions } from '../../support/durable-ring.ts';

const CAM = 'cam1' as never;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };

const rings: Ring[] = [];
async function start(options: FakedRingOptions = {}): Promise<Ring> {
  const ring = await durableRing(options);
  rings.push(ring);
  return ring;
}
afterEach(async () => {
  for (const ring of rings.splice(0)) {
    await ring.stop();
    await ring.remove();
  }
});

const numbers = (found: readonly Segment[]): number[] => found.map(({ number }) => number - FIRST);
const files = (ring: Ring): Promise<string[]> => readdir(ring.dir);
const down = new EddyError('STORE_UNREACHABLE', 'as the test wants it');
/** The same store and index, after the process was killed. */
const reborn = async (ring: Ring, config: Readonly<Record<string, unknown>> = {}): Promise<Ring> => {
  await ring.crash();
  const { clock, store, index, dir } = ring;
  return start({ clock, store, index, dir, config });
};

describe('a finished segment', () => {
  it('is acknowledged once store and index have it', async () => {
    const ring = await start();
    ring.store.slow(500);
    ring.feed('cam1', segments(0, 0));
    expect(await ring.timeline.segments(CAM, ALL, undefined, { acknowledged: true })).toEqual([]);
    expect(numbers(await ring.timeline.segments(CAM, ALL))).toEqual([0]);
    // Init segment, its description, and the segment: each takes its time.
    await eventually('the event', async () => {
      await ring.clock.advance(500);
      return ring.acknowledged().length === 1;
    });
    expect(ring.store.objects.has(ring.acknowledged()[0]!)).toBe(true);
    expect(ring.index.added).toHaveLength(1);
    expect(numbers(await ring.timeline.segments(CAM, ALL, undefined, { acknowledged: true }))).toEqual([0]);
  });

  it('is acknowledged by the local disk where that is asked for, whatever the store does', async () => {
    const ring = await start({ config: { durability: { ack: 'disk' } } });
    ring.store.fail(down);
    ring.feed('cam1', segments(0, 1));
    await eventually('the events', () => ring.acknowledged().length === 2);
    expect(numbers(await ring.timeline.segments(CAM, ALL, undefined, { acknowledged: true }))).toEqual([0, 1]);
    expect(ring.index.added).toEqual([]);
    ring.store.fail(undefined);
  });

  it('leaves nothing in the log once it is stored', async () => {
    const ring = await start();
    ring.feed('cam1', segments(0, 3));
    await ring.archived();
    await ring.stop();
    expect(await files(ring)).toEqual(['stopped.json']);
  });
});

describe('a store that is down', () => {
  it('is told of once, tried again, and caught up in order; memory, spill and store are one timeline', async () => {
    const ring = await start({ config: { window: '10s' } });
    ring.feed('cam1', segments(0, 1));
    await ring.archived();
    ring.store.fail(down);
    for (let number = 2; number < 20; number++) {
      ring.feed('cam1', segments(number, number));
      await ring.clock.advance(2000);
    }
    expect(await ring.timeline.state()).toMatchObject({
      store: 'down',
      index: 'up',
      log: 'up',
      waiting: { segments: 18 },
    });
    expect(ring.reported()).toEqual(['STORE_DOWN']);
    expect(numbers(await ring.timeline.segments(CAM, ALL))).toEqual(Array.from({ length: 20 }, (_, index) => index));
    expect(await ring.timeline.spans(CAM, ALL)).toEqual([{ kind: 'media', start: START, end: START + 40_000 }]);
    // Memory has let go of this one long since, and the store never had it.
    const [early] = await ring.timeline.segments(CAM, { start: START + 8000, end: START + 8001 });
    const read = await ring.timeline.read(CAM, 'video', early!.id.split('/')[2]!);
    expect(Buffer.from(read!)).toEqual(Buffer.concat(segments(4, 4).map(({ data }) => data)));
    ring.store.fail(undefined);
    await ring.clock.advance(6000);
    await ring.archived();
    expect((await ring.timeline.state()).store).toBe('up');
    expect(numbers(ring.index.added)).toEqual(Array.from({ length: 20 }, (_, index) => index));
  });

  it('loses what neither memory nor spill can hold, says so, and tells the hole as an outage', async () => {
    const ring = await start({ config: { window: '10s', spill: '64MiB' } });
    ring.feed('cam1', segments(0, 0));
    await ring.archived();
    ring.store.fail(down);
    const big = (number: number) => segments(number, number, { data: new Uint8Array(2 ** 22) });
    for (let number = 1; number < 12; number++) {
      ring.feed('cam1', big(number));
      await ring.clock.advance(2000);
    }
    expect((await ring.timeline.state()).log).toBe('full');
    expect(ring.reported()).toEqual(expect.arrayContaining(['STORE_DOWN', 'LOG_FULL', 'SEGMENT_LOST']));
    ring.store.fail(undefined);
    await eventually('the rest to be stored', async () => {
      await ring.clock.advance(1000);
      return (await ring.timeline.state()).waiting.segments === 0;
    });
    const gaps = (await ring.timeline.spans(CAM, ALL)).filter(({ kind }) => kind === 'gap');
    expect(gaps.length).toBeGreaterThan(0);
    expect(gaps.every((gap) => gap.kind === 'gap' && gap.cause === 'store-outage')).toBe(true);
  });

  it('is told from an index that is down: stored segments wait for their rows', async () => {
    const ring = await start();
    ring.index.fail(new EddyError('INDEX_UNREACHABLE', 'as the test wants it'));
    ring.feed('cam1', segments(0, 2));
    await eventually(
      'the objects',
      () => [...ring.store.objects.keys()].filter((key) => key.endsWith('.m4s')).length === 3,
    );
    await eventually('the state', async () => (await ring.timeline.state()).index === 'down');
    expect(ring.acknowledged()).toEqual([]);
    expect(ring.reported()).toEqual(['INDEX_DOWN']);
    // The newest minutes are told without asking the index.
    expect(numbers(await ring.timeline.segments(CAM, { start: START, end: START + 60_000 }))).toEqual([0, 1, 2]);
    ring.index.fail(undefined);
    await ring.clock.advance(1000);
    await ring.archived();
    expect(ring.acknowledged()).toHaveLength(3);
  });

  it('takes an object of which no answer came for stored, if it is the same', async () => {
    class Forgetful extends FakeObjectStore {
      #lost = new Set<string>();
      override async put(...args: Parameters<FakeObjectStore['put']>): Promise<void> {
        await super.put(...args);
        if (this.#lost.has(args[0])) return;
        this.#lost.add(args[0]);
        throw down;
      }
    }
    const ring = await start({ store: new Forgetful() });
    ring.feed('cam1', segments(0, 1));
    await eventually('all to be stored', async () => {
      await ring.clock.advance(1000);
      return ring.acknowledged().length === 2;
    });
    expect(new Set(ring.reported())).toEqual(new Set(['STORE_DOWN']));
  });
});

describe('after a crash', () => {
  it('brings in what the log has, also the beginning of what was being written', async () => {
    const ring = await start();
    ring.store.fail(down);
    ring.feed('cam1', [...segments(0, 1), chunk(2, 0), chunk(2, 1)]);
    ring.begin('cam1', 'audio', audioCaps());
    segments(0, 0, { timescale: 48_000 }).forEach((one) => ring.chunk('cam1', 'audio', one));
    await ring.logged(14);
    await ring.clock.advance(20_000);
    ring.store.fail(undefined);
    const next = await reborn(ring);
    await next.archived();
    const found = await next.timeline.segments(CAM, ALL);
    expect(found.map(({ track, number, duration }) => [track, number - FIRST, duration])).toEqual([
      ['audio', 0, 2000],
      ['video', 0, 2000],
      ['video', 1, 2000],
      ['video', 2, 1000],
    ]);
    expect(next.events.find(({ type }) => type === 'timeline.recovered')?.data).toMatchObject({ recovered: 4, cut: 1 });
    expect(next.reported()).toContain('REPAIRED');
    const bytes = await next.timeline.read(CAM, 'video', found[3]!.id.split('/')[2]!);
    expect(Buffer.from(bytes!)).toEqual(Buffer.concat([chunk(2, 0).data, chunk(2, 1).data]));
    // A camera that is away has its tracks nevertheless.
    expect((await next.timeline.tracks(CAM)).map(({ track, caps }) => [track, caps.codec])).toEqual([
      ['audio', 'aac'],
      ['video', 'h264'],
    ]);
    expect((await next.timeline.spans(CAM, ALL)).at(-1)).toMatchObject({
      kind: 'gap',
      cause: 'crash',
      start: START + 5000,
    });
  });

  it('stops reading where a record was torn', async () => {
    const ring = await start();
    ring.store.fail(down);
    ring.feed('cam1', segments(0, 1));
    await ring.logged(8);
    await ring.crash();
    const [log] = (await files(ring)).filter((name) => name.endsWith('.wal'));
    await appendFile(join(ring.dir, log!), Buffer.from('EWAL\0\0\0\x20torn'));
    ring.store.fail(undefined);
    const next = await reborn(ring);
    await next.archived();
    expect(numbers(await next.timeline.segments(CAM, ALL))).toEqual([0, 1]);
    expect(next.events.find(({ type }) => type === 'timeline.recovered')?.data?.torn).toBe(12);
  });

  it('waits in the log through restarts while the store is down', async () => {
    const ring = await start();
    ring.store.fail(down);
    ring.feed('cam1', segments(0, 1));
    await ring.clock.advance(1000);
    await ring.stop();
    let started = false;
    const starting = durableRing({ clock: ring.clock, store: ring.store, index: ring.index, dir: ring.dir });
    void starting.then(() => (started = true));
    // The start waits a while for the store, and not for ever.
    await eventually('the start', async () => {
      await ring.clock.advance(1000);
      return started;
    });
    const next = await starting;
    rings.push(next);
    expect(numbers(await next.timeline.segments(CAM, ALL))).toEqual([0, 1]);
    next.feed('cam1', segments(3, 3));
    ring.store.fail(undefined);
    await next.clock.advance(10_000);
    await next.archived();
    expect(numbers(ring.index.added)).toEqual([0, 1, 3]);
  });

  it('reconciles store and index both ways', async () => {
    const ring = await start();
    ring.feed('cam1', segments(0, 9));
    await ring.archived();
    const [lost, , gone] = ring.index.added;
    await ring.store.delete([lost!.url]);
    await ring.index.delete([gone!.id]);
    await ring.clock.advance(20_000);
    // A clean stop: after a crash the log would bring all of it in again.
    await ring.stop();
    const { clock, store, index, dir } = ring;
    const next = await start({ clock, store, index, dir });
    await eventually('the repair', async () => {
      await next.clock.advance(10);
      return next.events.some(({ type }) => type === 'timeline.reconciled');
    });
    const done = next.events.find(({ type }) => type === 'timeline.reconciled')?.data;
    // The bytes of these chunks are no media, so the object cannot say what it is: it stays until it is too old.
    expect(done).toMatchObject({ agreed: 8, rowsRemoved: 1, unreadable: 1, indexed: 0 });
    expect(numbers(next.index.added.toSorted((a, b) => a.number - b.number))).toEqual([1, 3, 4, 5, 6, 7, 8, 9]);
  });
});

describe('the log', () => {
  it('goes on in another file after its disk failed', async () => {
    const ring = await start({ config: { durability: { ack: 'disk' } } });
    ring.feed('cam1', segments(0, 0));
    await eventually('the first', () => ring.acknowledged().length === 1);
    await ring.clock.advance(31_000);
    await rm(ring.dir, { recursive: true });
    ring.feed('cam1', segments(20, 20));
    await eventually('the state', async () => (await ring.timeline.state()).log === 'down');
    expect(ring.reported()).toContain('LOG_DOWN');
    // The store takes it all the same.
    await eventually('the second', () => ring.acknowledged().length === 2);
    await rm(ring.dir, { recursive: true, force: true });
    await mkdir(ring.dir);
    await ring.clock.advance(3000);
    ring.feed('cam1', segments(22, 22));
    await eventually('the state', async () => (await ring.timeline.state()).log === 'up');
    await eventually('the third', () => ring.acknowledged().length === 3);
  });
});
