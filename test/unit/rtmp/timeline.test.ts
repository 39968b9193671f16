import { describe, expect, it } from 'vitest';
import { Timeline } from '../../../plugins/ingest/rtmp/timeline.ts';

describe('timeline of a publication', () => {
  it('goes on through the wrap at 2^32 ms, for both kinds', () => {
    const timeline = new Timeline();
    const start = 2 ** 32 - 30;
    expect(timeline.place('video', start, 0)).toEqual({ ms: start, jumpedBy: undefined });
    expect(timeline.place('audio', 5, 20)).toEqual({ ms: start + 35, jumpedBy: undefined });
    expect(timeline.place('video', start + 20, 21).ms).toBe(start + 20);
    expect(timeline.place('video', 10, 40).ms).toBe(start + 40);
  });

  it('lets small steps back alone: the track holds its dts', () => {
    const timeline = new Timeline();
    timeline.place('video', 1000, 0);
    expect(timeline.place('video', 960, 40)).toEqual({ ms: 960, jumpedBy: undefined });
  });

  it('lets a publisher pause: media and clock go ahead together', () => {
    const timeline = new Timeline();
    timeline.place('video', 0, 0);
    expect(timeline.place('video', 60_000, 60_010)).toEqual({ ms: 60_000, jumpedBy: undefined });
  });

  it.each([
    ['back to zero', 0, -50_000],
    ['ahead by hours', 20_000_000, 19_950_000],
  ])('continues a clock that jumped %s by the time that passed, both kinds by the same shift', (_what, to, by) => {
    const timeline = new Timeline();
    timeline.place('video', 50_000, 1000);
    timeline.place('audio', 50_010, 1000);
    expect(timeline.place('video', to, 1040)).toEqual({ ms: 50_040, jumpedBy: by });
    expect(timeline.place('audio', to + 10, 1050)).toEqual({ ms: 50_050, jumpedBy: undefined });
    expect(timeline.place('video', to + 40, 1080)).toEqual({ ms: 50_080, jumpedBy: undefined });
  });

  it('recovers when the other kind still had messages of the old clock', () => {
    const timeline = new Timeline();
    timeline.place('video', 50_000, 1000);
    timeline.place('audio', 50_000, 1000);
    timeline.place('video', 0, 1040);
    const straggler = timeline.place('audio', 50_023, 1041);
    expect(straggler.jumpedBy).toBeDefined();
    const placed = [
      timeline.place('video', 40, 1080),
      timeline.place('audio', 60, 1085),
      timeline.place('video', 80, 1120),
    ];
    for (const { ms } of [straggler, ...placed]) expect(Math.abs(ms - 50_050)).toBeLessThan(200);
    expect(placed.at(-1)!.jumpedBy).toBeUndefined();
  });

  it('places script messages by the media around them: many say 0 whenever they come', () => {
    const timeline = new Timeline();
    expect(timeline.placeScript(0)).toBe(0);
    const start = 2 ** 32 - 100;
    timeline.place('video', start, 0);
    expect(timeline.placeScript(start + 20)).toBe(start + 20);
    expect(timeline.placeScript(0)).toBe(start);
    timeline.place('video', 60, 160);
    expect(timeline.placeScript(50)).toBe(start + 150);
    expect(timeline.place('video', 100, 200)).toEqual({ ms: start + 200, jumpedBy: undefined });
  });
});
