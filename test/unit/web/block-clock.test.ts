import { expect, it } from 'vitest';
import { blockClockBits, blockClockHeight } from '../../../plugins/ingest/shared/block-clock.ts';
import * as own from '../../../plugins/web/publish/client/block-clock.ts';

it('the test card of web.publish and the test pattern show the same clock', () => {
  for (const [epochMs, counter] of [
    [0, 0],
    [1_795_407_720_040, 1],
    [2 ** 42 - 1, 1023],
  ] as const)
    expect(own.blockClockBits(epochMs, counter)).toEqual(blockClockBits(epochMs, counter));
  for (const width of [320, 1280, 1917]) expect(own.blockClockHeight(width)).toBe(blockClockHeight(width));
});
