/**
 * Any moment of the past in hls.js, Shaka and dash.js: two hours of burned-in clock from store and index, recorded with a hole and a
 * restart of the whole process in between, and moments chosen by chance.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { recordClock } from '../support/clock-recording.ts';
import { type RunningEddy, startEddy, until } from '../support/eddy.ts';
import { launchChromium } from './chromium.ts';
import { openPlayer, type PlayerName, playerSite, stateOf } from './dash-pages.ts';
import { prepare, setForHoles, showMoment, shownNow, showUrl, type Shown } from './seek.ts';

const GOP = 2000;
const SECONDS = atLevel({ test: 120, proof: 7200 });
const MOMENTS = atLevel({ test: 4, proof: 20 });
/**
 * A viewer looks at what he sought, ms. Shaka 5 looks for holes to jump four times a second; of two seeks between two looks it takes the second
 * for a hole before what was buffered for the first, and undoes it.
 */
const LOOK = 300;
/** The publisher is away, and later the publishers' process restarts; seconds of the recording. */
const HOLE = { from: SECONDS * 0.3, to: SECONDS * 0.3 + 25 };
const RESTART = { from: SECONDS * 0.6, to: SECONDS * 0.6 + 7 };
const FIRST_FRAME_P95 = 800;

const replaySource = join(import.meta.dirname, '../support/replay-source/plugin.ts');
const pipeline = (stretches: string): string => `
version: 1
name: seek
plugins: ['${replaySource}']
services:
  http: { plugin: http.server, listen: HTTP }
  api: { plugin: web.api }
  store: { plugin: store.filesystem, dir: ./media }
stages:
  replay: { plugin: test.replay, file: ${folder}/clock.flv, start-at: '${startAt}', stretches: ${stretches} }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 1m, dir: ./log, durability: { rpo: 1m } }
  index: { plugin: index.sqlite, file: ./index.db }
  hls: { plugin: publish.hls }
  dash: { plugin: publish.dash }
links:
  - replay.video -> cmaf.video: { full: block }
  - replay.audio -> cmaf.audio: { full: block }
  - cmaf.chunks -> dvr.chunks: { full: block }
  - dvr.live -> hls.chunks, dash.chunks
`;

const startAt = Math.floor(Date.now() / 1000 - SECONDS - 300) * 1000;
let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
let eddy: RunningEddy;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-seek-'));
  const recording = recordClock({ startAt, seconds: SECONDS, gopSeconds: GOP / 1000 });
  [browser, site] = await Promise.all([launchChromium(), playerSite()]);
  await writeFile(join(folder, 'clock.flv'), await recording);
  eddy = await startEddy(pipeline(`0..${HOLE.from} ${HOLE.to}..${RESTART.from}`), { folder });
  await untilStored(RESTART.from);
  await eddy.stop();
  eddy = await startEddy(pipeline(`${RESTART.to}..${SECONDS}`), { folder });
  await untilStored(SECONDS);
}, 900_000);
afterAll(async () => {
  await browser.close();
  await site.close();
  await eddy.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Waits until a second of the recording can be played. */
async function untilStored(second: number): Promise<void> {
  const from = startAt + (second - 3) * 1000;
  const url = (): string => `/api/v1/cameras/cam/segments?start=${from}&end=${from + 2500}`;
  await until(
    `second ${second} to be stored`,
    async () => (await fetch(eddy.http + url()).then((answer) => answer.text())).includes('video/'),
    { timeout: 600_000, every: 500 },
  );
}

/** Moments at which something was recorded, by chance but the same each time (mulberry32). */
function someMoments(count: number, seed: number): number[] {
  const random = (): number => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  const moments: number[] = [];
  while (moments.length < count) {
    const second = random() * (SECONDS - 10);
    const away = [HOLE, RESTART].some(({ from, to }) => second > from - 5 && second < to + 0.1);
    if (!away) moments.push(Math.round(startAt + second * 1000));
  }
  return moments;
}

const manifest = (player: PlayerName): string =>
  player === 'hls.js' ? `${eddy.http}/hls/cam/index.m3u8` : `${eddy.http}/dash/cam/manifest.mpd`;
const p95 = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.ceil(values.length * 0.95) - 1]!;

describe.each(['hls.js', 'dash.js', 'shaka'] as const)('%s', (player) => {
  it('shows any moment, asked for by URL or found in what is loaded', async () => {
    const page = await openPlayer(browser, site.url, player);
    await prepare(page);
    await setForHoles(page);
    const end = startAt + SECONDS * 1000;
    const whole = `${manifest(player)}?start=${startAt}&end=${end}`;
    const wrong: string[] = [];
    const note = (how: string, moment: number, { ms, epochMs }: Shown): number => {
      const off = (epochMs ?? NaN) - moment;
      // The segment that holds the moment begins at most a GOP before.
      if (!(Math.abs(off) <= GOP)) wrong.push(`${how} ${new Date(moment).toISOString()}: ${off} ms off`);
      return ms;
    };
    const times: number[] = [];
    const moments = someMoments(MOMENTS, 4);
    await showUrl(page, whole);
    for (const [index, moment] of moments.entries()) {
      if (index < moments.length / 2) continue;
      times.push(note('seek to', moment, await showMoment(page, player, moment, startAt)));
      await page.waitForTimeout(LOOK);
    }
    for (const moment of moments.slice(0, moments.length / 2)) {
      times.push(note('load of', moment, await showUrl(page, `${manifest(player)}?start=${moment}&duration=10m`)));
    }
    expect(wrong).toEqual([]);
    expect((await stateOf(page)).errors).toEqual([]);
    await page.close();
    if (level === 'proof') {
      meetBar({
        what: `seek in ${player} to ${MOMENTS} random moments over ${SECONDS / 3600} h, with a gap and a restart`,
        bar: `the right moment within one GOP, first frame p95 <= ${FIRST_FRAME_P95} ms`,
        measured: `all right, p95 ${Math.round(p95(times))} ms`,
        pass: p95(times) <= FIRST_FRAME_P95,
      });
    }
  });

  it.each([
    ['the hole that a publisher left', HOLE],
    ['a restart', RESTART],
  ])('plays on over %s', async (_what, hole) => {
    const page = await openPlayer(browser, site.url, player);
    await prepare(page);
    await setForHoles(page);
    const start = startAt + (hole.from - 2) * 1000;
    await showUrl(page, `${manifest(player)}?start=${start}&duration=90s`);
    const after = startAt + hole.to * 1000;
    let shown = 0;
    const isAfter = async (): Promise<boolean> => (shown = (await shownNow(page)) ?? 0) >= after;
    await until('the media after the hole', isAfter, { timeout: 30_000 }).catch(async (error: unknown) => {
      throw new Error(JSON.stringify({ ...(await stateOf(page)), shown, after }), {
        cause: error,
      });
    });
    expect(shown).toBeLessThan(after + 5000);
    expect((await stateOf(page)).errors).toEqual([]);
    await page.close();
  });
});
