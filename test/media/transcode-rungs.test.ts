/** Single rungs that come and go, or give fewer bits: those that stay go on, picture by picture. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { VideoCaps } from 'eddy/plugin';
import { RUNG_UNWANTED_MS } from '../../plugins/transcode/video/rung-demand.ts';
import { meetBar } from '../bar.ts';
import { level } from '../level.ts';
import { until } from '../support/eddy.ts';
import { encodeClip, type Clip } from '../support/live-source.ts';
import { decodeVideo } from './support/decode.ts';
import { startPacedLadder, type PacedLadder } from './support/paced-ladder.ts';

const GOP_MS = 1000;
/** What looks ahead holds a second back once more when it begins. */
const HOLDS = { 'low-latency': GOP_MS, quality: 2 * GOP_MS };
const PATIENT = { timeout: 20_000 };

let clip: Clip;
let ladder: PacedLadder | undefined;
beforeAll(async () => {
  clip = await encodeClip({ seconds: 4, gopSeconds: 1 });
});
afterEach(async () => {
  await ladder?.close();
  ladder = undefined;
});

describe.each([
  ['with the source as its top rung', 'low-latency', { rungs: ['360p', '180p@200kbps', '90p@60kbps'] }],
  ['with every rung encoded', 'low-latency', { rungs: ['180p@200kbps', '90p@60kbps'], passthrough: 'never' }],
  ['that looks ahead', 'quality', { rungs: ['180p@200kbps', '90p@60kbps'], passthrough: 'never' }],
] as const)('a ladder %s', (what, mode, config) => {
  it('makes a rung only while somebody wants it, and interrupts no other', { timeout: 60_000 }, async () => {
    const { stage, hosts, track, items, came } = (ladder = await startPacedLadder(clip, {
      ...{ preset: 'ultrafast', gop: '1s', mode },
      ...config,
    }));
    const steps = (id: string, from: number): number[] =>
      items(id)
        .slice(from + 1)
        .map(({ dts }, i) => dts - items(id)[from + i]!.dts);
    const [one, other] = ['video-180p', 'video-90p'] as const;
    await until('both rungs', () => items(one).length > 20 && items(other).length > 20, PATIENT);
    const begun = items(other).length;
    const [first] = hosts();
    track(one)!.track.want(false);
    await stage.advance(RUNG_UNWANTED_MS - 100);
    // One who comes back within the grace time costs nothing.
    track(one)!.track.want(true);
    await stage.advance(RUNG_UNWANTED_MS);
    await sleep(1.5 * GOP_MS);
    expect(hosts()).toEqual([first]);
    track(one)!.track.want(false);
    await stage.advance(RUNG_UNWANTED_MS);
    await until('a host without it', () => hosts().length === 1 && hosts()[0] !== first, PATIENT);
    const [gone, left] = [items(one).length, items(other).length];
    await until('pictures of the other', () => items(other).length > left + 30, PATIENT);
    expect(items(one)).toHaveLength(gone);
    track(one)!.track.want(true);
    await until('the rung', () => items(one).length > gone + 40, PATIENT);
    // Not a picture is missing of the one that stayed, and all of it can be decoded as one stream.
    expect(new Set(steps(other, begun).map(Math.round))).toEqual(new Set([3000]));
    expect(track(other)!.events.filter(({ type }) => type === 'discontinuity')).toEqual([]);
    await decodeVideo(track(other)!.caps as VideoCaps, [...items(other)]);
    // Nor is it interrupted for as long as a GOP, as a new start of its host would.
    const times = came(other).slice(begun);
    const longest = Math.round(Math.max(...times.slice(1).map((at, i) => at - times[i]!)));
    if (level === 'proof') {
      meetBar({
        issue: 5,
        what: `a rung on demand, in a ladder ${what}: it goes and comes, beside one that stays`,
        bar: `no picture of that is lost, and none is waited for longer than ${HOLDS[mode]} ms`,
        measured: `none lost, the longest wait ${longest} ms`,
        pass: longest <= HOLDS[mode],
      });
    }
    // The one that came back begins with a key frame, at one of the other's.
    const back = items(one)[gone]!;
    expect(back.key).toBe(true);
    expect(items(other).find(({ pts }) => pts === back.pts)?.key).toBe(true);
    // Told at each return.
    expect(track(one)!.events.filter(({ type }) => type === 'discontinuity')).toHaveLength(2);
    expect(stage.reports).toEqual([]);
  });
});

interface Told {
  readonly rungs: readonly { readonly name: string; readonly bitrate: number; readonly planned?: number }[];
}

it('a rung whose readers fall behind gives fewer bits, says so, and has them back', { timeout: 60_000 }, async () => {
  const config = { rungs: ['180p@600kbps'], passthrough: 'never', preset: 'ultrafast', gop: '1s' };
  const { stage, items, tell } = (ladder = await startPacedLadder(clip, config));
  const rung = 'video-180p';
  await until('pictures', () => items(rung).length > 30, PATIENT);
  const bytes = (from: number): number => items(rung).slice(from, from + 30).reduce((sum, { data }) => sum + data.length, 0); // prettier-ignore
  const before = bytes(0);
  stage.out.out.hold();
  await sleep(1500);
  await stage.advance(2000);
  expect((await tell<Told>()).rungs).toMatchObject([{ name: '180p', bitrate: 420_000, planned: 600_000 }]);
  await stage.advance(20_000);
  expect((await tell<Told>()).rungs).toMatchObject([{ bitrate: 180_000, planned: 600_000 }]);
  expect(stage.reports.map(({ code }) => code)).toEqual(['transcode.video/BITRATE_LOWERED']);
  stage.out.out.release();
  const held = items(rung).length;
  await until('pictures of less', () => items(rung).length > held + 90, PATIENT);
  expect(bytes(held + 60)).toBeLessThan(0.6 * before);
  await stage.advance(60_000);
  const [told] = (await tell<Told>()).rungs;
  expect(told).toMatchObject({ bitrate: 600_000 });
  expect(told).not.toHaveProperty('planned');
});
