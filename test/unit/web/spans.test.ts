import { describe, expect, it } from 'vitest';
import { causeName, mergeSpans, playableAt, spanAt, type Span } from '../../../plugins/web/player/client/spans.ts';

const media = (start: number, end: number): Span => ({ kind: 'media', start, end });
const gap = (start: number, end: number, cause = 'crash'): Span => ({ kind: 'gap', start, end, cause });

describe('spans', () => {
  it('take what is told later for what was known of the same time', () => {
    const known = [media(0, 100), gap(100, 150), media(150, 300)];
    expect(mergeSpans(known, [media(150, 340)], 200)).toEqual([media(0, 100), gap(100, 150), media(150, 340)]);
    expect(mergeSpans(known, [media(200, 300), gap(300, 400, 'publisher-lost')], 200)).toEqual([
      ...known,
      gap(300, 400, 'publisher-lost'),
    ]);
    expect(mergeSpans(known, [], 120)).toEqual([media(0, 100), gap(100, 120)]);
    // The same hole goes on; another cause is another hole.
    expect(mergeSpans([gap(0, 50)], [gap(40, 90)], 40)).toEqual([gap(0, 90)]);
    expect(mergeSpans([gap(0, 50)], [gap(40, 90, 'restart')], 40)).toEqual([gap(0, 40), gap(40, 90, 'restart')]);
    expect(mergeSpans([], [media(0, 5)], 10)).toEqual([]);
    // The end alone does not know what was before it.
    expect(mergeSpans([media(0, 100)], [media(5000, 5100)], 4000)).toEqual([
      media(0, 100),
      { kind: 'gap', start: 100, end: 5000 },
      media(5000, 5100),
    ]);
  });

  it('tell what plays where a moment is asked for', () => {
    const spans = [media(1000, 20_000), gap(20_000, 30_000), media(30_000, 90_000), gap(90_000, 95_000)];
    expect(playableAt(spans, 5000)).toBe(5000);
    expect(playableAt(spans, 0)).toBe(1000);
    expect(playableAt(spans, 20_000)).toBe(30_000);
    expect(playableAt(spans, 25_000)).toBe(30_000);
    // After the last media: its last seconds, and no more than there are.
    expect(playableAt(spans, 93_000)).toBe(80_000);
    expect(playableAt([media(0, 4000)], 99_000)).toBe(0);
    expect(playableAt([gap(0, 10)], 5)).toBeUndefined();
    expect(spanAt(spans, 30_000)).toBe(spans[2]);
    expect(spanAt(spans, 999)).toBeUndefined();
  });

  it('say in words why there is a hole, also those that nobody has words for', () => {
    expect(causeName('publisher-lost')).toBe('the camera was away');
    expect(causeName('moonlight')).toBe('moonlight');
    expect(causeName()).toBe('nobody knows why');
  });
});
