/** The publish page and the player in Chromium, over the real pipeline of pipelines/webrtc-only.yaml. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { expect, it } from 'vitest';
import { atLevel } from '../level.ts';
import { until } from '../support/eddy.ts';
import { measureGlassToGlass, untilPlaying } from './glass-to-glass.ts';
import { siteOver } from './site.ts';

/** Each step has a limit of its own; that of the whole must not come first on a busy machine. ms. */
const LIMIT = 120_000;

const site = siteOver(async () => {
  const pipeline = await readFile(join(import.meta.dirname, '../../pipelines/webrtc-only.yaml'), 'utf8');
  return pipeline
    .replace('127.0.0.1:8080', 'HTTP')
    .replace('{ plugin: webrtc.workers }', '{ plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }');
});
const { open } = site;

interface Published {
  readonly state: string;
  readonly source?: string;
  readonly figures?: { readonly codec?: string; readonly layers: readonly { rid: string; bitsPerSecond: number }[] };
}
const published = (page: Page) => page.evaluate<Published>('window.eddy.stats()');

/** A test card on air. A small one: this machine has to encode all of it. */
async function publish(camera: string, more = '&card=360&layers=1') {
  const opened = await open(`/publish/${camera}?start=card${more}`);
  await until(`${camera} to be sent`, async () => (await published(opened.page)).state === 'live');
  return opened;
}

interface Watched {
  readonly transport: string;
  readonly camera: string;
  readonly totalFrames: number;
  readonly latency: number;
  readonly latencyFrom: string;
  readonly codecs: readonly string[];
  readonly layer: string;
  readonly path: string;
}
const watched = (page: Page) => page.evaluate<Watched>('window.eddy.stats()');
const sessionsOf = async (): Promise<readonly { id: string; cameraId: string }[]> =>
  (await site.eddy.json<{ sessions: { id: string; cameraId: string }[] }>('/api/v1/sessions')).sessions;

it(
  'a test card is published in three layers and watched by WebRTC; another source leaves the viewer there',
  async () => {
    const publisher = await publish('cam1', '');
    const viewer = await open('/watch/cam1');
    await untilPlaying(viewer.page);
    const [glass] = await measureGlassToGlass([viewer.page], { seconds: 3 });
    expect(glass!.read).toBeGreaterThan(20);
    expect(glass!.backwards).toBe(0);
    // The page's own figure is of the same pictures.
    const stats = await watched(viewer.page);
    expect(stats).toMatchObject({ transport: 'webrtc', latencyFrom: 'capture', path: 'udp' });
    expect(stats.codecs).toContain('H264');
    expect(stats.layer).toMatch(/^\d+p of 3$/);
    expect(Math.abs(stats.latency * 1000 - glass!.p50)).toBeLessThan(atLevel({ test: 1000, proof: 200 }));
    const { figures } = await published(publisher.page);
    expect(figures!.codec).toBe('H264');
    expect(figures!.layers.map(({ rid }) => rid)).toEqual(['h', 'm', 'l']);

    const before = await sessionsOf();
    await publisher.page.getByRole('radio', { name: 'Camera' }).click();
    await until('the camera to be sent', async () => (await published(publisher.page)).source === 'camera');
    const frames = (await watched(viewer.page)).totalFrames;
    await until('pictures of it', async () => (await watched(viewer.page)).totalFrames > frames + 15);
    // The fake camera has no block clock: what is on screen is it, in the same session.
    await viewer.page.waitForTimeout(500);
    const [after] = await measureGlassToGlass([viewer.page], { seconds: 1 });
    expect(after!.unreadable).toBeGreaterThan(5);
    expect((await sessionsOf()).map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    expect([...publisher.errors, ...viewer.errors]).toEqual([]);
  },
  LIMIT,
);

it(
  'goes to another camera in the same connection, by menu and by key',
  async () => {
    await publish('front');
    await publish('yard');
    const { page, errors } = await open('/watch/front');
    await untilPlaying(page);
    await page.evaluate(`window.before = document.querySelector('video').srcObject.getVideoTracks()[0]`);
    await page.getByRole('button', { name: 'front' }).click();
    await page.getByRole('menuitemradio', { name: /yard/ }).click();
    await page.waitForURL(/\/watch\/yard$/);
    await until('one session, of the yard', async () => {
      const sessions = await sessionsOf();
      return sessions.length === 1 && sessions[0]!.cameraId === 'yard';
    });
    const { totalFrames } = await watched(page);
    await until('its pictures', async () => (await watched(page)).totalFrames > totalFrames + 5);
    expect(await page.evaluate(`window.before === document.querySelector('video').srcObject.getVideoTracks()[0]`)).toBe(
      true,
    );
    await page.keyboard.press('PageUp');
    await page.waitForURL(/\/watch\/front$/);
    await until('the front again', async () => (await sessionsOf())[0]?.cameraId === 'front');
    expect(errors).toEqual([]);
  },
  LIMIT,
);

it(
  'waits for a camera that is away, and says why LL-HLS cannot help where there is none',
  async () => {
    const { page } = await open('/watch/later');
    await expect.poll(() => page.locator('#reason').innerText(), { timeout: 8000 }).toBe('No camera later yet');
    await publish('later');
    await untilPlaying(page);
    await page.getByRole('button', { name: 'WebRTC' }).click();
    await expect
      .poll(() => page.locator('#reason').innerText(), { timeout: 8000 })
      .toBe('The camera is live, but not published as HLS');
    await page.keyboard.press('w');
    await untilPlaying(page);
  },
  LIMIT,
);
