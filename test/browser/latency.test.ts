/** From glass to glass by WebRTC, beside what the method itself costs in the same run: a connection from page to page. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { startClockCamera, type ClockCamera } from '../support/clock-camera.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { launchChromium, openPage } from './chromium.ts';
import { measureGlassToGlass, untilPlaying, type GlassToGlass } from './glass-to-glass.ts';
import { floor, publish, watch, webrtcPage } from './webrtc-pages.ts';

const PIPELINE = `
version: 1
name: latency
services:
  http: { plugin: http.server, listen: "HTTP" }
  native: { plugin: native.gstreamer }
  rtc:  { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
  player: { plugin: web.player }
stages:
  rtmp: { plugin: ingest.rtmp, listen: "RTMP" }
  demo: { plugin: ingest.test-pattern, camera: demo }
  whip: { plugin: webrtc.whip }
  sfu:  { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  pictures: { plugin: publish.pictures }
links:
  - rtmp.video | demo.video -> sfu.video
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - rtmp.video | demo.video | sfu.video -> pictures.video
`;
const OPTIONS = { width: 1280, height: 720, codec: 'H264', audio: false };

let browser: Browser;
let eddy: RunningEddy;
const pages: Page[] = [];
const cameras: ClockCamera[] = [];

beforeAll(async () => {
  [browser, eddy] = await Promise.all([launchChromium(), startEddy(PIPELINE)]);
}, 60_000);
afterEach(async () => {
  await Promise.all(cameras.splice(0).map((camera) => camera.stop()));
  await closePages();
});
afterAll(async () => {
  await browser?.close();
  await eddy?.stop();
});

const closePages = (): Promise<unknown> => Promise.all(pages.splice(0).map((page) => page.close()));

async function newPage(): Promise<Page> {
  const { page } = await openPage(browser);
  pages.push(page);
  return webrtcPage(page, eddy.http);
}

const seconds = atLevel({ test: 6, proof: 30 });

/** What drawing the clock, encoding, decoding and reading it cost without a server; only bars are held against it. */
async function measureFloor(): Promise<GlassToGlass | undefined> {
  if (level !== 'proof') return undefined;
  const [from, to] = [await newPage(), await newPage()];
  await floor(from, to, OPTIONS);
  const [measured] = await measureGlassToGlass([to], { seconds });
  await closePages();
  return measured;
}

const figures = ({ p50, p95 }: GlassToGlass): string => `p50 ${p50} ms, p95 ${p95} ms`;

/** Pictures came, in order; how soon counts on a machine of one's own only. */
function expectPictures({ read, backwards }: GlassToGlass): void {
  expect(read).toBeGreaterThan(seconds * atLevel({ test: 3, proof: 15 }));
  expect(backwards).toBe(0);
}

describe('from glass to glass', () => {
  it('by WHIP and WHEP', { timeout: 150_000 }, async () => {
    const method = await measureFloor();
    const [camera, player] = [await newPage(), await newPage()];
    expect((await publish(camera, `${eddy.http}/whip/clock`, OPTIONS)).status).toBe(201);
    await watch(player, `${eddy.http}/whep/clock`);
    const [through] = await measureGlassToGlass([player], { seconds });
    expectPictures(through!);
    if (!method) return;
    meetBar({
      what: 'WebRTC: Chromium WHIP to Chromium WHEP, 720p30 H.264, burned-in clock',
      bar: 'p50 <= 100 ms, p95 <= 200 ms',
      measured: `${figures(through!)}; page to page in the same run ${figures(method)}`,
      pass: through!.p50 <= 100 && through!.p95 <= 200,
    });
  });

  it('by ffmpeg RTMP and WHEP', { timeout: 150_000 }, async () => {
    const method = await measureFloor();
    cameras.push(startClockCamera(`${eddy.rtmp}/ff`, OPTIONS));
    await until('the camera', async () => {
      const answer = await fetch(`${eddy.http}/api/v1/cameras/ff`);
      return answer.ok && ((await answer.json()) as { state: string }).state === 'live';
    });
    const player = await newPage();
    await watch(player, `${eddy.http}/whep/ff`);
    const [through] = await measureGlassToGlass([player], { seconds });
    expectPictures(through!);
    if (!method) return;
    meetBar({
      what: 'WebRTC: ffmpeg RTMP to Chromium WHEP, 720p30 H.264, burned-in clock',
      bar: 'p95 <= 300 ms',
      measured: `${figures(through!)}; page to page in the same run ${figures(method)}`,
      pass: through!.p95 <= 300,
    });
  });
});

describe('the page', () => {
  it(
    'shows the last key frame until the first one comes, and says from where its latency counts',
    { timeout: 60_000 },
    async () => {
      cameras.push(startClockCamera(`${eddy.rtmp}/page`, { width: 640, height: 360 }));
      const poster = `${eddy.http}/api/v1/cameras/page/poster.jpg`;
      const picture = await until('a poster', async () => {
        const answer = await fetch(poster);
        return answer.ok && answer;
      });
      expect(picture.headers.get('content-type')).toBe('image/jpeg');
      const { page } = await openPage(browser);
      pages.push(page);
      // WebRTC does not begin before it has been seen what is shown until then.
      const seen = Promise.withResolvers<void>();
      await page.route(/\/whep\/page$/, async (route) => {
        await seen.promise;
        await route.continue();
      });
      await page.goto(`${eddy.http}/watch/page`);
      await page.waitForSelector('#poster:not([hidden])');
      expect(await page.evaluate('document.getElementById("poster").naturalWidth')).toBe(640);
      seen.resolve();
      await untilPlaying(page);
      await page.waitForSelector('#poster', { state: 'hidden', timeout: 10_000 });
      // RTMP tells no capture time: what the stream carries is when the pictures came in.
      const session = await until('a report', async () => {
        const { sessions } = await eddy.json<{ sessions: { cameraId: string; state: Record<string, unknown> }[] }>(
          '/api/v1/sessions',
        );
        const own = sessions.find(({ cameraId, state }) => cameraId === 'page' && state.latency !== undefined);
        return own?.state;
      });
      expect(session).toMatchObject({ latencyFrom: 'ingest' });
      expect(session.latency).toBeGreaterThanOrEqual(0);
      const metrics = await (await fetch(`${eddy.http}/metrics`)).text();
      expect(metrics).toMatch(/eddy_latency_seconds_count\{[^}]*camera="page"[^}]*\} [1-9]/);
      expect(/eddy_latency_seconds_count\{[^}]*camera="page"[^}]*\}/.exec(metrics)![0]).toContain('from="ingest"');
      expect(/eddy_latency_seconds_count\{[^}]*camera="page"[^}]*\}/.exec(metrics)![0]).toContain('path="webrtc"');
    },
  );
});
