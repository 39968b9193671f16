import { afterEach, describe, expect, it } from 'vitest';
import { createMetrics, type EngineMetrics } from '../../../core/observe/index.ts';

const made: EngineMetrics[] = [];
function metrics(process = false) {
  const one = createMetrics({ labels: { pipeline: 'demo' }, process });
  made.push(one);
  return one;
}
afterEach(() => made.splice(0).forEach((one) => one.close()));

const series = async (from: EngineMetrics) =>
  (await from.text()).split('\n').filter((line) => line && !line.startsWith('#'));

describe('createMetrics', () => {
  it('prefixes names, labels the stage, and gives the same meter for the same name', async () => {
    const all = metrics();
    const rtmp = all.for({ stage: 'rtmp' });
    rtmp.counter('frames_total', 'Frames.').add();
    rtmp.counter('frames_total', 'Frames.').add(2);
    all.for({ stage: 'whip' }).counter('frames_total', 'Frames.').add(5, { reason: 'late' });
    expect(await series(all)).toEqual([
      'eddy_frames_total{stage="rtmp",pipeline="demo"} 3',
      'eddy_frames_total{reason="late",stage="whip",pipeline="demo"} 5',
    ]);
  });

  it('does not let a label order make two series, nor a plugin pretend to be another stage', async () => {
    const all = metrics();
    const gauge = all.for({ stage: 'a' }).gauge('depth', 'Depth.');
    gauge.set(1, { x: '1', y: '2' });
    gauge.set(7, { y: '2', x: '1', stage: 'b' });
    expect(await series(all)).toEqual(['eddy_depth{x="1",y="2",stage="a",pipeline="demo"} 7']);
    gauge.remove({ x: '1', y: '2' });
    expect(await series(all)).toEqual([]);
  });

  it('follows a total that something else counts, until that is gone', async () => {
    const all = metrics();
    const cpu = all.counter('cpu_seconds_total', 'Time.');
    cpu.follow(5, { host: 'a' });
    cpu.follow(2, { host: 'a' });
    cpu.follow(3, { host: 'b' });
    cpu.remove({ host: 'b' });
    expect(await series(all)).toEqual(['eddy_cpu_seconds_total{host="a",pipeline="demo"} 2']);
  });

  it('cumulates the buckets of a histogram', async () => {
    const all = metrics();
    const histogram = all.histogram('wait_seconds', 'Wait.', [1, 0.1]);
    for (const value of [0.05, 0.1, 0.5, 3]) histogram.observe(value);
    expect(await series(all)).toEqual([
      'eddy_wait_seconds_bucket{le="0.1",pipeline="demo"} 2',
      'eddy_wait_seconds_bucket{le="1",pipeline="demo"} 3',
      'eddy_wait_seconds_bucket{le="+Inf",pipeline="demo"} 4',
      'eddy_wait_seconds_sum{pipeline="demo"} 3.65',
      'eddy_wait_seconds_count{pipeline="demo"} 4',
    ]);
  });

  it('forgets the series of a camera that is gone', async () => {
    const all = metrics();
    const counter = all.counter('items_total', 'Items.');
    counter.add(1, { camera: 'a', link: 'x' });
    counter.add(1, { camera: 'b', link: 'x' });
    all.forget({ camera: 'a' });
    expect(await series(all)).toEqual(['eddy_items_total{camera="b",link="x",pipeline="demo"} 1']);
  });

  it('refuses a second kind under one name, a bad name, and a counter that goes down', () => {
    const all = metrics();
    all.counter('a_total', 'A.');
    all.gauge('a', 'A.');
    expect(() => all.histogram('a', 'A.', [1])).toThrow(/is a gauge/);
    expect(() => all.gauge('Bad-name', 'A.')).toThrow(TypeError);
    for (const name of ['b', 'b_seconds']) expect(() => all.counter(name, 'B.')).toThrow(/"_total"/);
    expect(() => all.histogram('c_total', 'C.', [1])).toThrow(/"_total"/);
    expect(() => all.counter('a_total', 'A.').add(-1)).toThrow(TypeError);
  });

  it('asks collectors before each exposition and keeps engines apart', async () => {
    const one = metrics();
    const two = metrics(true);
    let count = 0;
    const gauge = one.gauge('count', 'Count.');
    const stop = one.onCollect(() => gauge.set(++count));
    await one.text();
    expect(await series(one)).toEqual(['eddy_count{pipeline="demo"} 2']);
    stop();
    await one.text();
    expect(count).toBe(2);
    expect(await two.text()).toContain('eddy_process_resident_bytes{pipeline="demo"}');
    expect(await two.text()).not.toContain('eddy_count');
  });

  it('escapes label values', async () => {
    const all = metrics();
    all.gauge('x', 'X.').set(1, { name: 'a"b\\c\nd' });
    expect(await series(all)).toEqual(['eddy_x{name="a\\"b\\\\c\\nd",pipeline="demo"} 1']);
  });
});
