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
import { launchChromium, openPage } from './chromium.ts';
import { narrowAndWide, words, type Run } from './narrow-line.ts';
import { publish, webrtcPage } from './webrtc-pages.ts';

const LAYERS = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 500_000 },
  { rid: 'f', maxBitrate: 1_200_000 },
];
/** The least picture of which libwebrtc makes three layers: of 640x360 it makes two, whatever was agreed. */
const SIZE = { width: 960, height: 540 };
const LINE = { top: SIZE.width, narrow: 400_000 };

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
const pages: Page[] = [];

beforeAll(async () => {
  [browser, eddy, bare] = await Promise.all([launchChromium(), startEddy(PIPELINE), startBareSfu()]);
}, 60_000);
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
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
        results.push(await narrowAndWide(await newPage(url), `${url}/whep/cam`, LINE, patience));
        await camera.close();
        continue;
      }
      await until('every rendition', async () => (await ladder()).length === LAYERS.length, { timeout: patience });
      const before = await ladder();
      results.push(await narrowAndWide(await newPage(url), `${url}/whep/cam`, LINE, patience));
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
