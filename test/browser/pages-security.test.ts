/** What keeps our pages strict, in Chromium: their policy holds and is not in their own way, and a key in their address goes nowhere. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { until } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { siteOver } from './site.ts';

const KEY = 'key-in-the-address-of-a-page';
const site = siteOver(`version: 1
name: strict
services:
  http: { plugin: http.server, listen: HTTP }
  rtc: { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
  player: { plugin: web.player }
  publish: { plugin: web.publish }
  auth: { plugin: auth.static, keys: [{ token: ${KEY}, subject: all, actions: [publish, watch, rewind, export, admin] }] }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  whip: { plugin: webrtc.whip }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 1m }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> sfu.video
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - rtmp.video | sfu.video -> cmaf.video
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`);

let camera: FfmpegRun;
/** Another site: what is asked of it, and with which Referer. */
let elsewhere: Server;
const asked: Pick<IncomingMessage, 'url' | 'headers'>[] = [];
const elsewhereUrl = (path: string): string =>
  `http://127.0.0.1:${(elsewhere.address() as { port: number }).port}${path}`;

beforeAll(async () => {
  elsewhere = createServer((request, response) => {
    asked.push(request);
    response.setHeader('content-type', 'text/html');
    response.end(`<a href="/from-elsewhere">on</a>`);
  });
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  const encode = '-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -bf 0 -g 25';
  camera = startFfmpeg(`-re -f lavfi -i testsrc2=s=320x180:r=25 ${encode} -f flv ${site.eddy.rtmp}/cam1?token=${KEY}`);
});
afterAll(async () => {
  await camera?.stop();
  elsewhere?.close();
});

/** A page with its violations of the policy, its errors, and the Referer of every request that it makes. */
async function watched() {
  const { page, errors } = await site.newPage();
  await page.addInitScript(
    `window.violations = []; addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective + ' ' + event.blockedURI));`,
  );
  const referers: (string | undefined)[] = [];
  page.on(
    'request',
    (request) =>
      void request.allHeaders().then(
        ({ referer }) => referers.push(referer || undefined),
        () => {},
      ),
  );
  return { page, errors, referers, violations: () => page.evaluate<string[]>('window.violations') };
}
const address = (path: string): string => `${site.eddy.http}${path}${path.includes('?') ? '&' : '?'}token=${KEY}`;

/** Follows a link to the other site, as a click does. */
async function leave(page: Page, path: string): Promise<void> {
  await page.evaluate(`(() => {
    const link = document.createElement('a');
    link.href = '${elsewhereUrl(path)}';
    document.body.append(link);
    link.click();
  })()`);
  await page.waitForURL(elsewhereUrl(path));
}
const refererOf = (path: string): string | undefined => asked.find(({ url }) => url === path)?.headers.referer;

it.each<[string, string, (page: Page) => Promise<unknown>]>([
  ['the list of cameras', '/', (page) => page.getByRole('link', { name: /cam1/ }).waitFor()],
  ['the player by WebRTC', '/watch/cam1', (page) => untilPlaying(page)],
  ['the player by LL-HLS', '/watch/cam1?via=hls', (page) => untilPlaying(page)],
  ['the page that asks for a name', '/publish', (page) => page.locator('#name').waitFor()],
  [
    'the page that publishes',
    '/publish/card?start=card&card=360&layers=1',
    (page) => until('it to be sent', async () => (await page.evaluate('window.eddy.stats().state')) === 'live'),
  ],
])('%s works under its policy, and tells nobody its address', async (_, path, ready) => {
  await until('the camera', async () => {
    const answer = await fetch(address('/api/v1/cameras/cam1'));
    return answer.ok && ((await answer.json()) as { state: string }).state === 'live';
  });
  const { page, errors, referers, violations } = await watched();
  await page.goto(address(path));
  await ready(page);
  expect(await violations()).toEqual([]);
  expect(errors).toEqual([]);
  expect(referers.length).toBeGreaterThan(2);
  expect(referers.filter((referer) => referer !== undefined)).toEqual([]);
  const out = `/left-${encodeURIComponent(path)}`;
  await leave(page, out);
  expect(asked.some(({ url }) => url === out)).toBe(true);
  expect(refererOf(out)).toBeUndefined();
  // The other site has no such rule, and its address does arrive: this test sees what it looks for.
  await page.getByText('on').click();
  await page.waitForURL(elsewhereUrl('/from-elsewhere'));
  expect(refererOf('/from-elsewhere')).toContain('127.0.0.1');
});

it('a script, a style or a picture that got into a page does nothing', async () => {
  const { page, violations } = await watched();
  await page.goto(address('/watch/cam1'));
  await page.evaluate(`(() => {
    const add = (name, change) => document.body.append(Object.assign(document.createElement(name), change));
    add('script', { textContent: 'window.injected = true' });
    add('script', { src: '${elsewhereUrl('/script.js')}' });
    add('img', { src: '${elsewhereUrl('/picture.png')}' });
    add('iframe', { src: '${elsewhereUrl('/frame')}' });
    document.body.insertAdjacentHTML('beforeend', '<p style="color: red" onclick="window.injected = true">x</p>');
    document.body.lastElementChild.click();
    fetch('${elsewhereUrl('/fetch')}').catch(() => {});
  })()`);
  const blocked = ['script-src-elem', 'img-src', 'frame-src', 'style-src-attr', 'script-src-attr', 'connect-src'];
  for (const directive of blocked) {
    await expect
      .poll(async () => (await violations()).some((text) => text.startsWith(directive)), { message: directive })
      .toBe(true);
  }
  expect(await page.evaluate('window.injected')).toBeUndefined();
  expect(asked.filter(({ url }) => /script|picture|frame|fetch/.test(url ?? ''))).toEqual([]);
});

it('no other site shows them in a frame', async () => {
  const { page } = await site.newPage();
  await page.goto(elsewhereUrl('/framing'));
  const refused = page.waitForEvent('console', { predicate: (message) => /frame-ancestors/.test(message.text()) });
  await page.evaluate(
    `document.body.append(Object.assign(document.createElement('iframe'), { src: '${address('/watch/cam1')}' }))`,
  );
  await refused;
});
