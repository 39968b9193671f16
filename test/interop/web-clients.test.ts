/**
 * Clients for web pages that others wrote, in Chromium, from another origin and with bearer tokens: npm `whip-whep`,
 * `@eyevinn/whip-web-client` and `@eyevinn/webrtc-player`, used as their documentation says.
 */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { launchChromium, openPage } from '../browser/chromium.ts';
import type { WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { ask, serveClients, type ClientsSite } from './clients-page.ts';
import { startTurn } from './turn-server.ts';
import { interopPipeline, PUBLISH_TOKEN, WATCH_TOKEN } from './interop-pipeline.ts';

const PUBLISHERS = ['whip-whep', '@eyevinn/whip-web-client'];
const PLAYERS = ['whip-whep', '@eyevinn/webrtc-player'];
/** Pictures with a clock that goes forward. */
const ENOUGH = 30;

interface Pictures {
  readonly seen: number;
  readonly width: number;
  readonly height: number;
}

let [browser, eddy, site]: [Browser?, WebrtcPipeline?, ClientsSite?] = [];
const pages: { page: Page; errors: string[] }[] = [];

beforeAll(async () => {
  [browser, eddy, site] = await Promise.all([launchChromium(), interopPipeline(), serveClients()]);
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map(({ page }) => page.close()));
});
afterAll(async () => {
  await browser?.close();
  await Promise.all([eddy?.close(), site?.close()]);
});

const whip = (camera: string): string => `${eddy!.url}/whip/${camera}`;
const whep = (camera: string): string => `${eddy!.url}/whep/${camera}`;
const camera = (id: string) => eddy!.pipeline.camera(id);
const sessions = () => eddy!.pipeline.engine.container.get('sessions').list();

async function newPage(): Promise<Page> {
  const opened = await openPage(browser!);
  pages.push(opened);
  await opened.page.goto(site!.url);
  return opened.page;
}

describe.each(PUBLISHERS)('%s publishes', (publisher) => {
  it.each(PLAYERS)('and %s plays', async (player) => {
    const id = `${publisher}-${player}`.replaceAll(/[^a-z-]/g, '.').replace(/^\W+/, '');
    const [from, to] = [await newPage(), await newPage()];
    const { trickles } = await ask<{ trickles?: boolean }>(from, 'publish', publisher, whip(id), PUBLISH_TOKEN);
    // One that finds PATCH missing waits two seconds for candidates that nobody needs.
    expect(trickles ?? true).toBe(true);
    await ask(to, 'watch', player, whep(id), WATCH_TOKEN);
    const shown = await ask<Pictures>(to, 'pictures', ENOUGH);
    expect(shown.width / shown.height).toBeCloseTo(640 / 360, 1);
    await expect.poll(() => ask(to, 'heard', whep(id)), { timeout: 10_000 }).toEqual(['audio', 'video']);

    await ask(to, 'leave', whep(id));
    await expect.poll(() => sessions().filter(({ cameraId }) => cameraId === id)).toEqual([]);
    await ask(from, 'leave', whip(id));
    await expect.poll(() => camera(id)?.publications).toEqual([]);
    expect(pages.flatMap(({ errors }) => errors)).toEqual([]);
    meetBar({
      what: `Clients nobody here wrote: npm ${publisher} to ${player}, in Chromium`,
      bar: 'publishes and plays',
      measured: `${shown.seen} pictures with a running clock, ${shown.width}x${shown.height}, and sound; both end their sessions`,
      pass: shown.seen >= ENOUGH,
    });
  });
});

describe('whip-whep', () => {
  it('selects and unselects a layer, and hears events', async () => {
    const [from, to] = [await newPage(), await newPage()];
    await ask(from, 'publish', 'whip-whep', whip('choosing'), PUBLISH_TOKEN);
    const answers: string[] = [];
    to.on('response', (response) => {
      const { pathname } = new URL(response.url());
      const what = /\/(layer|sse)(?:\/|$)/.exec(pathname)?.[1];
      const method = response.request().method();
      if (what && method !== 'OPTIONS') answers.push(`${method} ${what} ${response.status()}`);
    });
    await ask(to, 'watch', 'whip-whep', whep('choosing'), WATCH_TOKEN);
    await ask<Pictures>(to, 'pictures', 3);
    await ask(to, 'call', whep('choosing'), 'selectLayer', { spatialLayerId: 0 });
    await ask(to, 'call', whep('choosing'), 'unselectLayer');
    await expect
      .poll(() => answers.toSorted())
      .toEqual(['POST sse 201', 'GET sse 200', 'POST layer 200', 'DELETE layer 200'].sort());
  });

  it('plays by TCP where UDP is blocked', async () => {
    const [from, to] = [await newPage(), await newPage()];
    await ask(from, 'publish', 'whip-whep', whip('tcp'), PUBLISH_TOKEN);
    await ask(to, 'watch', 'whip-whep', whep('tcp'), WATCH_TOKEN, { answer: 'tcp' });
    expect((await ask<Pictures>(to, 'pictures', ENOUGH)).seen).toBe(ENOUGH);
    const remote = () => sessions().find(({ cameraId }) => cameraId === 'tcp')?.state.remote;
    await expect.poll(remote, { timeout: 15_000 }).toMatch(/^tcp /);
  });
});

it('a page that closes its connection without DELETE: the close of DTLS frees publisher and viewer', async () => {
  const [from, to] = [await newPage(), await newPage()];
  await ask(from, 'publish', 'whip-whep', whip('dropped'), PUBLISH_TOKEN);
  await ask(to, 'watch', 'whip-whep', whep('dropped'), WATCH_TOKEN);
  await ask(to, 'pictures', 3);
  // Pages of other tests may have ended so too.
  const ended = (what: string) => eddy!.pipeline.metric(`${what}_sessions_ended_total`, { reason: 'dtls' });
  const before = { whep: await ended('whep'), whip: await ended('whip') };
  await ask(to, 'drop', whep('dropped'));
  await expect.poll(() => ended('whep'), { timeout: 10_000 }).toBeGreaterThan(before.whep);
  await ask(from, 'drop', whip('dropped'));
  await expect.poll(() => ended('whip'), { timeout: 10_000 }).toBeGreaterThan(before.whip);
  expect(sessions().filter(({ cameraId }) => cameraId === 'dropped')).toEqual([]);
  expect(camera('dropped')!.publications).toEqual([]);
});

describe('ICE', () => {
  it('restarts while pictures go on', async () => {
    // whip-whep 1.2.0 joins several candidates of a restart's answer with a comma, which no browser reads: it gets one.
    const udp = await interopPipeline({ workers: { tcp: false } });
    try {
      const [from, to] = [await newPage(), await newPage()];
      const url = `${udp.url}/whip/restarted`;
      await ask(from, 'publish', 'whip-whep', url, PUBLISH_TOKEN);
      await ask(to, 'watch', 'whip-whep', `${udp.url}/whep/restarted`, WATCH_TOKEN);
      await ask(to, 'pictures', 3);
      const answers: number[] = [];
      from.on('response', (response) => {
        if (response.request().method() === 'PATCH') answers.push(response.status());
      });
      await ask(from, 'restart', url);
      expect(answers).toContain(200);
      await ask(to, 'pictures', ENOUGH);
      await ask(to, 'restart', `${udp.url}/whep/restarted`);
      await ask(to, 'pictures', ENOUGH);
    } finally {
      await Promise.all(pages.splice(0).map(({ page }) => page.close()));
      await udp.close();
    }
  });

  it('goes by a TURN server that the configuration names, where the network lets nothing else through', async () => {
    const turn = await startTurn({ alice: 'wonderland' });
    const relayed = await interopPipeline({
      workers: { 'ice-servers': [{ urls: [turn.url], username: 'alice', credential: 'wonderland' }] },
    });
    try {
      const [from, to] = [await newPage(), await newPage()];
      await ask(from, 'publish', 'whip-whep', `${relayed.url}/whip/relayed`, PUBLISH_TOKEN);
      const url = `${relayed.url}/whep/relayed`;
      // The page is told of no server but by the Link header.
      await ask(to, 'watch', 'whip-whep', url, WATCH_TOKEN, { iceTransportPolicy: 'relay' });
      await ask(to, 'pictures', ENOUGH);
      const used = await ask<string[]>(to, 'localCandidates', url);
      // The relay's address as the worker saw it first is "prflx", and belongs to the relay all the same.
      expect(used.filter((type) => type !== 'relay' && type !== 'prflx')).toEqual([]);
      expect(used).not.toEqual([]);
    } finally {
      await Promise.all(pages.splice(0).map(({ page }) => page.close()));
      await relayed.close();
      turn.stop();
    }
  });
});
