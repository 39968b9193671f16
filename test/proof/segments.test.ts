/** Segments at every frame rate of the bar, from a real encoder, judged by four readers that are not ours. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { fromFlv, type Stream } from '../media/flv-file.ts';
import { expectMp4boxAgrees, ffmpeg, pictures, probePackets, repackage, segmented } from '../media/support/readers.ts';
import { checkHls } from '../support/hls-rules.ts';
import { hlsServer } from '../support/hls-server.ts';
import { encodeClip, playLive } from '../support/live-source.ts';
import type { Recorder } from '../unit/package/harness.ts';

const RATES = ['10', '12', '15', '24000/1001', '24', '25', '30000/1001', '30', '50', '60000/1001'];
const B_FRAMES = [0, 2];
const SECONDS = 12;
/** The most that a live stream is followed, seconds. */
const LIVE_SECONDS = 15;

const number = (rate: string): number => {
  const [frames, seconds = 1] = rate.split('/').map(Number) as [number, number?];
  return frames / seconds;
};
const names = RATES.map((rate) =>
  number(rate)
    .toFixed(3)
    .replace(/\.?0+$/, ''),
).join(', ');

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'eddy-segments-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** H.264 and AAC as an RTMP publisher would send them: timestamps in whole milliseconds. */
async function encode(rate: string, bFrames: number, filter = 'null'): Promise<Required<ReturnType<typeof fromFlv>>> {
  const gop = Math.round(number(rate) * 2);
  const picture = `-f lavfi -i testsrc2=s=322x180:r=${rate} -f lavfi -i sine=r=48000 -t ${SECONDS} -vf ${filter} -vsync vfr`;
  const codecs = `-c:v libx264 -preset veryfast -bf ${bFrames} -g ${gop} -c:a aac -f flv -`;
  return fromFlv(await ffmpeg(...`${picture} ${codecs}`.split(' '))) as Required<ReturnType<typeof fromFlv>>;
}

/** Parts as shares of PART-TARGET: those that the lower bound is for, and all. */
function shares(recorder: Recorder, id: string): { full: number[]; all: number[] } {
  const { timescale, partTarget } = recorder.of(id).caps;
  const parts = recorder.chunks(id).map((chunk) => ({ ...chunk, share: chunk.duration / timescale / partTarget }));
  return { full: parts.filter((part) => !part.last).map(({ share }) => share), all: parts.map(({ share }) => share) };
}

const bytes = (stream: Stream): string[] => stream.units.map(({ data }) => Buffer.from(data).toString('base64'));

const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

it('at every rate, with and without B-frames: parts are full, frames are the same, readers agree', async () => {
  let shortest = Infinity;
  let longest = 0;
  let frames = 0;
  let identical = 0;
  for (const rate of RATES) {
    for (const bFrames of B_FRAMES) {
      const streams = await encode(rate, bFrames);
      const { recorder, file } = await segmented(dir, streams);
      for (const id of ['video', 'audio']) {
        const { full, all } = shares(recorder, id);
        shortest = Math.min(shortest, ...full);
        longest = Math.max(longest, ...all);
        expectMp4boxAgrees(recorder, id);
      }
      const sent = bytes(streams.video);
      const got = recorder.read('video').flatMap((chunk) => chunk.samples);
      expect(got).toHaveLength(sent.length);
      frames += sent.length;
      identical += got.filter(({ data }, index) => Buffer.from(data).toString('base64') === sent[index]).length;
      const packets = await probePackets(file('video'));
      expect(packets).toHaveLength(sent.length);
      // What ffprobe says of times is what the publisher said, but for its rounding to milliseconds.
      const source = streams.video.units;
      for (const [index, { pts, duration }] of packets.entries()) {
        expect(Math.abs((pts - packets[0]!.pts) * 1000 - (source[index]!.pts - source[0]!.pts))).toBeLessThan(2.1);
        if (index > packets.length / 2) expect(duration).toBeCloseTo(1 / number(rate), 5);
      }
      const decoded = await pictures(file('video'));
      expect(decoded).toHaveLength(sent.length);
      const out = await repackage({ video: file('video'), audio: file('audio') });
      expect(await pictures(out.video)).toEqual(decoded);
    }
  }
  meetBar({
    what: 'segments: frames and readers',
    bar: 'mp4box, ffprobe and shaka-packager agree, frames bit-identical with and without B-frames',
    measured: `${identical} of ${frames} frames identical at ${names} fps, with 0 and 2 B-frames; all three agree`,
    pass: identical === frames,
  });
  meetBar({
    what: 'segments: parts, at every rate',
    bar: "none over PART-TARGET, all but a segment's last >= 85% of it",
    measured: `shortest ${percent(shortest)}, longest ${percent(longest)}`,
    pass: shortest >= 0.85 && longest <= 1,
  });
});

it('at a variable rate no part is over its target', async () => {
  // Two of three frames for a second, one of five for the next.
  const streams = await encode('30', 0, 'select=if(lt(mod(n\\,60)\\,30)\\,mod(n\\,3)\\,not(mod(n\\,5)))');
  const gaps = streams.video.units.slice(1).map(({ dts }, index) => dts - streams.video.units[index]!.dts);
  expect(Math.max(...gaps)).toBeGreaterThan(3 * Math.min(...gaps));
  const { recorder, file } = await segmented(dir, streams);
  expect(recorder.read('video').flatMap((chunk) => chunk.samples)).toHaveLength(streams.video.units.length);
  expect(await pictures(file('video'))).toHaveLength(streams.video.units.length);
  const longest = Math.max(...shares(recorder, 'video').all);
  meetBar({
    what: 'segments: parts at a variable rate',
    bar: 'none over PART-TARGET',
    measured: `longest ${percent(longest)}, frames ${Math.min(...gaps)} to ${Math.max(...gaps)} ms apart`,
    pass: longest <= 1,
  });
});

it('live, every playlist at every rate is clean, by hls-parser and by the rules of players', async () => {
  const server = await hlsServer();
  const live: { stop(): void }[] = [];
  try {
    const reports = RATES.map(async (rate, index) => {
      const fps = number(rate);
      const clip = await encodeClip({ fps, seconds: Math.round(fps * 2) * (2 / fps) });
      live.push(playLive(clip, server.open(`rate-${index}`)));
      return checkHls(`${server.url}/hls/rate-${index}/index.m3u8`, { forMs: LIVE_SECONDS * 1000 });
    });
    const done = await Promise.all(reports);
    const sum = (key: 'updates' | 'parts' | 'segments'): number => done.reduce((total, each) => total + each[key], 0);
    const findings = done.flatMap((report) => report.findings);
    for (const report of done) expect(report.segments).toBeGreaterThan(LIVE_SECONDS / 2);
    meetBar({
      what: 'segments: live playlists at every rate',
      bar: 'hls-parser takes them, no rule of RFC 8216bis broken',
      measured: `${findings.length} findings in ${sum('updates')} playlists with ${sum('parts')} parts${findings.length > 0 ? `: ${findings[0]}` : ''}`,
      pass: findings.length === 0,
    });
  } finally {
    for (const publisher of live) publisher.stop();
    await server.close();
  }
});
