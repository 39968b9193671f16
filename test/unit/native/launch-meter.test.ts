import { expect, it } from 'vitest';
import { LaunchMeter } from '../../../plugins/native/gstreamer/launch-meter.ts';

let now = 0;
/** Half a second of media at 10 frames a second goes in, and comes out of each of two outputs so much later, ms. */
function run(meter: LaunchMeter, from: number, late: number): void {
  for (let frame = 0; frame < 5; frame += 1) {
    meter.wrote(from + frame / 10);
    now += late;
    meter.came(from + frame / 10);
    meter.came(from + frame / 10);
  }
}

it('tells frames, speed, latency and what the child takes', () => {
  now = 0;
  const child = { framesIn: 7, framesOut: 7 };
  const meter = new LaunchMeter(() => now, child);
  expect(meter.usage).toEqual({ framesIn: 0, framesOut: 0 });
  run(meter, 100, 20);
  meter.look({ cpuSeconds: 1, rssBytes: 5e6 });
  // What is reckoned over a time has none yet.
  expect(meter.usage).toEqual({ framesIn: 5, framesOut: 10, latency: 20, rssBytes: 5e6 });
  run(meter, 100.5, 200);
  meter.look({ cpuSeconds: 1.8, rssBytes: 6e6 });
  expect(meter.usage).toMatchObject({ framesIn: 10, framesOut: 20, latency: 200, rssBytes: 6e6 });
  expect(meter.usage.speed).toBeCloseTo(0.5);
  expect(meter.usage.cores).toBeCloseTo(0.8);
  expect(child).toEqual({ framesIn: 17, framesOut: 27 });
});

it('says how late it is while nothing comes out', () => {
  now = 0;
  const meter = new LaunchMeter(() => now);
  run(meter, 0, 10);
  meter.wrote(0.5);
  now += 3000;
  expect(meter.usage.latency).toBe(3000);
});

it('goes on where timestamps go back', () => {
  now = 0;
  const meter = new LaunchMeter(() => now);
  run(meter, 50, 100);
  meter.wrote(60);
  meter.look({ cpuSeconds: 0, rssBytes: 1 });
  run(meter, 3, 100);
  meter.look({ cpuSeconds: 0, rssBytes: 1 });
  expect(meter.usage).toMatchObject({ latency: 100 });
  run(meter, 3.5, 100);
  meter.look({ cpuSeconds: 0, rssBytes: 1 });
  expect(meter.usage.speed).toBeCloseTo(1);
});
