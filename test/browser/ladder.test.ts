/** A ladder in players: hls.js and Shaka go up and down the rungs that transcode.video makes of an RTMP camera. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { checkHls } from '../support/hls-rules.ts';
import { launchChromium } from './chromium.ts';
import { load, openPlayer, playerSite, stateOf, untilPlayed } from './dash-pages.ts';

const SWITCHES = atLevel({ test: 3, proof: 20 });
/** How long the player stays on a rung once it shows it, ms. */
const STAY_MS = atLevel({ test: 500, proof: 1500 });
const HEIGHTS = [90, 180, 360];
const PLAYERS = atLevel<readonly ('hls.js' | 'shaka')[]>({ test: ['hls.js'], proof: ['hls.js', 'shaka'] });

let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
let eddy: RunningEddy;
beforeAll(async () => {
  const shipped = await readFile(join(import.meta.dirname, '../../pipelines/ladder.yaml'), 'utf8');
  const pipeline = shipped
    .replace('127.0.0.1:8080', 'HTTP')
    .replace('127.0.0.1:1935', 'RTMP')
    .replace('width: 1280, height: 720, bitrate: 2Mbps', 'width: 640, height: 360')
    .replace('[720p@2.5Mbps, 480p@1.2Mbps, 240p@350kbps]', '[360p@800kbps, 180p@250kbps, 90p@80kbps]');
  [browser, site, eddy] = await Promise.all([launchChromium(), playerSite(), startEddy(pipeline)]);
  await until('three rungs', async () => (await rungs()) === 3, { timeout: 60_000 });
  // A segment or two behind the live edge in each.
  await new Promise((resolve) => setTimeout(resolve, atLevel({ test: 3000, proof: 6000 })));
}, 120_000);
afterAll(async () => {
  await browser.close();
  await site.close();
  await eddy.stop();
});

const index = (): string => `${eddy.http}/hls/demo/index.m3u8`;
async function rungs(): Promise<number> {
  const answer = await fetch(index());
  return answer.ok ? (await answer.text()).split('#EXT-X-STREAM-INF').length - 1 : 0;
}

/** In the page: to the rung with these lines. */
const CHOOSE = {
  'hls.js': (lines: number): string =>
    `eddyPlayer.loadLevel = eddyPlayer.levels.findIndex(({ height }) => height === ${lines})`,
  shaka: (lines: number): string => `(() => {
    eddyPlayer.configure({ abr: { enabled: false } });
    eddyPlayer.selectVariantTrack(eddyPlayer.getVariantTracks().find(({ height }) => height === ${lines}));
  })()`,
} as const;
/**
 * Where `liveSync` is switched on, Shaka leaves the manifest's ServiceDescription aside for its own half a second, counted from the end of what is there: it
 * begins some 0.4 s ahead of its data, which come every 334 ms, never slows down, and stalls with the first part that is late, rungs or not. As it
 * comes it follows the manifest.
 */
const AS_IT_COMES = `eddyPlayer.configure('streaming.liveSync.enabled', false)`;
const heightOf = (page: Page): Promise<number> => page.evaluate<number>(`document.querySelector('video').videoHeight`);

describe.each(PLAYERS)('%s', (player) => {
  it('goes up and down the ladder without a stall', async () => {
    const page = await openPlayer(browser, site.url, player);
    if (player === 'shaka') await page.evaluate(AS_IT_COMES);
    await load(page, player === 'shaka' ? `${eddy.http}/dash/demo/manifest.mpd` : index());
    await untilPlayed(page, 3);
    const before = await stateOf(page);
    const checked = checkHls(index(), { forMs: SWITCHES * 2500, leastPart: 0, fetchMedia: false });
    const walk = [1, 2, 1, 0, 2, 0];
    let made = 0;
    for (; made < SWITCHES; made++) {
      const lines = HEIGHTS[walk[made % walk.length]!]!;
      await page.evaluate(CHOOSE[player](lines));
      await until(`${lines} lines`, async () => (await heightOf(page)) === lines, { timeout: 20_000 });
      await new Promise((resolve) => setTimeout(resolve, STAY_MS));
    }
    const [after, report] = [await stateOf(page), await checked];
    await page.close();
    expect(after.errors).toEqual([]);
    expect(report.findings).toEqual([]);
    meetBar({
      issue: 5,
      what: `switching rungs in ${player}`,
      bar: '20 switches without a stall',
      measured: `${made} switches over ${(after.time - before.time).toFixed(0)} s, ${after.stalls - before.stalls} stalls`,
      // A player that shares its processor stalls for lack of it.
      pass: made === SWITCHES && (level !== 'proof' || after.stalls === before.stalls),
    });
  }, 180_000);
});
