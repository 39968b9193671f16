/** Chromium publishes three layers by WHIP: `webrtc.sfu` makes a rendition of each, in step, and `package.cmaf` cuts them. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HttpServer } from '../../core/contracts/index.ts';
import { systemClock } from '../../core/engine/clock.ts';
import type { AccessUnit, VideoCaps } from '../../core/model/index.ts';
import { capturingSink, testPipeline, type TestPipeline } from '../../core/testing/index.ts';
import httpServer from '../../plugins/http/server/plugin.ts';
import { decodeBlockClock } from '../../core/media/block-clock.ts';
import cmaf from '../../plugins/package/cmaf/plugin.ts';
import sfu from '../../plugins/webrtc/sfu/plugin.ts';
import whip from '../../plugins/webrtc/whip/plugin.ts';
import workers from '../../plugins/webrtc/workers/plugin.ts';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { decodeVideo } from '../media/support/decode.ts';
import { launchChromium, openPage } from './chromium.ts';
import { publish, webrtcPage } from './webrtc-pages.ts';

const SECONDS = atLevel({ test: 12, proof: 60 });
const SIMULCAST = [
  { rid: 'q', scaleResolutionDownBy: 4, maxBitrate: 150_000 },
  { rid: 'h', scaleResolutionDownBy: 2, maxBitrate: 300_000 },
  { rid: 'f', maxBitrate: 700_000 },
];
const NAMES = ['video', 'video-1', 'video-2'];

const frames = capturingSink({ video: 'frames', audio: 'frames' });
const chunks = capturingSink({ in: 'chunks' });
let browser: Browser;
let pipeline: TestPipeline;

beforeAll(async () => {
  browser = await launchChromium();
  pipeline = await testPipeline(
    {
      services: {
        http: { plugin: httpServer, config: { listen: '127.0.0.1:0' } },
        rtc: { plugin: workers, config: { listen: '127.0.0.1:0', workers: 1 } },
      },
      stages: { whip, sfu, cmaf, frames: frames.plugin, chunks: chunks.plugin },
      links: [
        'whip.rtp -> sfu.rtp',
        { link: 'sfu.video -> frames.video', queue: '5s' },
        { link: 'sfu.audio -> frames.audio', queue: '5s' },
        { link: 'sfu.video -> cmaf.video', queue: '5s' },
        { link: 'sfu.audio -> cmaf.audio', queue: '5s' },
        'cmaf.chunks -> chunks.in',
      ],
    },
    { clock: systemClock },
  );
});
afterAll(async () => {
  await browser?.close();
  await pipeline?.stop();
});

const quantile = (values: readonly number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))]!;
const say = (text: string): boolean => process.stdout.write(`${text}\n`);

/** How long after it was drawn each picture is, by the track's server time, ms; pictures without a readable clock are left out. */
async function latencies(id: string): Promise<number[]> {
  const track = frames.pads.video.tracks('cam').findLast((each) => each.id === id)!;
  const caps = track.caps as VideoCaps;
  const units: AccessUnit[] = [...track.items];
  const pictures = await decodeVideo(caps, units);
  return pictures.flatMap(({ luma }, i) => {
    const clock = decodeBlockClock({ width: caps.width, data: luma }, 1);
    const wall = track.track.clock.toWall(units[i]!.pts, caps.timescale)!;
    return clock ? [wall - clock.epochMs] : [];
  });
}

it('three layers and sound: one timeline, segments that begin together, and no key frame too many', async () => {
  const { page } = await openPage(browser);
  await webrtcPage(page, pipeline.service(HttpServer, 'http').urls[0]!);
  const url = `${pipeline.service(HttpServer, 'http').urls[0]!}/whip/cam`;
  const started = await publish(page, url, { width: 960, height: 544, fps: 15, codec: 'H264', simulcast: SIMULCAST });
  expect(started.status, started.body).toBe(201);
  await frames.pads.video.until((pad) => new Set(pad.tracks('cam').map(({ id }) => id)).size === 3, 20_000);
  const asked = await pipeline.metric('sfu_key_frame_requests_total');
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  const requests = (await pipeline.metric('sfu_key_frame_requests_total')) - asked;

  const tracks = [...frames.pads.video.tracks('cam'), ...frames.pads.audio.tracks('cam')];
  expect([...new Set(tracks.map(({ id }) => id))].sort()).toEqual(['audio', ...NAMES]);
  expect(new Set(tracks.map(({ track }) => track.clock)).size).toBe(1);
  await page.close();

  // A browser without the processor or the bandwidth for it stops its highest layer.
  const end = Math.max(...frames.pads.video.items('cam').map(({ arrivedAt }) => arrivedAt));
  const live = NAMES.filter((id) => end - frames.pads.video.items('cam', id).at(-1)!.arrivedAt < 1000);
  expect(live.length).toBeGreaterThanOrEqual(2);
  const medians: number[] = [];
  for (const id of live) {
    const found = await latencies(id);
    expect(found.length).toBeGreaterThan(SECONDS * 5);
    medians.push(quantile(found, 0.5));
    say(
      `${id}: drawn ${Math.round(quantile(found, 0.5))} ms before its server time (p95 ${Math.round(quantile(found, 0.95))} ms)`,
    );
  }
  const apart = Math.max(...medians) - Math.min(...medians);
  say(`layers lie ${apart.toFixed(1)} ms apart; ${requests} key frame requests in ${SECONDS} s`);
  expect(apart).toBeLessThanOrEqual(20);
  expect(requests).toBeLessThanOrEqual(3 * (SECONDS / 2 + 1));

  const begins = live.map((id) => {
    const found = chunks.pads.in.items('cam', id).filter(({ part, independent }) => part === 0 && independent);
    return new Map(found.map(({ segment, startTs }) => [segment, startTs]));
  });
  const spreads = [...begins[0]!.keys()]
    .filter((segment) => begins.every((each) => each.has(segment)))
    .map((segment) => begins.map((each) => each.get(segment)!))
    .map((starts) => Math.max(...starts) - Math.min(...starts))
    .slice(2); // layers begin one after the other
  say(`${spreads.length} segments begin in ${live.join(', ')}, at most ${Math.max(...spreads).toFixed(1)} ms apart`);
  expect(spreads.length).toBeGreaterThanOrEqual(SECONDS / 3 - 3);
  meetBar({
    what: 'DVR of simulcast: boundaries of the layers',
    bar: 'spread p95 <= 100 ms',
    measured: `p95 ${quantile(spreads, 0.95).toFixed(1)} ms, at most ${Math.max(...spreads).toFixed(1)} ms, ${spreads.length} segments of ${live.length} layers in ${SECONDS} s`,
    pass: quantile(spreads, 0.95) <= 100,
  });
  expect(pipeline.logs.filter(({ level }) => level === 'error')).toEqual([]);
}, 120_000);
