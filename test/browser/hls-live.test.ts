/**
 * Low-latency HLS in Chromium with hls.js as it comes: three players that must not stall. The stall that this guards
 * against, and what playlists do so that it cannot happen, is docs/decisions/0006-hls-js-stall.md. The five minutes of the bar are played in live.test.ts.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile } from 'node:fs/promises';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { atLevel, level } from '../level.ts';
import { hlsServer } from '../support/hls-server.ts';
import { encodeClip, playLive } from '../support/live-source.ts';
import { launchChromium } from './chromium.ts';

const PLAYERS = 3;
/** The most that a player may be behind, ms, as the median. */
const P50 = 2000;
/** Playback that has begun is let settle for this long before latency counts, ms. */
const SETTLE = 2000;

interface Played {
  readonly playedSeconds: number;
  readonly stalls: number;
  readonly errors: readonly string[];
  /** ms behind the server's clock, four times a second. */
  readonly latencies: readonly number[];
}

let browser: Browser;
let site: Server;
let server: Awaited<ReturnType<typeof hlsServer>>;

beforeAll(async () => {
  const script = await readFile(new URL('../../node_modules/hls.js/dist/hls.min.js', import.meta.url));
  site = createServer((request, response) => {
    const isScript = request.url === '/hls.js';
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html');
    response.end(isScript ? script : '<!doctype html><script src="/hls.js"></script><body></body>');
  });
  await new Promise<void>((resolve) => void site.listen(0, '127.0.0.1', resolve));
  [browser, server] = await Promise.all([launchChromium(), hlsServer()]);
});
afterAll(async () => {
  await browser.close();
  site.close();
  await server.close();
});

/** Runs in the page: a player that notes what happens to it in `window.players`. */
const playerScript = (url: string, config: object): string => `(() => {
  const video = document.createElement('video');
  video.muted = video.autoplay = true;
  video.width = 320;
  document.body.append(video);
  const hls = new Hls(${JSON.stringify(config)});
  const player = { video, startedAt: 0, startedFrom: 0, stalls: 0, errors: [], latencies: [] };
  (window.players ??= []).push(player);
  hls.on(Hls.Events.ERROR, (event, { details, error, fatal }) => {
    player.errors.push((fatal ? 'fatal ' : '') + details + ': ' + error?.message);
  });
  video.addEventListener('playing', () => {
    player.startedAt ||= Date.now();
    player.startedFrom ||= video.currentTime;
  });
  video.addEventListener('waiting', () => {
    if (player.startedAt) player.stalls += 1;
  });
  setInterval(() => {
    if (player.startedAt && hls.playingDate) player.latencies.push(Date.now() - hls.playingDate.getTime());
  }, 250);
  hls.loadSource(${JSON.stringify(url)});
  hls.attachMedia(video);
})()`;

const READ_PLAYERS = `window.players.map(({ video, startedFrom, stalls, errors, latencies }) => ({
  playedSeconds: video.currentTime - startedFrom, stalls, errors, latencies,
}))`;

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)]!;

/** Opens a page of players and waits until all of them play. */
async function openPlayers(camera: string, count: number, config: object): Promise<Page> {
  const page = await browser.newPage();
  await page.goto(`http://127.0.0.1:${(site.address() as AddressInfo).port}/`);
  for (let index = 0; index < count; index += 1) {
    await page.evaluate(playerScript(`${server.url}/hls/${camera}/index.m3u8`, config));
  }
  await page.waitForFunction('window.players.every(({ startedAt }) => startedAt > 0)', undefined, { timeout: 20_000 });
  return page;
}

it.each([
  { name: 'as it comes', config: {}, seconds: atLevel({ test: 6, proof: 30 }) },
  {
    name: 'catching up',
    config: { maxLiveSyncPlaybackRate: 1.2 },
    seconds: atLevel({ test: 5, proof: 60 }),
  },
])('hls.js $name plays without a stall, close to the live edge', async ({ name, config, seconds }) => {
  const camera = name.replaceAll(' ', '-');
  const live = playLive(await encodeClip(), server.open(camera));
  try {
    const page = await openPlayers(camera, PLAYERS, config);
    await page.waitForTimeout(seconds * 1000);
    const played = await page.evaluate<Played[]>(READ_PLAYERS);
    await page.close();
    for (const { playedSeconds, stalls, errors, latencies } of played) {
      const settled = latencies.slice(SETTLE / 250);
      expect({ stalls, errors }).toEqual({ stalls: 0, errors: [] });
      expect(playedSeconds).toBeGreaterThan(seconds - 1);
      // A figure of speed counts on an idle machine only; short tests share theirs.
      if (level === 'proof') expect(quantile(settled, 0.5)).toBeLessThanOrEqual(P50);
      else expect(settled.length).toBeGreaterThan(0);
    }
  } finally {
    live.stop();
  }
});

it('plays on by itself when the publisher comes back within its linger', async () => {
  const live = playLive(await encodeClip(), server.open('returning'));
  try {
    const page = await openPlayers('returning', 1, {});
    const position = () => page.evaluate<number>('window.players[0].video.currentTime');
    await page.waitForTimeout(2000);
    live.leave();
    await page.waitForTimeout(6000);
    const stuckAt = await position();
    await page.waitForTimeout(500);
    expect(await position()).toBeCloseTo(stuckAt, 1);
    live.comeBack();
    await page.waitForFunction(`window.players[0].video.currentTime > ${stuckAt + 3}`, undefined, { timeout: 20_000 });
    const [{ errors }] = (await page.evaluate<Played[]>(READ_PLAYERS)) as [Played];
    expect(errors.filter((error) => error.startsWith('fatal'))).toEqual([]);
    await page.close();
  } finally {
    live.stop();
  }
});
