/** Chromium publishes by WHIP and watches by WHEP, over the real routers: camera switches, layers, returns, pauses. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { atLevel, level } from '../level.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { launchChromium, openPage } from './chromium.ts';
import { publish, statsOf, untilHue, watch, webrtcPage } from './webrtc-pages.ts';

const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 400_000 },
  { rid: 'f', maxBitrate: 1_200_000 },
];

let browser: Browser;
let eddy: WebrtcPipeline;
const pages: Page[] = [];

beforeAll(async () => {
  [browser, eddy] = await Promise.all([launchChromium(), webrtcPipeline({ cameras: { linger: 5000 } })]);
});
afterEach(async () => {
  await Promise.all(pages.splice(0).map((page) => page.close()));
});
afterAll(async () => {
  await browser?.close();
  await eddy?.close();
});

async function newPage(): Promise<Page> {
  const { page } = await openPage(browser);
  pages.push(page);
  return webrtcPage(page, eddy.url);
}

const post = (url: string, body: object): Promise<Response> =>
  fetch(url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) });

const say = (text: string): boolean => process.stdout.write(`${text}\n`);

const quantile = (values: readonly number[], share: number): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!);

describe('one session', () => {
  it('changes between cameras of different sizes and codecs, with the same track', { timeout: 120_000 }, async () => {
    const cameras = [
      { id: 'red', hue: 0, codec: 'H264', width: 640, height: 360 },
      { id: 'green', hue: 120, codec: 'VP8', width: 320, height: 320 },
    ];
    const source = await newPage();
    for (const { id, ...options } of cameras) {
      expect((await publish(source, `${eddy.url}/whip/${id}`, { ...options, bitrate: 600_000 })).status).toBe(201);
    }
    const player = await newPage();
    const { location } = await watch(player, `${eddy.url}/whep/red`);
    await untilHue(player, 0);
    await player.evaluate('window.trackOf = () => document.querySelector("video").srcObject.getVideoTracks()[0]');
    await player.evaluate('window.track = window.trackOf()');
    const times: number[] = [];
    for (let i = 0; i < atLevel({ test: 6, proof: 50 }); i++) {
      await new Promise((resolve) => setTimeout(resolve, 1000));
      const { id, hue, width, height } = cameras[(i + 1) % 2]!;
      const asked = performance.now();
      const answered = post(`${location}/camera`, { cameraId: id });
      const shown = await untilHue(player, hue);
      times.push(performance.now() - asked);
      expect((await answered).status).toBe(200);
      // A busy machine's encoder makes the picture smaller, never of another shape.
      expect(shown.width / shown.height).toBeCloseTo(width / height, 1);
    }
    say(`${times.length} switches: p50 ${quantile(times, 0.5)} ms, p95 ${quantile(times, 0.95)} ms`);
    expect(await player.evaluate('window.track === window.trackOf()')).toBe(true);
    if (level === 'proof') expect(quantile(times, 0.95)).toBeLessThanOrEqual(500);
    const sessions = () => eddy.pipeline.engine.container.get('sessions').list();
    // Pages of tests before have left without a word; their sessions end when ICE consent does.
    const mine = sessions().filter(({ cameraId }) => cameras.some(({ id }) => id === cameraId));
    expect(mine).toHaveLength(1);
    expect(mine[0]).toMatchObject({ cameraId: 'red', protocol: 'whep', state: { role: 'viewer', state: 'connected' } });
  });

  it('goes on when its publisher comes back', { timeout: 60_000 }, async () => {
    const first = await newPage();
    await publish(first, `${eddy.url}/whip/back`, { hue: 240, bitrate: 600_000 });
    const player = await newPage();
    await watch(player, `${eddy.url}/whep/back`);
    await untilHue(player, 240);
    await first.close();
    pages.splice(pages.indexOf(first), 1);
    const second = await newPage();
    await publish(second, `${eddy.url}/whip/back`, { hue: 120, bitrate: 600_000 });
    const { after } = await untilHue(player, 120);
    if (level === 'proof') expect(after).toBeLessThan(3000);
  });

  it('gets simulcast layers as it chooses, and tells them', { timeout: 60_000 }, async () => {
    const camera = await newPage();
    await publish(camera, `${eddy.url}/whip/layers`, { width: 640, height: 360, simulcast: SIMULCAST, audio: false });
    const player = await newPage();
    const { location } = await watch(player, `${eddy.url}/whep/layers`);
    const widthBecomes = (width: number) =>
      expect.poll(() => player.evaluate('document.querySelector("video").videoWidth'), { timeout: 15_000 }).toBe(width);
    expect((await post(`${location}/layer`, { rid: 'q' })).status).toBe(200);
    await widthBecomes(160);
    expect((await post(`${location}/layer`, { rid: 'h' })).status).toBe(200);
    await widthBecomes(320);
    expect((await post(`${location}/layer`, { rid: 'x' })).status).toBe(409);

    const events = await fetch(`${location}/sse`, { signal: AbortSignal.timeout(5000) });
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    let text = '';
    while (!text.includes('event: layers')) text += (await reader.read()).value ?? '';
    await reader.cancel();
    const told = JSON.parse(/event: layers\ndata: (.*)\n/.exec(text + '\n')![1]!) as Record<string, { rid: string }[]>;
    expect(told['0']!.map(({ rid }) => rid)).toEqual(['q', 'h', 'f']);
  });

  it('pauses and resumes, and plays sound alone', { timeout: 60_000 }, async () => {
    const camera = await newPage();
    await publish(camera, `${eddy.url}/whip/pausing`, { bitrate: 600_000 });
    const player = await newPage();
    const url = `${eddy.url}/whep/pausing`;
    const { location } = await watch(player, url);
    const packets = async (kind: string): Promise<number> =>
      (await statsOf(player, url)).find((report) => (report as never as { kind: string }).kind === kind)
        ?.packetsReceived ?? 0;
    const grows = async (kind: string): Promise<boolean> => {
      const before = await packets(kind);
      await new Promise((resolve) => setTimeout(resolve, 700));
      return (await packets(kind)) > before;
    };
    await post(`${location}/pause`, { kind: 'video' });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(await grows('video')).toBe(false);
    expect(await grows('audio')).toBe(true);
    await post(`${location}/resume`, {});
    expect(await grows('video')).toBe(true);

    const listener = await newPage();
    expect((await watch(listener, url, { video: false })).status).toBe(201);
    await expect
      .poll(
        async () => (await statsOf(listener, url)).find(({ packetsReceived }) => packetsReceived! > 20) !== undefined,
      )
      .toBe(true);
  });
});
