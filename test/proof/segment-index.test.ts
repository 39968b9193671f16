/** The bar of the segment indexes: 10 million rows of 500 cameras, measured by test/bench/segment-index.bench.ts. */
import { expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { runBench } from '../support/bench.ts';

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly worst: number;
}

interface Measured {
  readonly rows: number;
  readonly cameras: number;
  readonly seconds: number;
  readonly ranges: number;
  readonly 'rows added a second': number;
  readonly 'range of 30 rows, ms': Quantiles;
  readonly 'add of one row, ms': Quantiles;
}

it.each([
  { name: 'SQLite', index: 'sqlite', bar: '30-row range p99 <= 10 ms while 250 rows/s arrive', most: 10 },
  { name: 'PostgreSQL', index: 'postgres', bar: 'measured beside SQLite; the issue sets no bound', most: Infinity },
])('$name: 10 million rows of 500 cameras', async ({ name, index, bar, most }) => {
  const measured = await runBench<Measured>('segment-index', '--index', index);
  expect(measured).toMatchObject({ rows: 10_000_000, cameras: 500 });
  expect(measured['rows added a second']).toBeGreaterThan(240);
  const { 'range of 30 rows, ms': range, 'add of one row, ms': add } = measured;
  meetBar({
    what: `index of 10 million rows (500 cameras), ${name}`,
    bar,
    measured:
      `${measured.ranges} ranges in ${measured.seconds} s: p50 ${range.p50}, p99 ${range.p99}, worst ${range.worst} ms; ` +
      `${measured['rows added a second']} rows/s added, each acknowledged after p50 ${add.p50}, p99 ${add.p99} ms`,
    pass: range.p99 <= most,
  });
});
