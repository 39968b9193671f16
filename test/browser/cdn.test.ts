/**
 * A static file server over what publish.cdn pushes: hls.js and dash.js play it live while it is pushed, go on by themselves after an
 * outage of the store, and play the recording that is left.
 */
import { readdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { type RunningEddy, startEddy, until } from '../support/eddy.ts';
import { fileServer } from '../support/file-server.ts';
import { launchChromium } from './chromium.ts';
import { load, openPlayer, playerSite, stateOf, untilPlayed } from './dash-pages.ts';

/** How long the store is away, ms: at full length longer than what players have in their buffers. */
const OUTAGE = atLevel({ test: 3000, proof: 60_000 });
const PLAYERS = [
  { player: 'hls.js', live: 'index.m3u8', recording: /^\d+\.m3u8$/ },
  { player: 'dash.js', live: 'manifest.mpd', recording: /^\d+\.mpd$/ },
] as const;
const PIPELINE = `
version: 1
name: cdn
cameras: { linger: 1s }
plugins: ["${join(import.meta.dirname, '../support/plugins/faulty.ts')}"]
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  bucket: { plugin: test.faulty-store, dir: ./bucket }
stages:
  demo: { plugin: ingest.test-pattern, camera: demo, width: 320, height: 180, bitrate: 300kbps }
  cmaf: { plugin: package.cmaf, segment: 1s, part: 250ms }
  hls: { plugin: publish.hls, window: 3m }
  dash: { plugin: publish.dash, window: 3m }
  cdn: { plugin: publish.cdn, prefix: live }
links:
  - demo.video -> cmaf.video
  - demo.audio -> cmaf.audio
  - cmaf.chunks -> hls.chunks, dash.chunks
  - hls.objects -> cdn.objects
  - dash.objects -> cdn.objects
`;

let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
let eddy: RunningEddy;
let files: Awaited<ReturnType<typeof fileServer>>;

beforeAll(async () => {
  [browser, site, eddy] = await Promise.all([launchChromium(), playerSite(), startEddy(PIPELINE)]);
  files = await fileServer(join(eddy.folder, 'bucket/live'));
  for (const { live } of PLAYERS)
    await until(`demo/${live}`, async () => (await fetch(`${files.url}/demo/${live}`)).ok);
  files.served.length = 0;
});
afterAll(async () => {
  await browser.close();
  await site.close();
  await files.close();
  await eddy.stop();
});

/** At once: a half-written file would be no fault. */
async function storeIs(fault?: 'STORE_UNREACHABLE'): Promise<void> {
  await writeFile(join(eddy.folder, 'faults.tmp'), JSON.stringify(fault ? { store: fault } : {}));
  await rename(join(eddy.folder, 'faults.tmp'), join(eddy.folder, 'faults.json'));
}

const played = async (page: Page): Promise<number> =>
  page.evaluate(`[...Array(document.querySelector('video').played.length).keys()].reduce((sum, i) =>
    sum + document.querySelector('video').played.end(i) - document.querySelector('video').played.start(i), 0)`);

it(
  'plays in hls.js and dash.js while it is pushed, and goes on after an outage of the store',
  { timeout: 300_000 },
  async () => {
    const pages: { page: Page; player: string }[] = [];
    for (const { player, live } of PLAYERS) {
      const page = await openPlayer(browser, site.url, player);
      await load(page, `${files.url}/demo/${live}`);
      pages.push({ page, player });
    }
    for (const { page } of pages) await untilPlayed(page, 2, 40_000);

    await storeIs('STORE_UNREACHABLE');
    await new Promise((resolve) => setTimeout(resolve, OUTAGE));
    const before = await Promise.all(pages.map(({ page }) => played(page)));
    await storeIs();
    // More than any player can have had in its buffer: what was pushed after the outage.
    const more = atLevel({ test: 8, proof: 30 });
    for (const [index, { page }] of pages.entries()) await untilPlayed(page, before[index]! + more, 90_000);

    const lost = files.served.filter(({ status }) => status !== 200).map(({ path }) => path);
    const errors = await Promise.all(pages.map(async ({ page }) => (await stateOf(page)).errors));
    for (const { page } of pages) await page.close();
    if (level === 'proof') {
      const measured = `both play on ${more} s after an outage of ${OUTAGE / 1000} s; ${errors.flat().length} errors, ${lost.length} files missing`;
      const pass = errors.flat().length === 0 && lost.length === 0;
      meetBar({
        what: 'CDN push',
        bar: 'plays in hls.js and dash.js while pushing, through a 60 s outage',
        measured,
        pass,
      });
    }
    expect({ errors: errors.flat(), lost }).toEqual({ errors: [], lost: [] });
  },
);

it('plays the recording after the camera has gone', async () => {
  await eddy.apply(
    PIPELINE.replace('  demo: {', '  other: {').replace('camera: demo', 'camera: other').replaceAll('demo.', 'other.'),
  );
  for (const { player, recording } of PLAYERS) {
    const name = await until(`the recording for ${player}`, async () =>
      (await readdir(join(eddy.folder, 'bucket/live/demo'))).find((each) => recording.test(each)),
    );
    const page = await openPlayer(browser, site.url, player);
    await load(page, `${files.url}/demo/${name}`);
    await untilPlayed(page, 2);
    expect((await stateOf(page)).errors).toEqual([]);
    await page.close();
  }
});
