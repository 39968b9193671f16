import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  blockClockHeight,
  blockClockSource,
  decodeBlockClock,
  drawBlockClock,
} from '../../../core/media/block-clock.ts';
import { Picture } from '../../../plugins/ingest/test-pattern/host/picture.ts';
import { BLOCK, SAMPLE_RATE, Sound } from '../../../plugins/ingest/test-pattern/host/sound.ts';
import { flashes, Pace, ServerTime } from '../../../plugins/ingest/test-pattern/host/timing.ts';
import { timeZero } from '../../../plugins/ingest/test-pattern/launch.ts';

describe('the block clock', () => {
  const clock = fc.record({ epochMs: fc.integer({ min: 0, max: 2 ** 42 - 1 }), counter: fc.nat(1023) });
  const strip = (width: number): Uint8Array => new Uint8Array(width * (blockClockHeight(width) + 1)).fill(128);

  it('reads what it draws, at any width, through noise and blur', () => {
    fc.assert(
      fc.property(clock, fc.constantFrom(320, 426, 640, 854, 1280, 1920), fc.nat(60), (drawn, width, noise) => {
        const luma = strip(width);
        drawBlockClock(luma, width, width, drawn);
        for (let i = 0; i < luma.length; i++)
          luma[i] = Math.max(0, Math.min(255, luma[i]! + ((i * 7919) % (2 * noise + 1)) - noise));
        expect(decodeBlockClock({ width, data: luma }, 1)).toEqual(drawn);
      }),
      { numRuns: 60 },
    );
  });

  it('is refused where any block is wrong, and in a picture of one colour', () => {
    const width = 320;
    const luma = strip(width);
    drawBlockClock(luma, width, width, { epochMs: 1_795_403_264_200, counter: 66 });
    for (let block = 0; block < 64; block++) {
      const wrong = Uint8Array.from(luma);
      const [left, top] = [(block % 32) * 10, Math.floor(block / 32) * 10];
      for (let y = top; y < top + 10; y++)
        for (let x = left; x < left + 10; x++) wrong[y * width + x] = 251 - wrong[y * width + x]!;
      expect(decodeBlockClock({ width, data: wrong }, 1)).toBeUndefined();
    }
    for (const value of [0, 16, 128, 235, 255]) {
      expect(decodeBlockClock({ width, data: new Uint8Array(width * 20).fill(value) }, 1)).toBeUndefined();
    }
  });

  it('can be read by a page that has only its source', () => {
    const width = 320;
    const luma = strip(width);
    drawBlockClock(luma, width, width, { epochMs: 1_795_403_264_200, counter: 7 });
    const rgba = new Uint8ClampedArray(luma.length * 4);
    luma.forEach((value, i) => rgba.fill(value, i * 4, i * 4 + 3));
    const read: unknown = runInNewContext(`${blockClockSource}; decodeBlockClock(image)`, {
      image: { width, data: rgba },
    });
    expect({ ...(read as object) }).toEqual({ epochMs: 1_795_403_264_200, counter: 7 });
  });
});

describe('the picture', () => {
  const options = { width: 640, height: 360, name: 'demo', clock: true };
  const mean = (picture: Picture, from: number, to: number): number =>
    picture.data.subarray(from * 640, to * 640).reduce((sum, value) => sum + value, 0) / ((to - from) * 640);

  it('shows its moment, moves, and flashes white', () => {
    const picture = new Picture(options);
    picture.paint({ epochMs: 1_000_000, counter: 1, flash: false });
    const before = picture.data.slice(0, 640 * 360);
    expect(decodeBlockClock({ width: 640, data: before }, 1)).toEqual({ epochMs: 1_000_000, counter: 1 });
    picture.paint({ epochMs: 1_000_500, counter: 2, flash: false });
    const changed = before
      .subarray(640 * 40, 640 * 310)
      .filter((value, i) => value !== picture.data[640 * 40 + i]).length;
    expect(changed).toBeGreaterThan(500);
    expect(mean(picture, 40, 300)).toBeLessThan(130);
    picture.paint({ epochMs: 1_001_000, counter: 3, flash: true });
    expect(mean(picture, 40, 300)).toBe(235);
    expect(decodeBlockClock({ width: 640, data: picture.data }, 1)).toEqual({ epochMs: 1_001_000, counter: 3 });
  });

  it.each([
    [320, 180],
    [1920, 1080],
    [720, 576],
    [320, 2160],
    [3840, 180],
  ])('fits into %i x %i at every moment', (width, height) => {
    const picture = new Picture({ ...options, width, height, name: 'A-camera-with-a-long.name_0123456789' });
    picture.paint({ epochMs: 0, counter: 0, flash: false });
    const colour = picture.data.slice(width * height);
    for (let epochMs = 0; epochMs < 8000; epochMs += 97) picture.paint({ epochMs, counter: 0, flash: false });
    // What is drawn too low would show in the planes that follow.
    expect(Buffer.from(picture.data.subarray(width * height)).equals(colour)).toBe(true);
  });

  it('leaves the clocks out where it is told to', () => {
    const picture = new Picture({ ...options, clock: false });
    picture.paint({ epochMs: 1_000_000, counter: 1, flash: false });
    expect(decodeBlockClock({ width: 640, data: picture.data }, 1)).toBeUndefined();
  });
});

describe('the sound', () => {
  it('goes on without a click from block to block, over the second too', () => {
    const sound = new Sound();
    const samples: number[] = [];
    for (let block = 44; block < 50; block++) {
      sound.fill(block * BLOCK);
      const view = new DataView(sound.data.buffer);
      for (let i = 0; i < BLOCK; i++) samples.push(view.getInt16(i * 4, true));
    }
    const steepest = Math.ceil(((2 * Math.PI * 440) / SAMPLE_RATE) * 0.1 * 32_767) + 1;
    for (let i = 1; i < samples.length; i++)
      expect(Math.abs(samples[i]! - samples[i - 1]!)).toBeLessThanOrEqual(steepest);
    expect(Math.max(...samples)).toBeGreaterThan(3000);
  });

  it('beeps on the sample', () => {
    const sound = new Sound();
    sound.fill(0, (sample) => sample >= 500);
    const view = new DataView(sound.data.buffer);
    const loud = Array.from({ length: BLOCK }, (_, i) => view.getInt16(i * 4, true) !== 0);
    expect(loud.indexOf(true)).toBeGreaterThanOrEqual(500);
    expect(loud.indexOf(true)).toBeLessThan(503);
  });
});

describe('timing', () => {
  it('begins media time on a full second, a second or two ago', () => {
    const zero = timeZero(50_000.25, 1_700_000_000_123);
    expect(zero).toEqual({ monotonic: 48_877.25, epoch: 1_699_999_999_000 - 0 });
    expect(zero.epoch % 1000).toBe(0);
  });

  it('follows a clock that was set, not one that is read late', () => {
    const server = new ServerTime(1000);
    server.check(500, 1540);
    expect(server.at(500)).toBe(1500);
    server.check(500, 7500);
    expect(server.at(600)).toBe(7600);
  });

  it('flashes for a tenth of a second at each period, on the first picture of it', () => {
    const at = Array.from({ length: 90 }, (_, i) => 1_700_000_000_000 + (i * 1000) / 30).filter((ms) =>
      flashes(ms, 1000),
    );
    expect(at).toHaveLength(9);
    expect(at.map((ms) => Math.floor(ms) % 1000).filter((ms) => ms === 0)).toHaveLength(3);
  });

  it('paces on a grid, makes up for a little lateness and skips a lot', () => {
    const pace = new Pace(10, 50, 101);
    expect(pace.due).toBe(110);
    expect(pace.take(109)).toBeUndefined();
    const drain = (now: number): number[] => {
      const taken: number[] = [];
      for (let i = pace.take(now); i !== undefined; i = pace.take(now)) taken.push(i);
      return taken;
    };
    expect(drain(110)).toEqual([11]);
    expect(drain(145)).toEqual([12, 13, 14]);
    expect(drain(1000)).toEqual([100]);
    expect(pace.due).toBe(1010);
  });
});
