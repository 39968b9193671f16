/** A camera with a past of more than an hour, a hole in it, and a present by WebRTC: all of it burned-in clock. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { blockClockSource } from '../../core/media/block-clock.ts';
import { startClockCamera, type ClockCamera } from '../support/clock-camera.ts';
import { recordClock } from '../support/clock-recording.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';

const replaySource = join(import.meta.dirname, '../support/replay-source/plugin.ts');
const pipeline = (folder: string, startAt: number, stretches: string): string => `
version: 1
name: scrub
cameras: { second-publisher: take-over, linger: 30s }
plugins: ['${replaySource}']
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  rtc: { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
  store: { plugin: store.filesystem, dir: ./media }
  player: { plugin: web.player }
stages:
  replay: { plugin: test.replay, file: ${folder}/clock.flv, start-at: '${startAt}', stretches: ${stretches} }
  rtmp: { plugin: ingest.rtmp, listen: RTMP, app: live }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 1m, dir: ./log, durability: { rpo: 1m } }
  index: { plugin: index.sqlite, file: ./index.db }
  hls: { plugin: publish.hls }
  pictures: { plugin: publish.pictures }
links:
  - replay.video | rtmp.video -> cmaf.video: { full: block }
  - replay.audio | rtmp.audio -> cmaf.audio: { full: block }
  - rtmp.video -> sfu.video, pictures.video
  - sfu.out -> whep.in
  - cmaf.chunks -> dvr.chunks: { full: block }
  - dvr.live -> hls.chunks
`;

/** What {@link startScrubSite} makes. */
export interface ScrubSite {
  readonly eddy: RunningEddy;
  /** The camera that is live; stopping it takes the camera away. */
  readonly camera: ClockCamera;
  /** Epoch ms: the oldest moment, and the hole in the recording. */
  readonly oldest: number;
  readonly hole: { readonly start: number; readonly end: number };
  stop(): Promise<void>;
}

/** Records `seconds` of clock that began `ago` seconds ago, with a hole from `hole` on for ten seconds, and goes live. */
export async function startScrubSite(options: {
  readonly ago: number;
  readonly seconds: number;
  readonly hole: number;
}): Promise<ScrubSite> {
  const { ago, seconds, hole } = options;
  const folder = await mkdtemp(join(tmpdir(), 'eddy-scrub-'));
  const oldest = Math.floor(Date.now() / 1000 - ago) * 1000;
  await writeFile(join(folder, 'clock.flv'), await recordClock({ startAt: oldest, seconds }));
  const eddy = await startEddy(pipeline(folder, oldest, `0..${hole} ${hole + 10}..${seconds}`), { folder });
  const from = oldest + (seconds - 3) * 1000;
  await until(
    'the past to be stored',
    async () => {
      const answer = await fetch(`${eddy.http}/api/v1/cameras/cam/segments?start=${from}&end=${from + 2500}`);
      return (await answer.text()).includes('video/');
    },
    { timeout: 120_000, every: 300 },
  );
  const camera = startClockCamera(`${eddy.rtmp}/cam`, { width: 640, height: 360 });
  return {
    eddy,
    camera,
    oldest,
    hole: { start: oldest + hole * 1000, end: oldest + (hole + 10) * 1000 },
    async stop() {
      await camera.stop();
      await eddy.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A picture that was on screen. */
export interface Seen {
  /** Epoch ms, of this machine. */
  readonly at: number;
  /** What its clock says; undefined where it could not be read. */
  readonly epochMs: number | undefined;
  /** An older picture was held over it. */
  readonly held: boolean;
}

/** Notes every picture that the page shows from now on, for {@link seen}. */
export const watchPictures = (page: Page): Promise<unknown> =>
  page.evaluate(`(() => {
    ${blockClockSource}
    const video = document.querySelector('#video');
    const held = document.querySelector('#held');
    const canvas = document.createElement('canvas');
    const context = canvas.getContext('2d', { willReadFrequently: true });
    window.seen = [];
    const onFrame = () => {
      video.requestVideoFrameCallback(onFrame);
      const { videoWidth: width } = video;
      if (width === 0) return;
      const height = Math.ceil(width / 16);
      canvas.width = width; canvas.height = height;
      context.drawImage(video, 0, 0, width, height, 0, 0, width, height);
      const epochMs = decodeBlockClock(context.getImageData(0, 0, width, height))?.epochMs;
      window.seen.push({ at: performance.timeOrigin + performance.now(), epochMs, held: !held.hidden });
    };
    video.requestVideoFrameCallback(onFrame);
  })()`);

/** The pictures since a moment. */
export const seen = (page: Page): Promise<readonly Seen[]> => page.evaluate<readonly Seen[]>('window.seen');

/** The clock in the small picture that the bar shows under the pointer, epoch ms; undefined where it shows none. */
export const peekedAt = (page: Page): Promise<number | undefined> =>
  page.evaluate<number | undefined>(`(() => {
    ${blockClockSource}
    const canvas = document.querySelector('#peek-picture');
    if (canvas.hidden) return undefined;
    const { width } = canvas;
    return decodeBlockClock(canvas.getContext('2d').getImageData(0, 0, width, Math.ceil(width / 16)))?.epochMs;
  })()`);
