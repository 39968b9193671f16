import { describe, expect, it } from 'vitest';
import { monitor, nextGain } from '../../../plugins/transcode/audio/host/loudness.ts';
import { LoudnessMeter } from '../../../plugins/transcode/audio/host/r128.ts';
import { Loudness } from '../../../plugins/transcode/audio/loudness-field.ts';

/** A sine of 1 kHz in both channels, at so many dBFS. */
function tone(level: number, seconds: number, rate = 48_000): Float32Array {
  const samples = new Float32Array(2 * Math.round(seconds * rate));
  const amplitude = 10 ** (level / 20);
  for (let i = 0; i < samples.length; i += 1) samples[i] = amplitude * Math.sin((2 * Math.PI * 1000 * (i >> 1)) / rate);
  return samples;
}

describe('loudness', () => {
  it.each([48_000, 44_100, 32_000])('is that of EBU Tech 3341, at %s Hz', (rate) => {
    const measure = (...parts: readonly (readonly [level: number, seconds: number])[]): number => {
      const meter = new LoudnessMeter(rate, 2, 120);
      for (const [level, seconds] of parts) meter.add(tone(level, seconds, rate));
      return meter.loudness!;
    };
    // Cases 1 to 4 of its table 1, within its 0.1 LU.
    expect(measure([-23, 20])).toBeCloseTo(-23, 1);
    expect(measure([-33, 20])).toBeCloseTo(-33, 1);
    expect(measure([-36, 10], [-23, 60], [-36, 10])).toBeCloseTo(-23, 1);
    expect(measure([-72, 10], [-36, 10], [-23, 60], [-36, 10], [-72, 10])).toBeCloseTo(-23, 1);
  });

  it('is none of silence, and forgets what is long ago', () => {
    const meter = new LoudnessMeter(48_000, 2, 10);
    expect(meter.add(new Float32Array(96_000))).toBe(10);
    expect([meter.loudness, meter.heard]).toEqual([undefined, 0]);
    meter.add(tone(-10, 5));
    meter.add(tone(-30, 11));
    expect(meter.loudness).toBeCloseTo(-30, 1);
  });

  it('is reached at once at first, then slowly; what is near is left alone', () => {
    expect(nextGain(0, 12, 0.5)).toBe(1);
    expect(nextGain(0, -12, 10)).toBeCloseTo(-0.1);
    expect(nextGain(5, 5.1, 10)).toBe(5);
    expect(nextGain(20, 35, 1)).toBe(20);
    expect(nextGain(19.5, 35, 1)).toBe(20);
  });

  it('moves the gain of a launch by what it hears', () => {
    const gains: number[] = [];
    const options = { target: -16, rate: 48_000, channels: 2, gain: 'gain' };
    const hear = monitor(options, (element, property, value) => {
      expect([element, property]).toEqual(['gain', 'volume']);
      gains.push(20 * Math.log10(value));
    });
    // Bytes as they come, at any place of a larger buffer.
    const bytes = Buffer.concat([Buffer.from([1]), new Uint8Array(tone(-22, 5).buffer)]).subarray(1);
    for (let at = 0; at < bytes.length; at += 38_400) hear(bytes.subarray(at, at + 38_400));
    expect(gains.length).toBeGreaterThan(5);
    expect(gains.at(-1)).toBeCloseTo(6, 0);
    expect(Math.abs(gains.at(-1)! - 6)).toBeLessThan(0.3);
  });

  it('is written with its unit', () => {
    const field = Loudness({ doc: 'x' });
    expect(field.parse('-16LUFS')).toEqual({ value: -16 });
    expect(field.parse('-23.5 LUFS')).toEqual({ value: -23.5 });
    for (const wrong of ['-16', '-16dB', '16LUFS', 'loud', -16])
      expect(field.parse(wrong)).toHaveProperty('error', expect.stringContaining('"-16LUFS"'));
    expect(field.parse('-60LUFS')).toHaveProperty('error', expect.stringContaining('-40LUFS'));
  });
});
