/**
 * WHIP and WHEP under attack: malformed SDP, huge bodies, unknown sessions, wrong types, by the thousand. The engine is a process of
 * its own, so that its memory can be told; so is the attacker, so that the live camera and its viewer are not slowed by the test itself.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { afterEach, expect, it } from 'vitest';
import { readUsage } from '../../core/plugin/index.ts';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { startEddy } from '../support/eddy.ts';
import { fakePictures, play, publishByWhip, watchByWhep } from '../support/libdatachannel.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';

const MIB = 1024 * 1024;
/** What 32 bodies of two MiB, half read, and the garbage of 10,000 requests may take for a moment; a leak takes more. */
const MEMORY = 96 * MIB;
/** Viewers see no pause that their jitter buffer would show. */
const PAUSE_MS = 500;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

const pipeline = (posts: string): string => `
version: 1
name: hostile
services:
  http: { plugin: http.server, listen: HTTP }
  rtc:  { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
stages:
  whip: { plugin: webrtc.whip, posts: ${posts} }
  sfu:  { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep, posts: ${posts} }
links:
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
`;

async function start(posts: string) {
  const eddy = await startEddy(pipeline(posts));
  undo.push(() => eddy.stop());
  const publisher = await publishByWhip(`${eddy.http}/whip/live`, { pictures: fakePictures(500_000) });
  undo.push(publisher.close);
  undo.push(play([publisher]));
  const viewer = await watchByWhep(`${eddy.http}/whep/live`);
  undo.push(viewer.close);
  await expect.poll(() => viewer.received.pictures, { timeout: 10_000 }).toBeGreaterThan(10);
  return { eddy, viewer };
}

it('hostile requests: all are refused as the client’s fault, memory is bounded, the live viewer is undisturbed', async () => {
  const { eddy, viewer } = await start('1000000 in 1s');
  const memory = (): number => readUsage(eddy.pid)!.rssBytes;
  const before = { rss: memory(), pictures: viewer.received.pictures };
  let most = 0;
  const meter = setInterval(() => (most = Math.max(most, memory())), 100);
  undo.push(() => clearInterval(meter));
  viewer.longestPause();
  await new Promise((resolve) => setTimeout(resolve, atLevel({ test: 100, proof: 3000 })));
  const peace = viewer.longestPause();
  const attacker = fork(new URL('./hostile-webrtc-attacker.ts', import.meta.url), [
    eddy.http,
    String(atLevel({ test: 1000, proof: 11_500 })),
  ]);
  undo.push(() => attacker.kill('SIGKILL'));
  const [statuses] = (await once(attacker, 'message')) as [Record<string, number>];
  const pause = viewer.longestPause();

  const count = Object.values(statuses).reduce((a, b) => a + b, 0);
  const refused = Object.entries(statuses).filter(([status]) => /^4\d\d$/.test(status));
  expect(
    refused.reduce((sum, [, times]) => sum + times, 0),
    JSON.stringify(statuses),
  ).toBe(count);
  for (const status of ['400', '404', '405', '413', '415', '422']) expect(statuses).toHaveProperty(status);
  expect(most - before.rss).toBeLessThan(MEMORY);
  // Neither the publisher nor its viewer was replaced, and both go on.
  const during = viewer.received.pictures;
  expect(during).toBeGreaterThan(before.pictures);
  await expect.poll(() => viewer.received.pictures).toBeGreaterThan(during + 5);
  expect(viewer.connection.state()).toBe('connected');
  const told = refused.map(([status, times]) => `${status}: ${times}`).join(', ');
  if (level === 'proof')
    meetBar({
      what: 'Hostile WebRTC requests: malformed SDP, huge bodies, unknown sessions, wrong types, 10k POSTs',
      bar: `all 4xx, at most ${MEMORY / MIB} MiB more memory, no pause of the live viewer above ${PAUSE_MS} ms`,
      measured: `${count} requests (${told}); memory +${Math.round((most - before.rss) / MIB)} MiB at most; longest pause ${Math.round(pause)} ms, before ${Math.round(peace)} ms`,
      pass: pause <= PAUSE_MS,
    });
});

it('valid offers by the thousand: beyond the rate of an address 429 with Retry-After, and who watches stays', async () => {
  const { eddy, viewer } = await start('20 in 10s');
  const headers = { 'content-type': 'application/sdp' };
  const body = fixture('chromium-156-whep');
  const answers = await Promise.all(
    Array.from({ length: atLevel({ test: 200, proof: 2000 }) }, async () => {
      const response = await fetch(`${eddy.http}/whep/live`, { method: 'POST', headers, body });
      await response.arrayBuffer();
      return response;
    }),
  );
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.every((response) => Number(response.headers.get('retry-after')) >= 1)).toBe(true);
  // Tokens come back while it goes on.
  expect(answers.length - refused.length).toBeLessThan(answers.length / 4);
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201, 429]));
  const { pictures } = viewer.received;
  await expect.poll(() => viewer.received.pictures).toBeGreaterThan(pictures + 5);
});
