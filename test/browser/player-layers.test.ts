/** The player's choice of a simulcast layer, and what it says of a camera that is not recorded, in Chromium over a whole pipeline. */
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { until } from '../support/eddy.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { siteOver } from './site.ts';

const FEW = 'the-key-of-those-who-may-see-100-lines';

const PIPELINE = `version: 1
name: layers
cameras: { linger: 5s }
services:
  http: { plugin: http.server, listen: HTTP }
  rtc: { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
  player: { plugin: web.player }
  publish: { plugin: web.publish }
  auth:
    plugin: auth.static
    keys: [{ token: FEW, subject: few, actions: [watch], max-lines: 100p }]
    anonymous: { actions: [publish, watch, rewind, admin] }
stages:
  whip: { plugin: webrtc.whip, codecs: [vp8] }
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
`.replace('FEW', FEW);
/** Each step has a limit of its own; that of the whole must not come first on a busy machine. ms. */
const LIMIT = 120_000;

const site = siteOver(PIPELINE);
const { open } = site;
/** A small card: this machine has to encode all of it. */
async function publish(camera: string, more: string): Promise<Page> {
  const { page } = await open(`/publish/${camera}?start=card&card=360${more}`);
  await until(`${camera} to be sent`, async () => (await page.evaluate('window.eddy.stats().state')) === 'live');
  return page;
}
const height = (page: Page) => page.evaluate<number>('window.eddy.stats().height');
const chosen = (page: Page) => page.locator('#layer').evaluate((menu) => (menu as unknown as { value: string }).value);
const sessions = async (): Promise<readonly { id: string; state?: { cap?: { spatial: number } } }[]> =>
  (await site.eddy.json<{ sessions: { id: string }[] }>('/api/v1/sessions')).sessions;
const cap = async (): Promise<number | undefined> => (await sessions())[0]?.state?.cap?.spatial;

it(
  'a layer is chosen by list and by keyboard, automatic again, and chosen anew in the next session',
  async () => {
    await publish('layers', '&layers=3');
    const { page, errors } = await open('/watch/layers');
    await untilPlaying(page);
    const menu = page.getByRole('combobox', { name: 'Picture size' });
    await expect.poll(() => menu.isVisible(), { timeout: 15_000 }).toBe(true);
    expect(await chosen(page)).toBe('auto');
    expect(await menu.locator('option').allInnerTexts()).toEqual([
      'Auto',
      expect.stringMatching(/^High · /),
      expect.stringMatching(/^Middle · /),
      expect.stringMatching(/^Low · /),
    ]);

    await menu.selectOption('0');
    await until('the lowest layer', async () => (await height(page)) === 90);
    expect(await cap()).toBe(0);

    // The list takes the arrows that elsewhere are the volume.
    const volume = await page.evaluate('document.querySelector("video").volume');
    await menu.focus();
    await page.keyboard.press('ArrowUp');
    await expect.poll(() => chosen(page)).toBe('1');
    await until('the server to know', async () => (await cap()) === 1);
    expect(await page.evaluate('document.querySelector("video").volume')).toBe(volume);

    // One key from anywhere: low, and after the last entry automatic.
    await page.evaluate('document.activeElement.blur()');
    await page.keyboard.press('q');
    await until('the lowest layer again', async () => (await cap()) === 0);

    // A new session is told too.
    const [before] = await sessions();
    await fetch(`${site.eddy.http}/api/v1/sessions/${before!.id}`, { method: 'DELETE' });
    await until('another session with the same choice', async () => {
      const [now] = await sessions();
      return now !== undefined && now.id !== before!.id && now.state?.cap?.spatial === 0;
    });
    await page.keyboard.press('q');
    await until('no limit', async () => (await cap()) === undefined);
    expect(await chosen(page)).toBe('auto');
    expect(errors).toEqual([]);
  },
  LIMIT,
);

it(
  'VP8 plays by WebRTC; the page says that there is no rewind, why, and what mends it',
  async () => {
    await publish('vp8', '&layers=1');
    const { page, errors } = await open('/watch/vp8');
    await untilPlaying(page);
    expect(await page.evaluate('window.eddy.stats().transport')).toBe('webrtc');
    // Told by the browser's statistics, which are read now and then.
    await expect.poll(() => page.evaluate('window.eddy.stats().codecs'), { timeout: 5000 }).toContain('VP8');
    const limits = page.locator('#limits');
    await expect.poll(() => limits.isVisible(), { timeout: 15_000 }).toBe(true);
    expect(await limits.innerText()).toMatch(
      /^No rewind for this camera\. It is not recorded: the track is VP8 video.* H\.264, VP9 or AV1.*no-dvr$/s,
    );
    // With one layer there is nothing to choose.
    expect(await page.locator('#layer').isVisible()).toBe(false);
    const home = await open('/');
    await expect
      .poll(() => home.page.locator('#cameras').innerText(), { timeout: 8000 })
      .toMatch(/live only, no rewind/);
    expect(errors).toEqual([]);
  },
  LIMIT,
);

it(
  'who may see so many lines gets no larger layer, and nothing where all are larger',
  async () => {
    const publisher = await publish('limited', '&layers=3');
    const whole = await open('/watch/limited');
    const { page } = await open(`/watch/limited?token=${FEW}`);
    await Promise.all([untilPlaying(whole.page), untilPlaying(page)]);
    // This publisher sends no third layer until its line has shown what it carries.
    await until('a larger layer for those without a limit', async () => (await height(whole.page)) > 100);
    const seen = new Set<number>();
    for (let i = 0; i < 10; i++) {
      seen.add(await height(page));
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    expect([...seen]).toEqual([90]);
    await publisher.close();

    // The same camera comes back with one layer, the largest.
    await publish('limited', '&layers=1');
    await until('those without a limit to go on', async () => (await height(whole.page)) === 360);
    await expect.poll(() => page.locator('#why, #overlay').first().innerText()).toMatch(/at most 100 lines/);
    const asked = await fetch(`${site.eddy.http}/whep/limited`, {
      method: 'POST',
      headers: { 'content-type': 'application/sdp', authorization: `Bearer ${FEW}` },
      body: fixture('chromium-156-whep'),
    });
    expect([asked.status, await asked.json()]).toEqual([
      403,
      expect.objectContaining({
        code: 'WATCH_REFUSED',
        message: 'this grant is for at most 100 lines, and the lowest layer of the camera has 360 lines',
      }),
    ]);
  },
  LIMIT,
);
