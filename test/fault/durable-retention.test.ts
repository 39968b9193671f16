/** A week of a camera in fast time, on a real disk: what is kept is bounded, nothing is left behind, no reader is cut. */
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { listAll } from '../../core/contracts/index.ts';
import { parseSegmentName, type Segment } from '../../core/model/index.ts';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { FileStore } from '../../plugins/store/filesystem/file-store.ts';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { chunk, START } from '../support/chunks.ts';
import { durableRing } from '../support/durable-ring.ts';

const HOUR = 3_600_000;
/** ms of a segment, and its bytes. */
const SEGMENT = atLevel({ test: 60_000, proof: 180_000 });
const BYTES = 2000;
const CAM = 'cam1' as never;

const undo: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function sizeOf(folder: string): Promise<number> {
  let sum = 0;
  for (const name of await readdir(folder, { recursive: true })) {
    const found = await stat(join(folder, name)).catch(() => undefined);
    if (found?.isFile()) sum += found.size;
  }
  return sum;
}

test('a week in fast time', async () => {
  const hours = atLevel({ test: 6, proof: 7 * 24 });
  const retain = atLevel({ test: 1, proof: 24 });
  const dir = await mkdtemp(join(tmpdir(), 'eddy-week-'));
  undo.push(() => rm(dir, { recursive: true, force: true }));
  const fail = (error: unknown): never => {
    throw error;
  };
  const index = await SqliteIndex.open(join(dir, 'index.db'), { onCrash: fail, onWatcherError: fail });
  undo.push(() => index.close());
  const store = new FileStore(join(dir, 'media'), { concurrency: 8 });
  await store.open();
  const ring = await durableRing({
    store,
    index,
    dir: join(dir, 'log'),
    config: { window: '2m', retain: `${retain}h` },
  });
  undo.push(() => ring.stop());

  // A player at the very edge of what is kept: he reads each segment in the moment in which its age is up.
  let atEdge: Segment[] = [];
  let cut = 0;
  let read = 0;
  let most = 0;
  const mark = { start: START + HOUR / 2, end: START + HOUR / 2 + 1.5 * SEGMENT };
  const total = (hours * HOUR) / SEGMENT;
  for (let number = 0; number < total; number++) {
    const startTs = START + number * SEGMENT;
    const baseTime = (number * SEGMENT * 90_000) / 1000;
    const data = new Uint8Array(BYTES).fill(number);
    ring.feed('cam1', [chunk(number, 0, { parts: 1, startTs, baseTime, duration: SEGMENT * 90, data })]);
    // Before time goes on: to the ring a disk that takes a moment would seem to take a minute.
    await ring.archived();
    await ring.clock.advance(SEGMENT);
    if (number === 50) await ring.timeline.keep(CAM, mark);
    const now = ring.clock.now();
    for (const segment of atEdge) {
      const late = now - (segment.startTs + segment.duration + retain * HOUR);
      if (late < 0 || late > 100_000) continue;
      read += 1;
      if (!(await ring.timeline.read(CAM, 'video', segment.id.split('/')[2]!))) cut += 1;
    }
    if (number % 20 !== 19) continue;
    const oldest = now - retain * HOUR;
    atEdge = await ring.timeline.segments(CAM, { start: oldest, end: oldest + 25 * SEGMENT });
    most = Math.max(most, await sizeOf(join(dir, 'media')));
  }
  await ring.archived();
  // A sweep is real work on a real disk: time by hand must not run away from it.
  for (let step = 0; step < 20; step++) {
    await ring.clock.advance(10_000);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  const rows = await index.range(CAM, { start: 0, end: Number.MAX_SAFE_INTEGER });
  const expected = new Set(rows.flatMap(({ url, initUrl }) => [url, initUrl, initUrl.replace('.mp4', '.json')]));
  const keys: string[] = [];
  for await (const { key } of listAll(store, '')) if (!key.startsWith('_keep/')) keys.push(key);
  // Bytes whose rows have just gone stay for a while, for who is reading them.
  const inGrace = (key: string): boolean => {
    const startTs = parseSegmentName(key.split('/').at(-1)!)?.startTs;
    return startTs !== undefined && startTs + SEGMENT + retain * HOUR > ring.clock.now() - 150_000;
  };
  const orphans = keys.filter((key) => !expected.has(key) && !inGrace(key));
  expect(orphans, 'orphans').toEqual([]);
  expect(
    [...expected].filter((key) => !keys.includes(key)),
    'missing',
  ).toEqual([]);
  expect(rows.filter(({ startTs }) => startTs < mark.end).length).toBeGreaterThanOrEqual(2);
  const bound = ((retain * HOUR + 300_000) / SEGMENT + 20) * BYTES;
  const log = await sizeOf(join(dir, 'log'));
  const indexed = (await sizeOf(dir)) - (await sizeOf(join(dir, 'media'))) - log;
  meetBar({
    what: `retention: ${hours} h in fast time, ${retain} h kept`,
    bar: 'bounded disk, no orphan, no reader cut',
    measured: `${total} segments, at most ${Math.round(most / 1000)} kB in the store (bound ${Math.round(bound / 1000)} kB), ${Math.round(log / 1000)} kB log, ${Math.round(indexed / 1000)} kB index at the end; 0 orphans; ${read} reads at the edge, ${cut} cut`,
    pass: most <= bound && cut === 0 && read > 0 && log < 64 * 2 ** 20,
  });
});
