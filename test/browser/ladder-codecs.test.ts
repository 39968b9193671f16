/** Rungs of four codecs side by side: what HLS says of them is true, and Chromium plays what it can of them, going from one to the next. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { launchChromium } from './chromium.ts';
import { load, openPlayer, playerSite, stateOf, untilPlayed } from './dash-pages.ts';

const PIPELINE = `
version: 1
name: ladder-codecs
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
stages:
  demo: { plugin: ingest.test-pattern, camera: demo, width: 640, height: 360 }
  ladder:
    plugin: transcode.video
    preset: ultrafast
    rungs:
      - 360p
      - { size: 270p, bitrate: 400kbps, codec: hevc }
      - { size: 180p, bitrate: 250kbps, codec: vp9 }
      - { size: 90p, bitrate: 100kbps, codec: av1 }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 500ms }
  dvr: { plugin: timeshift.ring, window: 1m }
  hls: { plugin: publish.hls }
links:
  - demo.video -> ladder.in
  - ladder.out -> cmaf.video
  - demo.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
`;
/** By the lines of the rung: the codec as ffprobe calls it, and the string that a browser is asked about. */
const RUNGS: Readonly<Record<number, readonly [name: string, codecs: RegExp]>> = {
  360: ['h264', /^avc1\.[0-9a-f]{6}$/i],
  270: ['hevc', /^hvc1\.1\.6\.L[0-9]+\.[0-9A-F.]+$/],
  180: ['vp9', /^vp09\.00\.[0-9]{2}\.08$/],
  90: ['av1', /^av01\.0\.[0-9]{2}M\.08$/],
};

let browser: Browser;
let site: Awaited<ReturnType<typeof playerSite>>;
let eddy: RunningEddy;
beforeAll(async () => {
  [browser, site, eddy] = await Promise.all([launchChromium(), playerSite(), startEddy(PIPELINE)]);
  await until('four renditions', async () => (await variants()).length === 4, { timeout: 60_000 });
}, 90_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await eddy?.stop();
});

const index = (): string => `${eddy.http}/hls/demo/index.m3u8`;

/** The variants that the multivariant playlist has. */
async function variants(): Promise<{ lines: number; codec: string; url: string }[]> {
  const answer = await fetch(index());
  if (!answer.ok) return [];
  const found = (await answer.text()).matchAll(/#EXT-X-STREAM-INF:(.*)\n(.+)/g);
  return [...found].map(([, tag, uri]) => ({
    lines: Number(/RESOLUTION=\d+x(\d+)/.exec(tag!)![1]),
    codec: /CODECS="([^",]+)/.exec(tag!)![1]!,
    url: new URL(uri!, index()).href,
  }));
}

it('says the codec of each rung, as its media has it', { timeout: 60_000 }, async () => {
  const told = await variants();
  expect(told.map(({ lines }) => lines).toSorted((a, b) => b - a)).toEqual([360, 270, 180, 90]);
  for (const { lines, codec, url } of told) {
    const [name, pattern] = RUNGS[lines]!;
    expect(codec).toMatch(pattern);
    const args = '-v error -select_streams v -show_entries stream=codec_name,codec_tag_string,height -of csv=p=0';
    const { stdout, stderr } = await promisify(execFile)('ffprobe', [...args.split(' '), url]);
    // Once for the program and once for the file.
    const said = [...new Set(stdout.trim().split(/\s+/))];
    expect([said, stderr]).toEqual([[`${name},${codec.slice(0, 4)},${lines}`], '']);
  }
});

it('plays H.264, VP9 and AV1 in hls.js, one after the other', { timeout: 120_000 }, async () => {
  const page = await openPlayer(browser, site.url, 'hls.js');
  await load(page, index());
  await untilPlayed(page, 2, 30_000);
  // Chromium has no HEVC without a device: hls.js leaves that one out.
  expect(await page.evaluate('eddyPlayer.levels.map(({ height }) => height).sort((a, b) => b - a)')).toEqual([
    360, 180, 90,
  ]);
  for (const lines of [180, 90, 360, 90, 180]) {
    await page.evaluate(`eddyPlayer.loadLevel = eddyPlayer.levels.findIndex(({ height }) => height === ${lines})`);
    await until(
      `${lines} lines`,
      async () => (await page.evaluate(`document.querySelector('video').videoHeight`)) === lines,
      { timeout: 20_000 },
    );
    const { time } = await stateOf(page);
    await until('pictures', async () => (await stateOf(page)).time > time + 0.5);
  }
  expect((await stateOf(page)).errors).toEqual([]);
  await page.close();
});
