/** The player in Chromium, against publish.hls and a camera that plays for ever. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { EddyError } from '../../core/errors/index.ts';
import { encodeClip, type Clip } from '../support/live-source.ts';
import { launchChromium, openPage } from './chromium.ts';
import { untilPlaying } from './glass-to-glass.ts';
import { startSite, status } from './player-server.ts';

let browser: Browser;
let clip: Clip;
let site: Awaited<ReturnType<typeof startSite>>;
const pages: Page[] = [];

beforeAll(async () => {
  [browser, clip, site] = await Promise.all([launchChromium(), encodeClip(), startSite()]);
});
afterAll(async () => {
  await browser?.close();
  await site?.stop();
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
async function open(path: string) {
  const opened = await openPage(browser);
  pages.push(opened.page);
  await opened.page.goto(site.url + path);
  return opened;
}
/** What the tests read of a player's numbers. */
interface Stats {
  readonly latency: number;
  readonly width: number;
  readonly transport: string;
  readonly position: number;
  readonly stalls: number;
}
const stats = (page: Page) => page.evaluate<Stats>('window.eddy.stats()');
const text = (page: Page, selector: string) => page.locator(selector).innerText();

describe('a live camera', () => {
  it('is listed, plays from there with its token, shows its numbers, and obeys the keyboard', async () => {
    const gone = site.live('demo', clip);
    const { page, errors } = await open('/?token=abc');
    await page.getByRole('link', { name: /demo/ }).click();
    await page.waitForURL(/\/watch\/demo\?token=abc$/);
    await untilPlaying(page);
    await expect.poll(() => text(page, '#stats')).toMatch(/640 × 360[^]*H\.264 · AAC[^]*[\d.]+ (k|M)bps/);
    expect(await text(page, '#routes')).toMatch(/hls\.chunks/);
    const { latency, width, transport } = await stats(page);
    expect(latency).toBeGreaterThan(0.3);
    expect(latency).toBeLessThan(8);
    expect([width, transport]).toEqual([640, 'hls.js']);
    // Without a timeline there is no bar, and the page says so.
    expect(await text(page, '#no-past')).toBe('Live only: this pipeline keeps no past.');
    expect(await page.locator('#timeline').isVisible()).toBe(false);

    const paused = () => page.evaluate('document.querySelector("video").paused');
    const muted = () => page.evaluate('document.querySelector("video").muted');
    await page.keyboard.press('Space');
    await expect.poll(paused).toBe(true);
    const at = (await stats(page)).position;
    await page.waitForTimeout(1500);
    await page.keyboard.press('l');
    await expect.poll(async () => (await stats(page)).position).toBeGreaterThan(at + 1);
    expect(await paused()).toBe(false);
    expect(await muted()).toBe(true);
    await page.keyboard.press('m');
    await expect.poll(muted).toBe(false);
    await page.keyboard.press('?');
    await expect.poll(() => page.locator('#keys').isVisible()).toBe(true);
    await page.keyboard.press('Escape');
    // A pause and a jump are no stalls; and nothing was refused by the page's own policy.
    expect((await stats(page)).stalls).toBe(0);
    expect(errors).toEqual([]);
    await gone();
  });

  it('that goes away is waited for, and plays again by itself', async () => {
    site.engine.cameras = [status('cam2', { state: 'away' })];
    const { page } = await open('/watch/cam2');
    await expect.poll(() => text(page, '#reason'), { timeout: 8000 }).toBe('cam2 is away');
    const gone = site.live('cam2', clip);
    await untilPlaying(page);
    await gone();
    await expect.poll(() => text(page, '#reason'), { timeout: 20_000 }).toBe('cam2 is away');
    await expect.poll(() => text(page, '#state')).toBe('waiting');
    const goneAgain = site.live('cam2', clip);
    await untilPlaying(page);
    expect(await page.locator('#overlay').getAttribute('data-kind')).toBe('none');
    await goneAgain();
  });
});

describe('a camera that cannot play says why', () => {
  it('in a codec that this browser does not have', async () => {
    const playlist =
      '#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=2000000,CODECS="hvc1.1.6.L93.B0,mp4a.40.2",RESOLUTION=640x360\nv.m3u8\n';
    const headers = { 'content-type': 'application/vnd.apple.mpegurl' };
    const handler = () => ({ headers, body: playlist });
    onTestFinished(site.http.route({ method: 'GET', path: '/hls/hevc/index.m3u8', handler }));
    site.engine.cameras = [status('hevc')];
    const { page } = await open('/watch/hevc');
    await expect.poll(() => text(page, '#reason'), { timeout: 8000 }).toBe('This browser cannot play HEVC');
    expect(await text(page, '#mend')).toMatch(/Safari/);
    expect(await page.locator('#retry').isVisible()).toBe(true);
  });

  it('when a link of the pipeline does not carry it', async () => {
    const link = {
      to: 'cmaf.video',
      active: false,
      code: 'LINK_INACTIVE',
      reason: 'takes h264, not vp8',
      mend: 'transcode it',
    };
    const track = { stage: 'whip', pad: 'video', track: 'video', caps: { codec: 'vp8' }, links: [link] };
    site.engine.cameras = [status('vp8cam', { tracks: [track] })];
    const { page } = await open('/watch/vp8cam');
    await expect
      .poll(() => text(page, '#detail'), { timeout: 8000 })
      .toBe('whip.video to cmaf.video: takes h264, not vp8');
    expect(await text(page, '#mend')).toBe('transcode it');
    expect(await text(page, '#routes')).toContain('takes h264, not vp8');
  });

  it('by asking for a key, and playing with it', async () => {
    const gone = site.live('locked', clip);
    const refuse = (_camera: string, { token }: { token?: string }) => {
      if (token !== 'right')
        throw new EddyError('WATCH_REFUSED', 'A key is needed here.', { details: { reason: 'unauthenticated' } });
    };
    site.engine.viewer = refuse;
    site.engine.admin = (credentials) => refuse('', credentials);
    site.hls.gates.refuse = new EddyError('WATCH_REFUSED', 'A key is needed here.', {
      details: { reason: 'unauthenticated' },
    });
    const { page } = await open('/watch/locked');
    await expect.poll(() => text(page, '#reason'), { timeout: 8000 }).toBe('This camera needs a key');
    delete site.hls.gates.refuse;
    await page.getByLabel('Key', { exact: true }).fill('right');
    await page.getByRole('button', { name: 'Watch' }).click();
    await page.waitForURL(/token=right/);
    await untilPlaying(page);
    site.engine.viewer = site.engine.admin = () => {};
    await gone();
  });
});
