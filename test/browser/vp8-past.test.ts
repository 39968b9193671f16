/** A VP8 camera by WHIP, which no packager takes, gets HLS and a past by a ladder. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { launchChromium, openPage } from './chromium.ts';
import { load, openPlayer, playerSite, stateOf, untilPlayed } from './dash-pages.ts';
import { publish, webrtcPage } from './webrtc-pages.ts';

const PIPELINE = `
version: 1
name: vp8-past
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  rtc: { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
stages:
  whip: { plugin: webrtc.whip }
  sfu: { plugin: webrtc.sfu }
  past: { plugin: transcode.video, rungs: auto, preset: ultrafast, gop: 1s }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 1m }
  hls: { plugin: publish.hls }
links:
  - whip.rtp -> sfu.rtp
  - sfu.video -> past.in
  - past.out -> cmaf.video
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`;

let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
let eddy: RunningEddy;
beforeAll(async () => {
  [browser, site, eddy] = await Promise.all([launchChromium(), playerSite(), startEddy(PIPELINE)]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await eddy?.stop();
});

it('plays in hls.js', { timeout: 90_000 }, async () => {
  const { page } = await openPage(browser);
  await webrtcPage(page, eddy.http);
  const options = { width: 640, height: 360, codec: 'VP8', audio: false };
  expect((await publish(page, `${eddy.http}/whip/cam`, options)).status).toBe(201);
  const index = `${eddy.http}/hls/cam/index.m3u8`;
  const playlist = await until('renditions', async () => {
    const answer = await fetch(index);
    const text = answer.ok ? await answer.text() : '';
    return text.includes('#EXT-X-STREAM-INF') && text;
  });
  expect(playlist).toMatch(/CODECS="avc1\./);
  expect(playlist).not.toContain('vp8');
  const player = await openPlayer(browser, site.url, 'hls.js');
  await load(player, index);
  await untilPlayed(player, 2, 30_000);
  expect((await stateOf(player)).errors).toEqual([]);
  await player.close();
  await page.close();
});
