/** One token for every transport, in the players that people use: with the session in the path and in a cookie, and a link for who has no token. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { launchChromium, openPage } from './chromium.ts';
import { load, openPlayer, playerSite, stateOf, untilPlayed } from './dash-pages.ts';
import { untilPlaying } from './glass-to-glass.ts';

const KEY = 'the-key-of-those-who-may-watch';
const BOSS = 'the-key-of-the-operator-alone';

const pipeline = (carry: 'path' | 'cookie'): string => `version: 1
name: access
sessions: { carry: ${carry} }
observe: { log: warn }
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  rtc: { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
  player: { plugin: web.player }
  auth:
    plugin: auth.static
    keys:
      - { token: ${KEY}, subject: ann, actions: [watch, rewind] }
      - { token: ${BOSS}, subject: boss, actions: [admin] }
    anonymous: { actions: [publish] }
stages:
  demo: { plugin: ingest.test-pattern, camera: demo, width: 320, height: 180, bitrate: 300kbps }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 10m }
  hls: { plugin: publish.hls }
  dash: { plugin: publish.dash }
links:
  - demo.video -> sfu.video, cmaf.video
  - sfu.out -> whep.in
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks, dash.chunks
`;

let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
const eddies: { path?: RunningEddy; cookie?: RunningEddy } = {};

beforeAll(async () => {
  [browser, site, eddies.path, eddies.cookie] = await Promise.all([
    launchChromium(),
    playerSite(),
    startEddy(pipeline('path')),
    startEddy(pipeline('cookie')),
  ]);
  for (const { http } of Object.values(eddies))
    await until('the camera', async () => (await fetch(`${http}/dash/demo/manifest.mpd?token=${KEY}`)).ok, {
      timeout: 30_000,
    });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await Promise.all(Object.values(eddies).map((eddy) => eddy.stop()));
});

const boss = { authorization: `Bearer ${BOSS}`, 'content-type': 'application/json' };

async function sessions({ http }: RunningEddy, query: string) {
  const answer = await fetch(`${http}/api/v1/sessions?${query}`, { headers: boss });
  return ((await answer.json()) as { sessions: { userId: string; protocol: string; mode: string }[] }).sessions;
}

/** Requests of a page that name the token, beside the first. */
const withToken = (urls: readonly string[]): string[] => urls.filter((url) => url.includes(KEY)).slice(1);

describe('a session in the path', () => {
  it.each([
    ['hls.js', '/hls/demo/index.m3u8'],
    ['shaka', '/dash/demo/manifest.mpd'],
    ['dash.js', '/dash/demo/manifest.mpd'],
  ] as const)('%s plays on another site, and shows the token once', async (player, path) => {
    const eddy = eddies.path!;
    const page = await openPlayer(browser, site.url, player);
    const urls: string[] = [];
    page.on('request', (request) => {
      if (request.url().startsWith(eddy.http)) urls.push(request.url());
    });
    await load(page, `${eddy.http}${path}?token=${KEY}`);
    await untilPlayed(page, 3);
    expect((await stateOf(page)).errors).toEqual([]);
    await expect.poll(() => urls.filter((url) => new URL(url).pathname.startsWith('/~')).length).toBeGreaterThan(5);
    // dash.js and Shaka may fetch a manifest again by the address that they were given: the only one that names it.
    expect(withToken(urls).filter((url) => !url.startsWith(`${eddy.http}${path}?`))).toEqual([]);
    await page.close();
  });

  it('the page of the player watches by WebRTC and HLS, and goes back, as one user', async () => {
    const eddy = eddies.path!;
    const { page, errors } = await openPage(browser);
    await page.goto(`${eddy.http}/watch/demo?token=${KEY}`);
    await untilPlaying(page);
    expect((await sessions(eddy, 'user=ann&protocol=whep')).length).toBe(1);
    await page.goto(`${eddy.http}/watch/demo?token=${KEY}&via=hls`);
    await untilPlaying(page);
    await until(
      'its session by HLS',
      async () => (await sessions(eddy, 'user=ann&protocol=hls&mode=live')).length >= 1,
    );
    const moment = new Date(Date.now() - 8000).toISOString();
    await page.goto(`${eddy.http}/watch/demo?token=${KEY}&at=${encodeURIComponent(moment)}`);
    await untilPlaying(page);
    await until('its session in the past', async () => (await sessions(eddy, 'user=ann&mode=seek')).length >= 1);
    expect(errors).toEqual([]);
    await page.close();
  });

  it('a link shows the camera to who has no token, until it is revoked', async () => {
    const eddy = eddies.path!;
    const made = await fetch(`${eddy.http}/api/v1/cameras/demo/links`, {
      method: 'POST',
      headers: boss,
      body: JSON.stringify({ user: 'guest', for: '1h', actions: ['watch', 'rewind'] }),
    });
    const { prefix } = (await made.json()) as { prefix: string };
    for (const via of ['', '?via=hls']) {
      const { page, errors } = await openPage(browser);
      await page.goto(`${eddy.http}${prefix}/watch/demo${via}`);
      await untilPlaying(page);
      expect((await sessions(eddy, 'user=guest')).length).toBeGreaterThan(0);
      expect(errors).toEqual([]);
      await page.close();
    }
    const body = JSON.stringify({ user: 'guest', for: '1h' });
    expect((await fetch(`${eddy.http}/api/v1/revocations`, { method: 'POST', headers: boss, body })).status).toBe(201);
    expect(await sessions(eddy, 'user=guest')).toEqual([]);
    expect((await fetch(`${eddy.http}${prefix}/hls/demo/index.m3u8`)).status).toBe(403);
  });
});

it('a session in a cookie plays on a page of the same site, and no other request needs the token', async () => {
  const eddy = eddies.cookie!;
  const { page, errors } = await openPage(browser);
  const urls: string[] = [];
  page.on('request', (request) => urls.push(request.url()));
  await page.goto(`${eddy.http}/watch/demo?token=${KEY}&via=hls`);
  await untilPlaying(page);
  const media = urls.filter((url) => url.endsWith('.m4s'));
  expect(media.length).toBeGreaterThan(2);
  expect(media.filter((url) => /token|~/.test(url))).toEqual([]);
  expect((await sessions(eddy, 'user=ann&protocol=hls')).length).toBe(1);
  expect(errors).toEqual([]);
  await page.close();
});
