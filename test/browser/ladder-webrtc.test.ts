/** An RTMP-like camera by WebRTC: the rungs that transcode.video makes of it are the layers that a viewer's line decides between. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { level } from '../level.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { launchChromium, openPage } from './chromium.ts';
import { narrowAndWide, words } from './narrow-line.ts';
import { webrtcPage } from './webrtc-pages.ts';

const LINE = { top: 640, narrow: 400_000 };
const PIPELINE = `
version: 1
name: ladder-webrtc
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  rtc: { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
stages:
  demo: { plugin: ingest.test-pattern, camera: cam, width: 640, height: 360, bitrate: 1200kbps, gop: 1s }
  ladder: { plugin: transcode.video, rungs: [360p, 180p@150kbps], gop: 1s, preset: ultrafast }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
links:
  - demo.video -> ladder.in
  - ladder.out -> sfu.video
  - sfu.out -> whep.in
`;

let browser: Browser;
let eddy: RunningEddy;
beforeAll(async () => {
  [browser, eddy] = await Promise.all([launchChromium(), startEddy(PIPELINE)]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await eddy?.stop();
});

it('a viewer of a ladder is shown what fits its line', { timeout: 300_000 }, async () => {
  await until(
    'the camera',
    async () => (await eddy.json<{ cameras: unknown[] }>('/api/v1/cameras')).cameras.length === 1,
  );
  const { page } = await openPage(browser);
  const run = await narrowAndWide(await webrtcPage(page, eddy.http), `${eddy.http}/whep/cam`, LINE, 60_000);
  expect(run.gap).toBeLessThan(level === 'proof' ? 1500 : 5000);
  if (level !== 'proof') return;
  meetBar({
    issue: 5,
    what: 'WebRTC: a ladder of two rungs, a viewer cut to 400 kbit/s and freed',
    bar: 'down within 3 s and a GOP of 1 s, up within 20 s',
    measured: words(run),
    pass: run.down <= 4 && run.up <= 20,
  });
});
