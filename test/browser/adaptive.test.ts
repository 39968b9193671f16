/**
 * A viewer of a simulcast camera whose line becomes narrow and wide again: which layer it is shown, beside what a bare mediasoup
 * consumer makes of the same line, and what is recorded meanwhile.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { startBareSfu, type BareSfu } from '../support/bare-sfu.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startUdpRelay, type UdpRelay } from '../support/udp-relay.ts';
import { launchChromium, openPage } from './chromium.ts';
import { throughRelay } from './relayed.ts';
import { publish, watch, webrtcPage } from './webrtc-pages.ts';

const LAYERS = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', maxBitrate: 1_200_000 },
];
/** The least picture of which libwebrtc makes three layers: of 640x360 it makes two, whatever was agreed. */
const SIZE = { width: 960, height: 540 };
const TOP = SIZE.width;
const NARROW = 400_000;

const PIPELINE = `
version: 1
name: adaptive
services:
  http: { plugin: http.server, listen: "HTTP" }
  rtc:  { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
stages:
  whip: { plugin: webrtc.whip }
  sfu:  { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  hls:  { plugin: publish.hls }
links:
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - sfu.video -> cmaf.video
  - cmaf.chunks -> hls.chunks
`;

let browser: Browser;
let eddy: RunningEddy;
let bare: BareSfu;
let relay: UdpRelay | undefined;
const pages: Page[] = [];

beforeAll(async () => {
  [browser, eddy, bare] = await Promise.all([launchChromium(), startEddy(PIPELINE), startBareSfu()]);
}, 60_000);
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
  await relay?.close();
  relay = undefined;
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([eddy?.stop(), bare?.close()]);
});

async function newPage(url: string): Promise<Page> {
  const { page } = await openPage(browser);
  pages.push(page);
  return webrtcPage(page, url);
}

/** Notes when each picture was shown and how wide it was, in the page. */
const recordPictures = (page: Page): Promise<unknown> =>
  page.evaluate(`(() => {
    const video = document.querySelector('video');
    window.shown = [];
    const onFrame = (_now, { width }) => {
      window.shown.push([performance.timeOrigin + performance.now(), width]);
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
  })()`);

type Shown = readonly (readonly [at: number, width: number])[];
const shownOn = (page: Page): Promise<Shown> => page.evaluate('window.shown');

/** Waits until pictures of this width are shown, and tells when the first of them was: epoch ms. */
async function untilWidth(
  page: Page,
  fits: (width: number) => boolean,
  since: number,
  timeout: number,
): Promise<number> {
  const found = await until(
    'another layer',
    async () => (await shownOn(page)).find(([at, width]) => at > since && fits(width)),
    { timeout },
  );
  return found[0];
}

/** The longest that no new picture came, ms. */
const longestGap = (shown: Shown): number =>
  Math.round(Math.max(0, ...shown.slice(1).map(([at], index) => at - shown[index]![0])));

interface Run {
  /** Seconds from the line's change to the first picture of the other layer. */
  readonly down: number;
  readonly up: number;
  readonly gap: number;
}

/** A viewer behind a line that is wide, narrow and wide again. */
async function run(url: string, patience: number): Promise<Run> {
  relay = await startUdpRelay();
  const player = await newPage(url);
  await throughRelay(player, relay);
  expect((await watch(player, `${url}/whep/cam`, { audio: false })).status).toBe(201);
  await recordPictures(player);
  await untilWidth(player, (width) => width === TOP, 0, patience);
  const cut = Date.now();
  relay.set({ down: { rate: NARROW } });
  const down = await untilWidth(player, (width) => width < TOP, cut, patience);
  // It stays below while the line is narrow.
  await new Promise((resolve) => setTimeout(resolve, 4000));
  const freed = Date.now();
  expect((await shownOn(player)).at(-1)![1]).toBeLessThan(TOP);
  relay.set({ down: {} });
  const up = await untilWidth(player, (width) => width === TOP, freed, patience);
  const gap = longestGap(await shownOn(player));
  await player.close();
  await relay.close();
  relay = undefined;
  return { down: (down - cut) / 1000, up: (up - freed) / 1000, gap };
}

const words = ({ down, up, gap }: Run): string =>
  `down in ${down.toFixed(1)} s, up in ${up.toFixed(1)} s, longest without a picture ${gap} ms`;

/** Media sequence numbers of each rendition's playlist: how far the recording is. */
async function ladder(): Promise<number[]> {
  const load = async (path: string): Promise<string> => (await fetch(new URL(path, `${eddy.http}/hls/cam/`))).text();
  const uris = (await load('index.m3u8')).split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  const lists = await Promise.all(uris.map(load));
  return lists.map(
    (list) => Number(/MEDIA-SEQUENCE:(\d+)/.exec(list)?.[1] ?? NaN) + (list.match(/#EXTINF/g)?.length ?? 0),
  );
}

describe('a viewer of simulcast whose line becomes narrow and wide again', () => {
  it('is shown what fits, and the recording keeps all layers', { timeout: 400_000 }, async () => {
    const patience = atLevel({ test: 90_000, proof: 60_000 });
    const options = { ...SIZE, simulcast: LAYERS, audio: false, codec: 'H264' };
    const results: Run[] = [];
    for (const url of level === 'proof' ? [bare.url, eddy.http] : [eddy.http]) {
      const camera = await newPage(url);
      expect((await publish(camera, `${url}/whip/cam`, options)).status).toBe(201);
      if (url === bare.url) {
        results.push(await run(url, patience));
        await camera.close();
        continue;
      }
      await until('every rendition', async () => (await ladder()).length === LAYERS.length, { timeout: patience });
      const before = await ladder();
      results.push(await run(url, patience));
      const after = await ladder();
      expect(after).toHaveLength(LAYERS.length);
      after.forEach((number, index) => expect(number).toBeGreaterThan(before[index]! + 1));
    }
    const ours = results.at(-1)!;
    if (level !== 'proof') return;
    meetBar({
      what: 'WebRTC: three-layer simulcast, a viewer cut to 400 kbit/s and freed',
      bar: 'down within 3 s, up within 20 s, no freeze over 1 s; the recorded ladder keeps all three',
      measured: `${words(ours)}; bare mediasoup in the same run: ${words(results[0]!)}`,
      pass: ours.down <= 3 && ours.up <= 20 && ours.gap <= 1000,
    });
  });
});
