/** Low-latency DASH in dash.js and Shaka: close to the camera, over the publisher's absence, and rewound while it is live. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { checkDash } from '../support/dash-rules.ts';
import { type RunningEddy, startEddy, until } from '../support/eddy.ts';
import { encodeClip, playLive } from '../support/live-source.ts';
import { publishServer } from '../support/publish-server.ts';
import { launchChromium } from './chromium.ts';
import { load, openPlayer, playerSite, stateOf, untilPlayed } from './dash-pages.ts';
import { measureGlassToGlass } from './glass-to-glass.ts';
import { prepare, shownNow, showUrl } from './seek.ts';

const P50 = 2500;
const PLAYERS = ['dash.js', 'shaka'] as const;
const PIPELINE = `
version: 1
name: dash
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  api: { plugin: web.api }
stages:
  demo: { plugin: ingest.test-pattern, camera: demo, width: 320, height: 180, bitrate: 300kbps }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 10m }
  dash: { plugin: publish.dash }
links:
  - demo.video -> cmaf.video
  - demo.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> dash.chunks
`;

let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
let eddy: RunningEddy;

beforeAll(async () => {
  [browser, site, eddy] = await Promise.all([launchChromium(), playerSite(), startEddy(PIPELINE)]);
  await until('the manifest', async () => (await fetch(`${eddy.http}/dash/demo/manifest.mpd`)).ok);
});
afterAll(async () => {
  await browser.close();
  await site.close();
  await eddy.stop();
});

it('every rule of MPDs holds, and every segment is there when it is said to be', async () => {
  const { findings, updates, segments } = await checkDash(`${eddy.http}/dash/demo/manifest.mpd`, {
    forMs: atLevel({ test: 6000, proof: 60_000 }),
  });
  expect(findings).toEqual([]);
  expect(updates).toBeGreaterThan(2);
  expect(segments).toBeGreaterThan(4);
});

describe.each(PLAYERS)('%s', (player) => {
  it('plays live, close to the camera', async () => {
    const page = await openPlayer(browser, site.url, player);
    await load(page, `${eddy.http}/dash/demo/manifest.mpd`);
    await untilPlayed(page, 2);
    // A player that begins a little late takes its time to catch up at 4%.
    await page.waitForTimeout(atLevel({ test: 0, proof: 30_000 }));
    const [seen] = await measureGlassToGlass([page], { seconds: atLevel({ test: 4, proof: 60 }) });
    expect(seen!.read).toBeGreaterThan(20);
    expect((await stateOf(page)).errors).toEqual([]);
    await page.close();
    if (level === 'proof') {
      const { p50, p95, gaps } = seen!;
      const measured = `p50 ${(p50 / 1000).toFixed(2)} s, p95 ${(p95 / 1000).toFixed(2)} s, ${gaps} stalls in 60 s`;
      meetBar({ what: `DASH live in ${player}, glass to glass`, bar: 'p50 <= 2.5 s', measured, pass: p50 <= P50 });
    }
  });

  // Each way by one of the two, unless everything is measured.
  it.runIf(level === 'proof' || player === 'shaka')(
    'plays on from a moment some seconds ago, and goes on as the camera does',
    async () => {
      const page = await openPlayer(browser, site.url, player);
      await prepare(page);
      const start = Date.now() - 8000;
      const shown = await showUrl(page, `${eddy.http}/dash/demo/manifest.mpd?start=${start}`);
      expect(Math.abs(shown.epochMs! - start)).toBeLessThan(2000);
      // Past all that there was when it was asked for.
      const asked = Date.now();
      await until('what came later', async () => ((await shownNow(page)) ?? 0) > asked + 1000, {
        timeout: 30_000,
      }).catch(async (error: unknown) => {
        throw new Error(JSON.stringify(await stateOf(page)), { cause: error });
      });
      expect((await stateOf(page)).errors).toEqual([]);
      await page.close();
    },
  );

  it.runIf(level === 'proof' || player === 'dash.js')('plays on by itself when the publisher comes back', async () => {
    const server = await publishServer();
    const live = playLive(await encodeClip({ seconds: 4 }), server.open('returning'));
    try {
      await new Promise((resolve) => setTimeout(resolve, 4500));
      const page = await openPlayer(browser, site.url, player);
      await load(page, `${server.url}/dash/returning/manifest.mpd`);
      await untilPlayed(page, 2);
      live.leave();
      await page.waitForTimeout(6000);
      live.comeBack();
      const back = Date.now() / 1000;
      await page
        .waitForFunction(`document.querySelector('video').currentTime > ${back + 2}`, undefined, { timeout: 25_000 })
        .catch(async (error: unknown) => {
          throw new Error(JSON.stringify({ back, ...(await stateOf(page)) }), { cause: error });
        });
      expect((await stateOf(page)).errors).toEqual([]);
      await page.close();
    } finally {
      live.stop();
      await server.close();
    }
  });
});
