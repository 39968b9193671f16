/** The publish page in Chromium over a whole pipeline with access control and HLS: its key, its sources, their sizes. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { startEddy, until } from '../support/eddy.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { siteOver } from './site.ts';

const KEY = 'key-of-the-publisher';
const PIPELINE = `version: 1
name: publish
cameras: { second-publisher: take-over, linger: 30s }
services:
  http: { plugin: http.server, listen: HTTP }
  rtc: { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
  player: { plugin: web.player }
  publish: { plugin: web.publish }
  auth:
    plugin: auth.static
    keys: [{ token: ${KEY}, subject: publisher, actions: [publish, admin] }]
    anonymous: { actions: [watch, rewind] }
stages:
  whip: { plugin: webrtc.whip }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 2m }
  hls: { plugin: publish.hls }
links:
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - sfu.video -> cmaf.video
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`;

/** Each step has a limit of its own; that of the whole must not come first on a busy machine. ms. */
const LIMIT = 120_000;

const site = siteOver(PIPELINE);
const { open } = site;
const state = (page: Page) => page.evaluate<string>('window.eddy.stats().state');
const untilLive = (page: Page) => until('it to be sent', async () => (await state(page)) === 'live');
/** Ids of the WebRTC viewers' sessions. */
async function watching(): Promise<readonly string[]> {
  const answer = await fetch(`${site.eddy.http}/api/v1/sessions`, { headers: { authorization: `Bearer ${KEY}` } });
  const { sessions } = (await answer.json()) as { sessions: { id: string; protocol: string }[] };
  return sessions.filter(({ protocol }) => protocol === 'whep').map(({ id }) => id);
}

it(
  'asks for a key, says that one is wrong, and sends with the right one',
  async () => {
    const { page } = await open(`${site.eddy.http}/publish/gate?start=card&card=360&layers=1`);
    await expect.poll(() => page.locator('#reason').innerText()).toBe('Publishing needs a key');
    const give = async (key: string): Promise<void> => {
      await page.locator('#token').fill(key);
      await Promise.all([page.waitForURL(/token=/), page.getByRole('button', { name: 'Publish' }).click()]);
    };
    await give('a-key-of-somebody-else');
    await expect.poll(() => page.locator('#key').isVisible(), { timeout: 8000 }).toBe(true);
    expect(await state(page)).toBe('key');
    // What was given is not left in the page for the next one to read.
    expect(await page.locator('#token').inputValue()).toBe('');
    await give(KEY);
    await untilLive(page);
    // The link to the player opens the camera for whoever holds the key.
    expect(await page.locator('#watch').getAttribute('href')).toBe(`/watch/gate?token=${KEY}`);
    await page.getByRole('button', { name: 'Stop' }).click();
    await expect.poll(() => state(page)).toBe('ready');
  },
  LIMIT,
);

it(
  'the codec that is chosen is the one that is sent, whichever the server prefers',
  async () => {
    const { page } = await open(`${site.eddy.http}/publish/codecs?card=360&layers=1&token=${KEY}`);
    const sent = () => page.evaluate<string | undefined>('window.eddy.stats().figures?.codec');
    for (const [choice, codec] of [
      ['VP8', 'VP8'],
      ['Automatic', 'H264'],
    ] as const) {
      await page.getByRole('radio', { name: 'Test card' }).click();
      await page.getByLabel('Codec').selectOption({ label: choice });
      await page.getByRole('button', { name: 'Start' }).click();
      await expect.poll(sent, { timeout: 8000 }).toBe(codec);
      await page.getByRole('button', { name: 'Stop' }).click();
      await expect.poll(() => state(page)).toBe('ready');
    }
  },
  LIMIT,
);

/** Width and height of an init segment's pictures: 24 bytes into its sample entry (ISO/IEC 14496-12, 12.1.3). */
async function sizeOf(url: string): Promise<readonly [width: number, height: number]> {
  const init = Buffer.from(await (await fetch(url)).arrayBuffer());
  const entry = init.indexOf('avc1') + 4;
  return [init.readUInt16BE(entry + 24), init.readUInt16BE(entry + 26)];
}

it(
  'a screen, and one of another shape, in mid-session: viewers stay, recordings go on with a new init segment',
  async () => {
    const { page } = await open(`${site.eddy.http}/publish/stage?start=card&card=360&layers=1&token=${KEY}`);
    await untilLive(page);
    const viewer = await open(`${site.eddy.http}/watch/stage`);
    await untilPlaying(viewer.page);
    interface Seen {
      readonly width: number;
      readonly height: number;
      readonly totalFrames: number;
      readonly transport: string;
    }
    const seen = () => viewer.page.evaluate<Seen>('window.eddy.stats()');
    expect((await seen()).width / (await seen()).height).toBeCloseTo(16 / 9, 1);
    const before = await watching();
    expect(before).toHaveLength(1);

    const share = async (): Promise<void> => {
      await page.evaluate('window.preview = document.querySelector("#preview").srcObject.id');
      await page.getByRole('radio', { name: 'Screen' }).click();
      await until('the screen', () =>
        page.evaluate<boolean>('window.preview !== document.querySelector("#preview").srcObject.id'),
      );
      expect(await page.evaluate('window.eddy.stats()')).toMatchObject({ source: 'screen', state: 'live' });
    };
    await page.bringToFront();
    await share();
    const { totalFrames } = await seen();
    await until('pictures of the screen', async () => (await seen()).totalFrames > totalFrames + 10);

    // A screen that somebody turned: the browser's own cannot be told its shape.
    await page.evaluate(`(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 480, height: 480 });
    const context = canvas.getContext('2d');
    let hue = 0;
    setInterval(() => {
      context.fillStyle = 'hsl(' + (hue += 5) + ',70%,50%)';
      context.fillRect(0, 0, 480, 480);
    }, 33);
    navigator.mediaDevices.getDisplayMedia = async () => canvas.captureStream(30);
  })()`);
    await share();
    const isSquare = ({ width, height }: { width: number; height: number }): boolean => width > 0 && width === height;
    await until('a square picture', async () => isSquare(await seen()));
    await untilPlaying(viewer.page);
    expect(await watching()).toEqual(before);
    expect((await seen()).transport).toBe('webrtc');
    const playlist = `${site.eddy.http}/hls/stage/video/live.m3u8`;
    await until('a square recording after a discontinuity', async () => {
      const text = await (await fetch(playlist)).text();
      const cuts = text.matchAll(/#EXT-X-DISCONTINUITY\n(?:#EXT-X-PROGRAM-DATE-TIME:.*\n)?#EXT-X-MAP:URI="([^"]+)"/g);
      for (const [, uri] of cuts) {
        const [width, height] = await sizeOf(new URL(uri!, playlist).href);
        if (isSquare({ width, height })) return true;
      }
      return false;
    });
    expect(viewer.errors).toEqual([]);
  },
  LIMIT,
);

/** As a network that failed: what the page closes stays open, its goodbye does not get through, and its session seems gone. */
const CUT_OFF = `
  window.cutOff = { is: false, left: [] };
  const { close, getStats } = RTCPeerConnection.prototype;
  RTCPeerConnection.prototype.close = function () {
    if (window.cutOff.is) window.cutOff.left.push(() => close.call(this));
    else close.call(this);
  };
  RTCPeerConnection.prototype.getStats = function (...of) {
    return window.cutOff.is ? Promise.resolve(new Map()) : getStats.apply(this, of);
  };
`;

it(
  'where a second publisher is refused, a page that was cut off waits for its own session to end; a stranger gives up',
  async () => {
    const own = await startEddy(PIPELINE.replace('take-over', 'refuse'));
    try {
      const address = `${own.http}/publish/cut?start=card&card=360&layers=1&token=${KEY}`;
      const { page } = await site.newPage();
      let isCut = false;
      let refusals = 0;
      await page.addInitScript(CUT_OFF);
      await page.route('**/whip/cut/*', (route) => {
        if (isCut && route.request().method() === 'PATCH') return route.fulfill({ status: 404 });
        return isCut ? route.abort() : route.continue();
      });
      page.on('response', (answer) => (refusals += Number(answer.status() === 409)));
      await page.goto(address);
      await untilLive(page);

      const stranger = await open(address);
      await expect.poll(() => state(stranger.page), { timeout: 8000 }).toBe('stuck');
      expect(await stranger.page.locator('#detail').innerText()).toMatch(/already has a publisher/);

      isCut = true;
      await page.evaluate('window.cutOff.is = true');
      await until('refusals', () => refusals >= 2);
      expect(await state(page)).not.toBe('stuck');
      // The server gives the old session up.
      isCut = false;
      await page.evaluate('window.cutOff.is = false; window.cutOff.left[0]()');
      await untilLive(page);
    } finally {
      await own.stop();
    }
  },
  LIMIT,
);
