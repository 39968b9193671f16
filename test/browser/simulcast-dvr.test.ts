/** Three simulcast layers of Chromium as an LL-HLS ladder without transcoding: a player on hls.js goes up and down it. */
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { checkHls } from '../support/hls-rules.ts';
import { launchChromium, openPage } from './chromium.ts';
import { publish, webrtcPage } from './webrtc-pages.ts';

const SWITCHES = atLevel({ test: 4, proof: 20 });
/** How long the player stays on a layer once it shows it, ms. */
const STAY_MS = 1500;
const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 300_000 },
  { rid: 'f', maxBitrate: 700_000 },
];
const HEIGHTS = [136, 272, 544];

const PIPELINE = `version: 1
name: simulcast-dvr
services:
  http: { plugin: http.server, listen: HTTP }
  rtc: { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
stages:
  whip: { plugin: webrtc.whip }
  sfu: { plugin: webrtc.sfu }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 2m, memory: 64MiB }
  hls: { plugin: publish.hls }
links:
  - whip.rtp -> sfu.rtp
  - sfu.video -> cmaf.video
  - sfu.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`;

interface Played {
  readonly stalls: number;
  readonly errors: readonly string[];
  readonly shown: readonly number[];
  readonly height: number;
  readonly time: number;
}

let browser: Browser;
let eddy: RunningEddy | undefined;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(async () => {
  await browser?.close();
  await eddy?.stop();
});

/** Runs in the page: a player that notes what happens to it. */
const player = (url: string): string => `(() => {
  const video = Object.assign(document.createElement('video'), { muted: true, autoplay: true, width: 480 });
  document.body.append(video);
  const hls = new Hls({ startLevel: 0 });
  const seen = (window.seen = { hls, video, began: false, stalls: 0, errors: [], shown: [] });
  hls.on(Hls.Events.ERROR, (event, { details, error, fatal }) => {
    seen.errors.push((fatal ? 'fatal ' : '') + details + ': ' + error?.message);
  });
  hls.on(Hls.Events.MANIFEST_PARSED, () => (hls.loadLevel = 0));
  video.addEventListener('playing', () => (seen.began = true));
  video.addEventListener('waiting', () => (seen.stalls += seen.began ? 1 : 0));
  video.addEventListener('resize', () => seen.shown.push(video.videoHeight));
  hls.loadSource(${JSON.stringify(url)});
  hls.attachMedia(video);
})()`;
const READ = `(({ video, stalls, errors, shown }) => ({
  stalls, errors, shown, height: video.videoHeight, time: video.currentTime,
}))(window.seen)`;

async function openPlayer(url: string): Promise<Page> {
  const { page } = await openPage(browser, { width: 640, height: 400 });
  const origin = new URL(url).origin;
  await page.route(`${origin}/player`, (route) =>
    route.fulfill({ contentType: 'text/html', body: '<!doctype html><body></body>' }),
  );
  await page.goto(`${origin}/player`);
  await page.evaluate(await readFile(new URL('../../node_modules/hls.js/dist/hls.min.js', import.meta.url), 'utf8'));
  await page.evaluate(player(url));
  return page;
}

it('hls.js goes up and down the ladder that the layers make, without a stall', async () => {
  const running = (eddy = await startEddy(PIPELINE));
  const publisher = await openPage(browser);
  await webrtcPage(publisher.page, running.http);
  const options = { width: 960, height: 544, fps: 15, codec: 'H264', simulcast: SIMULCAST };
  const started = await publish(publisher.page, `${running.http}/whip/cam`, options);
  expect(started.status, started.body).toBe(201);
  const index = `${running.http}/hls/cam/index.m3u8`;
  const ladder = async (): Promise<string> => ((await fetch(index)).ok ? (await fetch(index)).text() : '');
  await until('three renditions', async () => (await ladder()).split('#EXT-X-STREAM-INF').length === 4, {
    timeout: 30_000,
  });
  // Their sound too, and a segment or two behind the live edge in each.
  await until('sound', async () => (await ladder()).includes('TYPE=AUDIO'), { timeout: 30_000 });
  await new Promise((resolve) => setTimeout(resolve, 4000));

  const page = await openPlayer(index);
  const read = (): Promise<Played> => page.evaluate<Played>(READ);
  await until('the player to play', () => page.evaluate<boolean>('window.seen.began'), { timeout: 30_000 });
  await new Promise((resolve) => setTimeout(resolve, 2000));
  const before = await read();
  // A checker that starves asks for parts that have gone; what playlists say counts always.
  const checked = checkHls(index, {
    forMs: SWITCHES * 2500,
    leastPart: 0,
    fetchMedia: level === 'proof',
    mayLoseFrames: true,
  });
  let made = 0;
  const walk = [1, 2, 1, 0, 2, 0];
  for (; made < SWITCHES; made++) {
    const layer = walk[made % walk.length]!;
    await page.evaluate(`window.seen.hls.loadLevel = ${layer}`);
    await until(`layer ${layer}`, async () => (await read()).height === HEIGHTS[layer], { timeout: 20_000 });
    await new Promise((resolve) => setTimeout(resolve, STAY_MS));
  }
  const [after, report] = [await read(), await checked];
  await page.close();
  await publisher.page.close();
  expect(after.errors.filter((error) => error.startsWith('fatal'))).toEqual([]);
  expect(report.findings).toEqual([]);
  meetBar({
    what: 'DVR of simulcast: a player on hls.js changes layers',
    bar: '20 switches without a stall',
    measured: `${made} switches over ${(after.time - before.time).toFixed(0)} s, ${after.stalls - before.stalls} stalls, ${report.findings.length} findings in ${report.updates} playlists`,
    // A player that shares its processor stalls for lack of it.
    pass: made === SWITCHES && (level !== 'proof' || after.stalls === before.stalls),
  });
}, 240_000);
