/** What becomes of renditions when a publisher changes its picture. */
import { expect, it } from 'vitest';
import type { VideoCaps } from 'eddy/plugin';
import { LadderPlan } from '../../../plugins/transcode/video/plan.ts';
import type { Rung } from '../../../plugins/transcode/video/rung-field.ts';

const source = (width: number, height: number): VideoCaps => ({
  ...{ kind: 'video', codec: 'h264', timescale: 90_000, width, height, config: new Uint8Array(), codecString: '' },
  frameRate: { num: 30, den: 1 },
});
const rung = (lines: number, bitrate?: number): Rung => ({ name: `${lines}p`, lines, fps: undefined, bitrate });
const LIST = [rung(720, 2_500_000), rung(360, 700_000), rung(180, 200_000)];
const defaults = { codec: 'h264', gop: 1000 } as const;

/** The ladders of sources that follow each other: `track name WxH`. */
function ladders(wished: readonly Rung[] | 'auto', ...sizes: readonly (readonly [number, number])[]): string[][] {
  let before: LadderPlan | undefined;
  return sizes.map(([width, height]) => {
    const plan = new LadderPlan(wished, source(width, height), defaults, before?.kept);
    before = plan;
    return plan.rungs.map(
      (each) => `${plan.trackOf(each, `v-${each.name}`)} ${each.name} ${each.width}x${each.height}`,
    );
  });
}

it('written rungs keep their names, at most as large as the source', () => {
  expect(ladders(LIST, [1280, 720], [960, 540], [320, 180], [1280, 720])).toEqual([
    ['v-720p 720p 1280x720', 'v-360p 360p 640x360', 'v-180p 180p 320x180'],
    ['v-720p 720p 960x540', 'v-360p 360p 640x360', 'v-180p 180p 320x180'],
    ['v-180p 180p 320x180', 'v-720p 720p 320x180', 'v-360p 360p 320x180'],
    ['v-720p 720p 1280x720', 'v-360p 360p 640x360', 'v-180p 180p 320x180'],
  ]);
});

it('a camera that begins small gets the larger ones when it is; one that has none of the list keeps its own', () => {
  expect(ladders(LIST, [640, 360], [1280, 720])[1]).toEqual(ladders(LIST, [1280, 720])[0]);
  expect(ladders([rung(360)], [320, 180], [640, 360])).toEqual([
    ['v-180p 180p 320x180'],
    ['v-360p 360p 640x360', 'v-180p 180p 320x180'],
  ]);
});

it('rungs of Eddy’s own go on by their rank', () => {
  expect(ladders('auto', [320, 180], [480, 270], [1280, 720], [640, 360])).toEqual([
    ['v-180p 180p 320x180'],
    ['v-180p 270p 480x270'],
    ['v-180p 720p 1280x720', 'v-480p 480p 854x480', 'v-360p 360p 640x360'],
    ['v-180p 360p 640x360', 'v-480p 240p 426x240', 'v-360p 240p-2 426x240'],
  ]);
});

it('what is made smaller than it was written gets no more bits than that takes', () => {
  const first = new LadderPlan(LIST, source(1280, 720), defaults);
  for (const each of first.rungs) first.trackOf(each, each.name);
  const second = new LadderPlan(LIST, source(640, 360), defaults, first.kept);
  expect(second.rungs.map(({ name, bitrate }) => [name, bitrate])).toEqual([
    ['360p', 700_000],
    ['720p', 820_000],
    ['180p', 200_000],
  ]);
});
