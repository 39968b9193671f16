/** Key frames at every distance of the bar, by RTMP through the minimal pipeline into Chromium. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { launchChromium, openPage } from '../browser/chromium.ts';
import { measureGlassToGlass, untilPlaying } from '../browser/glass-to-glass.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { checkHls } from '../support/hls-rules.ts';

const SECONDS = Number(process.env.EDDY_GOP_SECONDS ?? 40);
/** What happens while a player finds its place is its start, not a stall of the live stream. */
const SETTLE_MS = 5000;
/** The longest that a segment may be without a finding, s: TARGETDURATION is 2 x segment. */
const LONGEST = 4;

let browser: Browser;
let eddy: RunningEddy | undefined;
let publisher: FfmpegRun | undefined;
beforeAll(async () => {
  browser = await launchChromium();
});
afterAll(() => browser.close());
afterEach(async () => {
  await publisher?.stop();
  await eddy?.stop();
  publisher = eddy = undefined;
});

const every = (seconds: number): string => `-g ${Math.round(seconds * 30)}`;

it.each([
  { gop: '0.5 s', keys: every(0.5), warns: false },
  { gop: '1.67 s', keys: every(1.67), warns: false },
  { gop: '2 s', keys: every(2), warns: false },
  { gop: '8.3 s', keys: every(8.3), warns: true },
  // From one frame to 5.9 s.
  { gop: 'irregular', keys: '-g 9999 -force_key_frames expr:gte(t,n_forced*2.5+2*sin(n_forced*2))', warns: true },
])('a key frame every $gop: clean playlists, no stall, a warning where one is due', async ({ gop, keys, warns }) => {
  const pipeline = await readFile(join(import.meta.dirname, '../../pipelines/minimal.yaml'), 'utf8');
  eddy = await startEddy(pipeline.replace('127.0.0.1:8080', 'HTTP').replace('127.0.0.1:1935', 'RTMP'));
  publisher = startFfmpeg(
    `-re -f lavfi -i testsrc2=s=640x360:r=30 -f lavfi -i sine=r=48000 -c:v libx264 -preset ultrafast -tune zerolatency ${keys} -sc_threshold 0 -c:a aac -f flv ${eddy.rtmp}/cam1`,
  );
  const index = `${eddy.http}/hls/cam1/index.m3u8`;
  await until('the camera to play', async () => (await fetch(index)).ok);
  // At 8.3 s that is in a segment without a key frame, where a player could begin with nothing to show.
  await new Promise((resolve) => setTimeout(resolve, 2500));
  const { page, errors } = await openPage(browser, { width: 800, height: 600 });
  try {
    await page.goto(`${eddy.http}/watch/cam1`);
    await untilPlaying(page);
    await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
    const [report, [player]] = await Promise.all([
      checkHls(index, { forMs: SECONDS * 1000 }),
      measureGlassToGlass([page], { seconds: SECONDS }),
    ]);
    const playlist = await (await fetch(`${eddy.http}/hls/cam1/video/live.m3u8`)).text();
    const longest = Math.max(...[...playlist.matchAll(/#EXTINF:([\d.]+)/g)].map(([, seconds]) => Number(seconds)));
    const target = Number(/#EXT-X-TARGETDURATION:(\d+)/.exec(playlist)![1]);
    expect(target).toBe(LONGEST);
    const warned = eddy.log().some((line) => JSON.stringify(line).includes('package.cmaf/GOP_TOO_LONG'));
    expect(errors).toEqual([]);
    expect(report.segments).toBeGreaterThan(SECONDS / LONGEST);
    meetBar({
      what: `GOPs: ${gop}`,
      bar: 'playlists clean, EXTINF within TARGETDURATION, plays without a stall, warning given',
      measured: `${SECONDS} s: ${report.findings.length} findings in ${report.updates} playlists${report.findings.length > 0 ? ` (${report.findings[0]})` : ''}, longest EXTINF ${longest.toFixed(2)} of ${target} s, ${player!.stalls} stalls, ${warned ? 'GOP_TOO_LONG told' : 'no warning due'}`,
      pass: report.findings.length === 0 && Math.round(longest) <= target && player!.stalls === 0 && warned === warns,
    });
  } finally {
    await page.close();
  }
});
