import { describe, expect, it } from 'vitest';
import { Rungs, type Rung } from '../../../plugins/transcode/video/rung-field.ts';
import { keyIntervalOf, keyStep, planRungs, usualBitrate } from '../../../plugins/transcode/video/rungs.ts';

const field = Rungs({ doc: 'x', default: 'auto' });
function read(raw: unknown): readonly Rung[] | 'auto' {
  const parsed = field.parse(raw);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.value;
}
const source = (width: number, height: number, fps = 30) => ({
  codec: 'h264' as const,
  width,
  height,
  frameRate: { num: fps, den: 1 },
});
type Source = Parameters<typeof planRungs>[1];
const planned = (wished: readonly Rung[] | 'auto', of: Source) => planRungs(wished, of, { codec: 'h264', gop: 2000 });
const sizes = (rungs: ReturnType<typeof planRungs>): string[] =>
  rungs.map(({ name, width, height }) => `${name} ${width}x${height}`);

describe('rungs', () => {
  it('are read in their short and their long form', () => {
    expect(read('auto')).toBe('auto');
    expect(read(['1080p60@6Mbps', '360p', { size: '720p', bitrate: '2.5Mbps', fps: 25 }])).toEqual([
      { name: '1080p60', lines: 1080, fps: 60, bitrate: 6_000_000 },
      { name: '360p', lines: 360, fps: undefined, bitrate: undefined },
      { name: '720p25', lines: 720, fps: 25, bitrate: 2_500_000 },
    ]);
    expect(field.parse(['720', '360p'])).toHaveProperty('error', expect.stringContaining('item 1: "720" is no rung'));
    expect(field.parse(['720p@2.5mbps'])).toHaveProperty('error', expect.stringContaining('"mbps"'));
    expect(field.parse(['720p', '720p@1Mbps'])).toHaveProperty('error', 'item 2: 720p is there twice');
  });

  it('are never larger than the source, keep its shape, and are even', () => {
    const wished = read(['1080p@5Mbps', '720p@2.5Mbps', '360p@700kbps']);
    expect(sizes(planned(wished, source(1920, 1080)))).toEqual(['1080p 1920x1080', '720p 1280x720', '360p 640x360']);
    expect(sizes(planned(wished, source(1280, 720)))).toEqual(['720p 1280x720', '360p 640x360']);
    expect(sizes(planned(wished, source(720, 1280)))).toEqual(['720p 720x1280', '360p 360x640']);
    expect(sizes(planned(wished, source(1000, 562)))).toEqual(['360p 640x360']);
    expect(sizes(planned(wished, source(853, 480)))).toEqual(['360p 640x360']);
    // Someone who cannot take the source shall have something.
    expect(planned(wished, source(320, 180))).toEqual([
      {
        ...{ name: '180p', width: 320, height: 180, fps: undefined, bitrate: 700_000 },
        ...{ every: 1, codec: 'h264', profile: undefined, gops: 1 },
      },
    ]);
  });

  it('have fewer frames a second only where the source has more', () => {
    const wished = read(['720p60', { size: '360p', fps: 15 }]);
    expect(planned(wished, source(1280, 720, 30)).map(({ fps }) => fps)).toEqual([undefined, 15]);
    // Which pictures would be left out of a source that does not tell its rate, nobody knows.
    expect(planned(wished, { codec: 'vp8', width: 1280, height: 720 }).map(({ fps }) => fps)).toEqual([
      undefined,
      undefined,
    ]);
  });

  it('take every second or third picture, and key frames where all of them take one', () => {
    const wished = read(['720p', { size: '360p', fps: 15 }, { size: '180p', fps: 10 }]);
    const ntsc = { ...source(1280, 720), frameRate: { num: 30_000, den: 1001 } };
    expect(planned(wished, ntsc).map(({ every, fps }) => [every, fps])).toEqual([
      [1, undefined],
      [2, 14.985],
      [3, 9.99],
    ]);
    expect(planned(wished, source(1280, 720, 25)).map(({ every }) => every)).toEqual([1, 2, 3]);
    expect(keyStep(planned(wished, ntsc))).toBe(6);
    expect(keyIntervalOf(planned(wished, ntsc), 2000, 29.97)).toBe(60);
    expect(keyIntervalOf(planned(wished, source(1280, 720, 25)), 2000, 25)).toBe(48);
    expect(keyIntervalOf([{ every: 6 }], 250, 5)).toBe(6);
  });

  it('have a codec, a profile and a GOP of their own', () => {
    const wished = read([
      { size: '720p', codec: 'av1', gop: '4s' },
      '720p',
      { size: '360p', codec: 'hevc', profile: 'main10' },
    ]);
    // Of equals the one that the source may be itself comes first.
    expect(
      planned(wished, source(1280, 720)).map(({ name, codec, profile, gops }) => [name, codec, profile, gops]),
    ).toEqual([
      ['720p', 'h264', undefined, 1],
      ['720p-av1', 'av1', undefined, 2],
      ['360p-hevc', 'hevc', 'main10', 1],
    ]);
    expect(field.parse([{ size: '720p', gop: '100ms' }])).toHaveProperty('error', expect.stringContaining('250ms'));
    expect(
      field.parse([
        { size: '720p', codec: 'av1' },
        { size: '720p', codec: 'av1' },
      ]),
    ).toHaveProperty('error', 'item 2: 720p-av1 is there twice');
  });

  it('are found by themselves: the size of the source, and steps below that can be told apart', () => {
    const auto = (width: number, height: number): string[] => sizes(planned('auto', source(width, height)));
    expect(auto(1920, 1080)).toEqual(['1080p 1920x1080', '720p 1280x720', '480p 854x480']);
    expect(auto(640, 360)).toEqual(['360p 640x360', '240p 426x240']);
    expect(auto(1080, 1920)[1]).toBe('720p 720x1280');
    expect(auto(320, 180)).toEqual(['180p 320x180']);
  });

  it('take what their size usually takes', () => {
    expect(usualBitrate(1280, 720)).toBe(2_500_000);
    expect(usualBitrate(640, 360)).toBeGreaterThan(650_000);
    expect(usualBitrate(640, 360)).toBeLessThan(900_000);
    expect(usualBitrate(1920, 1080)).toBeGreaterThan(4_500_000);
    expect(usualBitrate(1920, 1080, 60)).toBeLessThan(2 * usualBitrate(1920, 1080));
  });
});
