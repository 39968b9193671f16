/** The bars that name a peer, measured by the benchmarks of `make bench`. */
import { expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { runBench } from '../support/bench.ts';

/** From minute 2, when the heap has found its size, to minute 10. */
const RSS_SPAN = process.env.EDDY_RSS_SPAN ?? '120-600';

interface Peers {
  readonly eddy: number;
  readonly nginx: number;
}

it('HTTP origin: requests a CPU-second against nginx', async () => {
  const measured = await runBench<{ 'requests a CPU-second': Peers; 'bytes a response': number; ratio: number }>(
    'http-origin',
  );
  const { eddy, nginx } = measured['requests a CPU-second'];
  expect(measured['bytes a response']).toBe(20_000);
  meetBar({
    what: 'HTTP origin: 20 KB parts, requests a CPU-second against nginx',
    bar: '>= 0.3 x',
    measured: `${measured.ratio} x (${eddy} against ${nginx})`,
    pass: measured.ratio >= 0.3,
  });
});

it('100 RTMP publishers of 3 Mbps: CPU against nginx-rtmp, growth of memory', async () => {
  const measured = await runBench<{
    publishers: number;
    'still publishing at the end': number;
    'Mbps taken': number;
    'share of a core': Peers;
    ratio: number;
    'RSS after garbage collection': { seconds: string; MB: string; 'growth, %': number };
  }>('rtmp-publishers', '--rss', RSS_SPAN);
  const { 'share of a core': cpu, 'RSS after garbage collection': rss } = measured;
  expect(measured['still publishing at the end']).toBe(100);
  expect(measured['Mbps taken']).toBeGreaterThan(280);
  const bars = [
    {
      what: '100 RTMP publishers of 3 Mbps, null sink: CPU',
      bar: "at most 3 x nginx-rtmp's in the same run",
      measured: `${measured.ratio} x (${cpu.eddy} of a core against ${cpu.nginx}), ${measured['Mbps taken']} Mbps taken`,
      pass: measured.ratio <= 3,
    },
    {
      what: '100 RTMP publishers of 3 Mbps: growth of RSS after garbage collection',
      bar: '< 5% from minute 2 to 10',
      measured: `${rss['growth, %']}% (${rss.MB} MB at second ${rss.seconds.replace('-', ' and ')})`,
      pass: rss['growth, %'] < 5,
    },
  ];
  // Both rows, whatever becomes of the first.
  const missed = bars.flatMap((bar) => {
    try {
      meetBar(bar);
      return [];
    } catch (error) {
      return [(error as Error).message];
    }
  });
  expect(missed).toEqual([]);
});

it("validate of 200 stages, Node's start included", async () => {
  const measured = await runBench<{
    stages: number;
    'validate, ms': { median: number; worst: number };
    'floors, ms': Readonly<Record<string, number>>;
  }>('validate');
  const { median, worst } = measured['validate, ms'];
  meetBar({
    what: `eddy validate of ${measured.stages} stages, Node's start included`,
    bar: 'measured; the issue sets no bound',
    measured: `median ${median} ms, worst ${worst} ms (node alone ${measured['floors, ms']['node alone']} ms)`,
    pass: median > 0,
  });
});
