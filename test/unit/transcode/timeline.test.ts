import { describe, expect, it } from 'vitest';
import type { AccessUnit } from 'eddy/plugin';
import { Timeline, type Placed } from '../../../plugins/transcode/audio/timeline.ts';

const AAC = { timescale: 48_000, inputRate: 48_000, outputRate: 48_000, samplesOf: () => 1024, jumped: () => 'jumped' };
const RTMP = { ...AAC, timescale: 1000 };

const unit = (pts: number): AccessUnit => ({ dts: pts, pts, key: true, data: Uint8Array.of(1), arrivedAt: pts });

/** What an encoder of 20 ms frames makes of a line: the media times of its frames, and what is told before them. */
function encode(timeline: Timeline<string>, placed: readonly Placed[], rate = 48_000) {
  const last = placed.at(-1)!;
  const [start, end] = [placed[0]!.at, last.at + last.duration].map((at) => Math.round((at * 48_000) / rate));
  const frames = [];
  for (let at = start!; at + 960 <= end!; at += 960) frames.push(timeline.moment(at)!);
  return frames;
}

/** True where the line has no hole but `holes` of so many samples. */
function holesOf(placed: readonly Placed[]): number[] {
  return placed.slice(1).flatMap((each, i) => {
    const hole = each.at - placed[i]!.at - placed[i]!.duration;
    return hole === 0 ? [] : [hole];
  });
}

const place = (timeline: Timeline<string>, times: readonly number[]): Placed[] =>
  times.flatMap((pts) => timeline.place(unit(pts)));

describe('time through a transcoder', () => {
  it('is exact for an hour of exact timestamps', () => {
    const timeline = new Timeline<string>(AAC);
    const count = (3600 * 48_000) / 1024;
    let made = 0;
    let wrong = 0;
    let at: number | undefined;
    for (let i = 0; i < count; i++) {
      const [placed] = timeline.place(unit(777 + i * 1024));
      at ??= placed!.at;
      for (const line = placed!.at + 1024; at + 960 <= line; at += 960) {
        if (timeline.moment(at)!.pts !== 777 + 960 * made++) wrong++;
      }
    }
    expect(wrong).toBe(0);
    expect(made).toBe(Math.floor((count * 1024) / 960));
  });

  it.each([
    ['44.1 kHz', 44_100, 0],
    ['48 kHz', 48_000, 0],
    ['48 kHz, 80 ppm fast', 48_000, 80e-6],
    ['48 kHz, 300 ppm slow', 48_000, -300e-6],
  ])('stays within 3 ms of the timestamps over an hour of RTMP milliseconds: %s', (_what, rate, drift) => {
    const timeline = new Timeline<string>({ ...RTMP, inputRate: rate });
    const frame = (1024 / rate) * 1000 * (1 + drift);
    const count = Math.floor(3_600_000 / frame);
    let worst = 0;
    let at: number | undefined;
    let before: number | undefined;
    const steps = new Set<number>();
    for (let i = 0; i < count; i++) {
      const [placed] = timeline.place(unit(5000 + Math.floor(i * frame)));
      const start = Math.round((placed!.at * 48_000) / rate);
      at ??= start;
      for (; at <= start; at += 960) {
        const { pts } = timeline.moment(at)!;
        // What is heard at this place on the line, by the true clock of the source.
        const truth = 5000 + ((at - 480_000) / 48) * (1 + drift);
        worst = Math.max(worst, Math.abs(pts / 48 - truth));
        if (before !== undefined) steps.add(pts - before);
        before = pts;
      }
    }
    expect(worst).toBeLessThan(3);
    expect(Math.min(...steps)).toBeGreaterThanOrEqual(958);
    expect(Math.max(...steps)).toBeLessThanOrEqual(962);
  });

  it('takes an untidy timestamp for what it is', () => {
    const timeline = new Timeline<string>(RTMP);
    const times = Array.from({ length: 50 }, (_, i) => Math.floor(i * 21.333) + (i === 20 ? 19 : 0));
    const placed = place(timeline, times);
    expect(placed).toHaveLength(50);
    expect(holesOf(placed)).toEqual([]);
  });

  it.each([1, 3, 40])('fills a hole of %i lost frames with silence', (lost) => {
    const timeline = new Timeline<string>({
      ...AAC,
      onSilence: (seconds) => expect(seconds).toBeCloseTo((lost * 1024) / 48_000),
    });
    const times = Array.from({ length: 60 }, (_, i) => (i < 10 ? i : i + lost) * 1024);
    const placed = place(timeline, times);
    expect(holesOf(placed)).toEqual([lost * 1024]);
    const frames = encode(timeline, placed);
    expect(frames.map(({ pts }) => pts)).toEqual(frames.map((_, i) => i * 960));
    expect(frames.flatMap(({ events }) => events)).toEqual([]);
  });

  it('leaves a long hole a hole', () => {
    const timeline = new Timeline<string>(AAC);
    const times = Array.from({ length: 30 }, (_, i) => i * 1024 + (i < 15 ? 0 : 480_000));
    const placed = place(timeline, times);
    expect(holesOf(placed)).toEqual([]);
    const frames = encode(timeline, placed);
    expect(
      frames
        .slice(1)
        .map(({ pts }, i) => pts - frames[i]!.pts)
        .filter((step) => step !== 960),
    ).toEqual([480_960]);
  });

  it('leaves out what comes twice', () => {
    const timeline = new Timeline<string>(AAC);
    const times = [...Array.from({ length: 20 }, (_, i) => i), ...Array.from({ length: 20 }, (_, i) => i + 12)].map(
      (i) => i * 1024,
    );
    const placed = [...place(timeline, times), ...timeline.flush()];
    expect(placed).toHaveLength(32);
    expect(holesOf(placed)).toEqual([]);
  });

  it('says so where time goes far back', () => {
    const timeline = new Timeline<string>(AAC);
    const times = Array.from({ length: 40 }, (_, i) => 4_800_000 + i * 1024 - (i < 20 ? 0 : 2_400_000));
    const placed = place(timeline, times);
    expect(placed).toHaveLength(40);
    const frames = encode(timeline, placed);
    const told = frames.findIndex(({ events }) => events.length > 0);
    expect(frames[told]!.events).toEqual(['jumped']);
    expect(frames[told]!.pts).toBeLessThan(frames[told - 1]!.pts - 2_300_000);
  });

  it('passes on what is told in its place, and follows a break', () => {
    const timeline = new Timeline<string>(AAC);
    const before = place(
      timeline,
      Array.from({ length: 15 }, (_, i) => i * 1024),
    );
    timeline.note('a gap', false);
    timeline.note('a break', true);
    const after = place(
      timeline,
      Array.from({ length: 15 }, (_, i) => 10_000_000 + i * 1024),
    );
    const frames = encode(timeline, [...before, ...after]);
    const told = frames.findIndex(({ events }) => events.length > 0);
    // The first frame of 960 that begins at or after the fifteenth of 1024.
    expect(told).toBe(16);
    expect(frames[told]!.events).toEqual(['a gap', 'a break']);
    expect(frames[told]!.pts).toBe(10_000_000);
    expect(timeline.rest()).toEqual([]);
    timeline.note('the last word', false);
    expect(timeline.rest()).toEqual(['the last word']);
  });

  it('knows when each moment came in', () => {
    const timeline = new Timeline<string>(AAC);
    const frames = encode(timeline, place(timeline, [0, 1024, 2048, 3072]));
    expect(frames.map(({ arrivedAt }) => arrivedAt)).toEqual([0, 0, 1024, 2048]);
  });
});
