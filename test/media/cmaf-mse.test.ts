/** Chunks in a browser's own demuxer: server time as timeline, negative composition offsets, audio beside video. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { clockAt, EPOCH, play, Recorder } from '../unit/package/harness.ts';
import { fromFlv } from './flv-file.ts';

/** The page's own things: the project knows no DOM types. */
declare const document: any;
declare const MediaSource: any;

let browser: Browser;
beforeAll(async () => {
  browser = await chromium.launch({
    executablePath: process.env.EDDY_CHROMIUM ?? '/usr/bin/chromium',
    args: ['--no-sandbox'],
  });
});
afterAll(() => browser?.close());

it('Chromium plays parts one by one as one unbroken range, picture and sound', async () => {
  const inputs = ['-f', 'lavfi', '-i', 'testsrc2=s=320x180:r=30', '-f', 'lavfi', '-i', 'sine=r=44100', '-t', '6'];
  const codecs = ['-c:v', 'libx264', '-preset', 'veryfast', '-bf', '2', '-g', '60', '-c:a', 'aac', '-f', 'flv', '-'];
  const options = { encoding: 'buffer', maxBuffer: 2 ** 26, timeout: 30_000 } as const;
  const { stdout } = await promisify(execFile)('ffmpeg', ['-v', 'error', ...inputs, ...codecs], options);
  const streams = fromFlv(stdout);
  const recorder = new Recorder();
  const clock = clockAt(EPOCH);
  const feeds = (['video', 'audio'] as const).map((id) => {
    const { caps, units } = streams[id]!;
    return [recorder.segmenter.addTrack(id, caps, clock), units] as const;
  });
  play(feeds);
  for (const [input] of feeds) input.end('publisher-ended');
  const tracks = (['video', 'audio'] as const).map((id) => ({
    type: `${id}/mp4; codecs="${recorder.of(id).caps.codecString}"`,
    pieces: [recorder.of(id).caps.init, ...recorder.chunks(id).map((chunk) => chunk.data)].map((each) =>
      Buffer.from(each).toString('base64'),
    ),
  }));

  const page = await browser.newPage();
  const seen = await page.evaluate(async (given) => {
    const video = document.createElement('video');
    video.muted = true;
    const source = new MediaSource();
    const opened = new Promise((resolve) => source.addEventListener('sourceopen', resolve, { once: true }));
    video.src = URL.createObjectURL(source);
    document.body.append(video);
    await opened;
    const buffers = given.map(({ type }): any => source.addSourceBuffer(type));
    for (const [i, { pieces }] of given.entries()) {
      for (const piece of pieces) {
        const done = new Promise((resolve) => buffers[i].addEventListener('updateend', resolve, { once: true }));
        buffers[i].appendBuffer(Uint8Array.from(atob(piece), (letter) => letter.charCodeAt(0)));
        await done;
      }
    }
    const ranges = buffers.map(({ buffered }: any): number[][] =>
      Array.from({ length: buffered.length }, (_, range) => [buffered.start(range), buffered.end(range)]),
    );
    source.endOfStream();
    const start = video.buffered.start(0);
    video.currentTime = start;
    video.playbackRate = 4;
    await video.play();
    await new Promise((resolve) => video.addEventListener('ended', resolve, { once: true }));
    const { totalVideoFrames } = video.getVideoPlaybackQuality();
    return { ranges, played: video.currentTime - start, totalVideoFrames, error: video.error?.message ?? '' };
  }, tracks);

  expect(seen.error).toBe('');
  const [picture, sound] = seen.ranges;
  expect(picture).toHaveLength(1);
  expect(sound).toHaveLength(1);
  expect(picture![0]![1]! - picture![0]![0]!).toBeCloseTo(6, 1);
  // The first picture is shown 67 ms into the source's time, since it has two B-frames.
  expect(picture![0]![0]! - EPOCH / 1000).toBeCloseTo(recorder.chunks('video')[0]!.startTs / 1000 - EPOCH / 1000, 2);
  expect(Math.abs(sound![0]![0]! - picture![0]![0]!)).toBeLessThan(0.025);
  expect(seen.played).toBeGreaterThan(5.8);
  expect(seen.totalVideoFrames).toBeGreaterThan(150);
});
