/** A viewer behind a network that loses one packet in twenty, both ways: pictures go on, and sound stays with them. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { startUdpRelay } from '../support/udp-relay.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { longestFreeze, observeSync, syncBetween, syncLog, type Sync } from './av-sync.ts';
import { launchChromium, openPage } from './chromium.ts';
import { throughRelay } from './relayed.ts';
import { floor, publish, statsOf, watch, webrtcPage } from './webrtc-pages.ts';

const CAMERA = { width: 640, height: 360, fps: 30, codec: 'H264', bitrate: 1_000_000, beeps: true };

let browser: Browser;
let eddy: WebrtcPipeline;
const open: { close(): unknown }[] = [];

beforeAll(async () => {
  [browser, eddy] = await Promise.all([launchChromium(), webrtcPipeline()]);
});
afterEach(async () => {
  for (const each of open.splice(0)) await each.close();
});
afterAll(async () => {
  await browser?.close();
  await eddy?.close();
});

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

async function newPage(prepare: (page: Page) => Promise<void> = async () => undefined): Promise<Page> {
  const { page } = await openPage(browser);
  open.push(page);
  await prepare(page);
  return webrtcPage(page, eddy.url);
}

/** Lip sync of a page over so many seconds. */
async function observe(page: Page, seconds: number): Promise<{ sync: Sync; freeze: number }> {
  const from = Date.now();
  await pass(seconds * 1000);
  const [log, to] = [await syncLog(page), Date.now()];
  const sync = syncBetween(log, from, to);
  if (!sync) throw new Error('nothing was heard or seen');
  return { sync, freeze: longestFreeze(log, from, to) };
}

it('plays on at 5% loss both ways', { timeout: 180_000 }, async () => {
  const [from, to] = [await newPage(), await newPage()];
  await floor(from, to, { ...CAMERA, audio: true });
  await observeSync(to);
  await pass(1000);
  const method = await observe(to, atLevel({ test: 3, proof: 15 }));
  for (const each of open.splice(0)) await each.close();

  const relay = await startUdpRelay();
  open.push(relay);
  const camera = await newPage();
  const player = await newPage((page) => throughRelay(page, relay));
  const url = `${eddy.url}/whep/lossy`;
  expect((await publish(camera, `${eddy.url}/whip/lossy`, CAMERA)).status).toBe(201);
  expect((await watch(player, url)).status).toBe(201);
  await observeSync(player);
  await pass(2000);
  // The same way without loss: what the machine itself does to it.
  const without = await observe(player, atLevel({ test: 2, proof: 20 }));
  relay.set({ up: { loss: 0.05 }, down: { loss: 0.05 } });
  relay.reset();
  // Jitter buffers find their size.
  await pass(3000);
  const { sync, freeze } = await observe(player, atLevel({ test: 6, proof: 60 }));
  const { up, down } = relay.count();
  const video = (await statsOf(player, url)).find(({ kind }) => (kind as never) === 'video')!;
  const repaired = video.retransmittedPacketsReceived ?? 0;
  const apart = sync.skew - method.sync.skew;
  const measured =
    `longest freeze ${freeze} ms (${without.freeze} ms without loss); sound ${sync.skew} ms after the picture ` +
    `(${without.sync.skew} ms without loss, ${method.sync.skew} ms from page to page); lost ${up.lost} of ${up.packets + up.lost} up, ${down.lost} of ${down.packets + down.lost} down, ` +
    `${repaired} video packets came again, ${video.pliCount} key frames asked for`;
  say(measured);
  // A tenth of what is lost at least: the loss is there.
  for (const { lost, packets } of [up, down]) expect(lost / (lost + packets)).toBeGreaterThan(0.02);
  expect(repaired).toBeGreaterThan(down.lost / 10);
  expect(sync.pictures).toBeGreaterThan(atLevel({ test: 10, proof: 1000 }));
  if (level === 'test') return;
  meetBar({
    what: '5% loss both ways, WHIP to WHEP, 1 minute',
    bar: 'plays on, no freeze over 500 ms, A/V within 60 ms of the method',
    measured,
    pass: freeze <= 500 && Math.abs(apart) <= 60,
  });
});
