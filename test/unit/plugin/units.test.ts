import { describe, expect, it } from 'vitest';
import { Bytes, Duration, Group, ListOf, MapOf, OneOf, parseFields, Text } from '../../../core/plugin/index.ts';
import {
  parseBitrate,
  parseBytes,
  parseDuration,
  parseDurationRange,
  parseListen,
  parseRate,
} from '../../../core/plugin/units.ts';
import { mendUnit } from '../../../core/graph/unit-mend.ts';

describe('units', () => {
  it.each([
    [parseDuration, '334ms', 334],
    [parseDuration, '1.5s', 1500],
    [parseDuration, '2 m', 120_000],
    [parseDuration, '1d', 86_400_000],
    [parseBytes, '512MiB', 512 * 1024 ** 2],
    [parseBitrate, '2.5Mbps', 2_500_000],
    [parseDurationRange, '500ms..30s', { min: 500, max: 30_000 }],
    [parseRate, '5 in 2m', { count: 5, within: 120_000 }],
    [parseListen, '127.0.0.1:8080', { host: '127.0.0.1', port: 8080 }],
    [parseListen, '[::1]:0', { host: '::1', port: 0 }],
  ])('%o of %s', (parse, text, value) => expect(parse(text)).toEqual({ value }));

  it.each([
    [parseDuration, '2', 'has no unit'],
    [parseDuration, '2sec', 'has the unit "sec"'],
    [parseDuration, '-2s', 'is not a duration'],
    [parseDuration, '2constructor', 'has the unit "constructor"'],
    [parseBytes, '512MB', 'none of ours'],
    [parseDurationRange, '30s..500ms', 'first end is above its second'],
    [parseDurationRange, '1s', 'is not a range'],
    [parseRate, '5/2m', 'is not a rate'],
    [parseListen, '8080', 'is not an address'],
    [parseListen, 'localhost:70000', 'is not an address'],
  ])('%o refuses %s', (parse, text, said) => expect((parse(text) as { error: string }).error).toContain(said));

  it.each([
    ['5min', 'duration', '5m'],
    ['2 Seconds', 'duration', '2s'],
    ['512MB', 'bytes', '512MiB'],
    ['2.5M', 'bitrate', '2.5Mbps'],
    ['8080', 'listen', '127.0.0.1:8080'],
    ['500ms - 30s', 'duration-range', '500ms..30s'],
    ['2s', 'duration', undefined],
    ['2furlongs', 'duration', undefined],
  ])('%s as a %s was meant as %s', (written, unit, meant) => expect(mendUnit(written, unit)).toBe(meant));
});

describe('fields', () => {
  const fields = {
    window: Duration({ doc: 'x', default: '2m', min: '10s', max: '1h' }),
    rungs: ListOf(Group({ name: Text({ doc: 'x' }), size: Bytes({ doc: 'x', default: '1KiB' }) }, { doc: 'x' }), {
      doc: 'x',
      default: [],
    }),
    limits: MapOf(Duration({ doc: 'x' }), { doc: 'x', optional: true }),
    mode: OneOf(['a', 'b'], { doc: 'x', default: 'a' }),
  };

  it('fill in defaults, also inside lists and maps', () => {
    expect(parseFields(fields, {})).toEqual({ value: { window: 120_000, rungs: [], limits: undefined, mode: 'a' } });
    expect(parseFields(fields, { rungs: [{ name: 'low' }], limits: { door: '1s' } })).toMatchObject({
      value: { rungs: [{ name: 'low', size: 1024 }], limits: { door: 1000 } },
    });
  });

  it('hold durations to their bounds and name the key', () => {
    expect(parseFields(fields, { window: '1s' })).toEqual({
      error: 'window: "1s" is below the least allowed, 10s',
      key: 'window',
    });
    expect(parseFields(fields, { window: '2h' })).toMatchObject({ key: 'window' });
  });

  it('refuse a bound that is none when the manifest is written', () => {
    expect(() => Duration({ doc: 'x', min: '10' })).toThrow(TypeError);
  });
});
