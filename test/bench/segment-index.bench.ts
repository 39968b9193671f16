/**
 * Segment indexes over 10 million rows of 500 cameras: how long a range of 30 rows takes while 250 rows a second are added.
 *
 *   node --conditions=eddy-source test/bench/segment-index.bench.ts --index sqlite|postgres [--rows 10000000] [--seconds 60]
 *
 * Rows are made in the order in which cameras would have added them, by the database itself, which takes minutes and not
 * hours; one of each camera is added through the index, and some are read back through it to see that they are whole.
 * Then segments are added one by one, and ranges of random cameras and moments are read one after another.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import Database from 'better-sqlite3';
import type { SegmentIndex } from '../../core/contracts/index.ts';
import type { CameraId } from '../../core/model/index.ts';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { openPostgres, startPostgres } from '../support/postgres.ts';
import { indexedSegment, START } from '../support/segments.ts';

const { values } = parseArgs({
  options: {
    index: { type: 'string', default: 'sqlite' },
    rows: { type: 'string', default: '10000000' },
    seconds: { type: 'string', default: '60' },
  },
});
const [rows, seconds] = [Number(values.rows), Number(values.seconds)];
const CAMERAS = 500;
const SEGMENT_MS = 2000;
const ROWS_A_RANGE = 30;
const ADDED_A_SECOND = CAMERAS / (SEGMENT_MS / 1000);
/** Between two ranges, in ms. */
const PAUSE_MS = 8;
/** How many segments each camera has when it begins. */
const depth = Math.ceil(rows / CAMERAS);
const cameraOf = (nth: number): CameraId => `cam${nth % CAMERAS}` as CameraId;
const say = (text: string): void => console.error(`segment-index ${values.index}: ${text}`);

interface Filled {
  readonly index: SegmentIndex;
  stop(): Promise<void>;
}

const first = Array.from({ length: CAMERAS }, (_, nth) => indexedSegment(0, { cameraId: cameraOf(nth) }));
/** Segment `k` of every track, as `add` would have written it. */
const COLUMNS = 'track, start, number, generation, duration, bytes, base_time, ticks, flags';
const valuesAt = (k: string): string =>
  `t.id, ${START} + ${k} * 2000.0, ${k}, g.id, 2000.0, 500000 + ${k}, ${k} * 180000, 180000, 2`;

async function fillSqlite(): Promise<Filled> {
  const folder = mkdtempSync(join(tmpdir(), 'eddy-index-bench-'));
  const file = join(folder, 'index.db');
  const fail = (error: unknown): never => {
    throw error;
  };
  const open = (): Promise<SqliteIndex> => SqliteIndex.open(file, { onCrash: fail, onWatcherError: fail });
  const before = await open();
  await before.add(first);
  await before.close();
  const db = new Database(file);
  db.pragma('synchronous = OFF');
  const slice = db.prepare(
    `WITH RECURSIVE k (n) AS (VALUES (@from) UNION ALL SELECT n + 1 FROM k WHERE n < @to)
     INSERT INTO segments (${COLUMNS})
     SELECT ${valuesAt('k.n')} FROM k CROSS JOIN tracks t JOIN generations g ON g.track = t.id`,
  );
  forSlices((from, to) => void slice.run({ from, to }));
  db.exec(`UPDATE generations SET last = ${START} + ${depth} * 2000.0; UPDATE cameras SET next = ${depth}`);
  db.close();
  const index = await open();
  return {
    index,
    stop: async () => {
      await index.close();
      rmSync(folder, { recursive: true });
    },
  };
}

async function fillPostgres(): Promise<Filled> {
  // What a machine of its own would have; the rest is as the package comes.
  const server = await startPostgres({ settings: { shared_buffers: '1GB', max_wal_size: '4GB' } });
  const index = await openPostgres(server.url);
  await index.add(first);
  const slices: [number, number][] = [];
  forSlices((from, to) => void slices.push([from, to]));
  for (const [from, to] of slices)
    await server.sql(
      `INSERT INTO eddy.segments (${COLUMNS}, camera, added)
       SELECT ${valuesAt('k')}, t.camera, k + 1 FROM generate_series(${from}::bigint, ${to}::bigint) k
       CROSS JOIN eddy.tracks t JOIN eddy.generations g ON g.track = t.id ORDER BY k, t.id`,
    );
  await server.sql(`UPDATE eddy.generations SET last = ${START} + ${depth} * 2000.0`);
  await server.sql(`UPDATE eddy.cameras SET next = ${depth}, added = ${depth}`);
  await server.sql('VACUUM (ANALYZE) eddy.segments');
  await server.sql('CHECKPOINT');
  return {
    index,
    stop: async () => {
      await index.close();
      await server.stop();
    },
  };
}

/** From the second segment of each camera to its last, some hundred thousand rows at once. */
function forSlices(fill: (from: number, to: number) => void): void {
  const step = 1000;
  for (let from = 1; from < depth; from += step) fill(from, Math.min(depth, from + step) - 1);
}

/** What was made is what `add` would have made. */
async function verify(index: SegmentIndex): Promise<void> {
  for (const number of [0, 1, depth - 1]) {
    const wanted = indexedSegment(number, { cameraId: 'cam7' });
    const [found] = await index.range('cam7' as CameraId, { start: wanted.startTs, end: wanted.startTs + 1 });
    if (JSON.stringify(Object.entries(found ?? {}).sort()) !== JSON.stringify(Object.entries(wanted).sort()))
      throw new Error(`${JSON.stringify(found)} is not ${JSON.stringify(wanted)}`);
  }
}

async function addSteadily(index: SegmentIndex, until: number, latencies: number[]): Promise<void> {
  const adding: Promise<void>[] = [];
  const began = performance.now();
  for (let nth = 0; ; nth++) {
    const due = began + (nth * 1000) / ADDED_A_SECOND;
    if (due > until) break;
    const wait = due - performance.now();
    if (wait > 1) await setTimeout(wait);
    const segment = indexedSegment(depth + Math.floor(nth / CAMERAS), { cameraId: cameraOf(nth) });
    const asked = performance.now();
    adding.push(index.add([segment]).then(() => void latencies.push(performance.now() - asked)));
  }
  await Promise.all(adding);
}

async function readSteadily(index: SegmentIndex, until: number, latencies: number[]): Promise<void> {
  while (performance.now() < until) {
    const from = Math.floor(Math.random() * (depth - ROWS_A_RANGE));
    const start = START + from * SEGMENT_MS;
    const asked = performance.now();
    const found = await index.range(
      cameraOf(Math.floor(Math.random() * CAMERAS)),
      { start, end: start + ROWS_A_RANGE * SEGMENT_MS },
      'video',
    );
    latencies.push(performance.now() - asked);
    if (found.length !== ROWS_A_RANGE) throw new Error(`${found.length} rows instead of ${ROWS_A_RANGE}`);
    await setTimeout(PAUSE_MS);
  }
}

const quantiles = (latencies: number[]) => {
  const sorted = latencies.toSorted((a, b) => a - b);
  const at = (share: number): number => Number(sorted[Math.floor(share * (sorted.length - 1))]!.toFixed(2));
  return { p50: at(0.5), p99: at(0.99), worst: at(1) };
};

const began = performance.now();
const { index, stop } = await (values.index === 'postgres' ? fillPostgres() : fillSqlite());
try {
  await verify(index);
  const took = Math.round((performance.now() - began) / 1000);
  say(`${depth * CAMERAS} rows after ${took} s`);
  // What the making of so many rows has left to be written.
  await setTimeout(5000);
  const [reads, adds]: [number[], number[]] = [[], []];
  const until = performance.now() + seconds * 1000;
  await Promise.all([addSteadily(index, until, adds), readSteadily(index, until, reads)]);
  const result = {
    bench: `segment index: ${values.index}`,
    rows: depth * CAMERAS,
    cameras: CAMERAS,
    seconds,
    ranges: reads.length,
    'rows added a second': Number((adds.length / seconds).toFixed(1)),
    'range of 30 rows, ms': quantiles(reads),
    'add of one row, ms': quantiles(adds),
  };
  console.log(JSON.stringify(result));
} finally {
  await stop();
}
