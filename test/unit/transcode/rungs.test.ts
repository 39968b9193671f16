import { describe, expect, it } from 'vitest';
import { planRungs, Rungs, usualBitrate, type Rung } from '../../../plugins/transcode/video/rungs.ts';

const field = Rungs({ doc: 'x', default: 'auto' });
function read(raw: unknown): readonly Rung[] | 'auto' {
  const parsed = field.parse(raw);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed.value;
}
const source = (width: number, height: number, fps = 30) => ({ width, height, frameRate: { num: fps, den: 1 } });
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
    expect(sizes(planRungs(wished, source(1920, 1080)))).toEqual(['1080p 1920x1080', '720p 1280x720', '360p 640x360']);
    expect(sizes(planRungs(wished, source(1280, 720)))).toEqual(['720p 1280x720', '360p 640x360']);
    expect(sizes(planRungs(wished, source(720, 1280)))).toEqual(['720p 720x1280', '360p 360x640']);
    expect(sizes(planRungs(wished, source(1000, 562)))).toEqual(['360p 640x360']);
    expect(sizes(planRungs(wished, source(853, 480)))).toEqual(['360p 640x360']);
    // Someone who cannot take the source shall have something.
    expect(planRungs(wished, source(320, 180))).toEqual([
      { name: '180p', width: 320, height: 180, fps: undefined, bitrate: 700_000 },
    ]);
  });

  it('have fewer frames a second only where the source has more', () => {
    const wished = read(['720p60', { size: '360p', fps: 15 }]);
    expect(planRungs(wished, source(1280, 720, 30)).map(({ fps }) => fps)).toEqual([undefined, 15]);
    expect(planRungs(wished, { width: 1280, height: 720 }).map(({ fps }) => fps)).toEqual([60, 15]);
  });

  it('are found by themselves: the size of the source, and steps below that can be told apart', () => {
    const auto = (width: number, height: number): string[] => sizes(planRungs('auto', source(width, height)));
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
