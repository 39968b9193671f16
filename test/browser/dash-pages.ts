/** Pages with a bare player: dash.js, Shaka or hls.js as they come, on a site of another origin than the media's. */
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import type { Browser, Page } from 'playwright-core';

/** The players. */
export type PlayerName = 'dash.js' | 'shaka' | 'hls.js';

const SCRIPTS: Readonly<Record<PlayerName, string>> = {
  'dash.js': 'dashjs/dist/modern/umd/dash.all.min.js',
  shaka: 'shaka-player/dist/shaka-player.compiled.js',
  'hls.js': 'hls.js/dist/hls.min.js',
};

/** Serves the players' scripts and an empty page for each. */
export async function playerSite() {
  const server = createServer((request, response) => {
    const name = new URL(request.url!, 'http://x').pathname.slice(1);
    const script = Object.hasOwn(SCRIPTS, name) ? SCRIPTS[name as PlayerName] : undefined;
    if (script) {
      readFile(new URL(`../../node_modules/${script}`, import.meta.url)).then(
        (body) => response.setHeader('content-type', 'text/javascript').end(body),
        () => response.writeHead(500).end(),
      );
      return;
    }
    const player = new URL(request.url!, 'http://x').searchParams.get('player');
    response.setHeader('content-type', 'text/html');
    response.end(`<!doctype html><link rel="icon" href="data:,"><body><video muted autoplay width="640"></video>
      ${player === null ? '' : `<script src="/${player}"></script>`}`);
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise<void>((resolve) => void server.close(() => resolve())),
  };
}

/** Runs in the page: `eddyLoad(url)` plays a URL anew; `eddyErrors` collects what the player calls an error. */
const LOADERS: Readonly<Record<PlayerName, string>> = {
  'dash.js': `
    const player = dashjs.MediaPlayer().create();
    player.initialize(video, null, true);
    // For seeking to and fro over Periods: docs/decisions/0028.
    window.eddyOneBufferAPeriod = () => player.updateSettings({ streaming: { buffer: { reuseExistingSourceBuffers: false } } });
    player.on('error', ({ error }) => eddyErrors.push(error.code + ' ' + error.message));
    window.eddyLoad = async (url) => player.attachSource(url);
    window.eddyPlayer = player;`,
  shaka: `
    shaka.polyfill.installAll();
    const player = new shaka.Player();
    const attached = player.attach(video);
    player.addEventListener('error', ({ detail }) => eddyErrors.push(detail.code + ' ' + detail.message));
    player.configure({ streaming: { lowLatencyMode: true, liveSync: { enabled: true } } });
    window.eddyLoad = async (url) => { await attached; await player.load(url); video.play(); };
    window.eddyPlayer = player;`,
  'hls.js': `
    let hls;
    window.eddyLoad = async (url) => {
      hls?.destroy();
      hls = window.eddyPlayer = new Hls();
      hls.on(Hls.Events.ERROR, (event, { fatal, details, error }) => {
        if (fatal) eddyErrors.push(details + ' ' + error?.message);
      });
      hls.loadSource(url);
      hls.attachMedia(video);
    };`,
};

/** Opens a page with this player. */
export async function openPlayer(browser: Browser, site: string, player: PlayerName): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 700, height: 420 } });
  await page.goto(`${site}/?player=${player}`);
  await page.evaluate(
    `(() => { const video = document.querySelector('video'); window.eddyErrors = []; window.eddyStalls = 0; ${LOADERS[player]}
      video.addEventListener('waiting', () => void (window.eddyStalls += 1)); })()`,
  );
  return page;
}

/** Loads a URL; settles as soon as the player was told. */
export async function load(page: Page, url: string): Promise<void> {
  await page.evaluate(
    `void window.eddyLoad(${JSON.stringify(url)}).catch((error) => eddyErrors.push(String(error.code ?? error)))`,
  );
}

/** Waits until the video has played for some seconds; the error tells what the player said. */
export async function untilPlayed(page: Page, seconds: number, timeout = 20_000): Promise<void> {
  await page
    .waitForFunction(
      `(() => { const video = document.querySelector('video');
        const played = [...Array(video.played.length).keys()].reduce((sum, i) => sum + video.played.end(i) - video.played.start(i), 0);
        return played >= ${seconds}; })()`,
      undefined,
      { timeout },
    )
    .catch(async (error: unknown) => {
      throw new Error(`it does not play: ${JSON.stringify(await stateOf(page))}`, { cause: error });
    });
}

/** What a page can tell. */
export const stateOf = (page: Page) =>
  page.evaluate<{ time: number; ready: number; errors: string[]; stalls: number; buffered: [number, number][] }>(
    `(() => { const video = document.querySelector('video'); return { time: video.currentTime, ready: video.readyState,
      errors: eddyErrors, stalls: eddyStalls,
      buffered: [...Array(video.buffered.length).keys()].map((i) => [video.buffered.start(i), video.buffered.end(i)]) }; })()`,
  );
