/** Whole pipelines, judged by what comes out of them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseAacConfig, parseH264Sps, parseAvcConfig, readChunks, findBox } from 'eddy/media';
import type { AudioCaps, VideoCaps } from 'eddy/plugin';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeBlockClock } from '../../core/media/block-clock.ts';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { childrenOf, freePort, startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { runFfmpeg, startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { exVideo } from '../support/flv-bodies.ts';
import { configOf, fetchEpochs, timescaleOf, toUnits, type Epoch } from '../support/hls-media.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { decodeAudio, decodeVideo } from './support/decode.ts';

let eddy: RunningEddy | undefined;
const publishers: FfmpegRun[] = [];
const folders: string[] = [];

afterEach(async () => {
  for (const publisher of publishers.splice(0)) await publisher.stop();
  await eddy?.stop();
  eddy = undefined;
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

const wholeSegments = async (camera: string, track: string): Promise<number> => {
  const response = await fetch(`${eddy!.http}/hls/${camera}/${track}/live.m3u8`);
  if (response.status !== 200) return 0;
  return (await response.text()).split('\n').filter((line) => line.startsWith('#EXTINF')).length;
};

/** Moments, in seconds of the track, at which a sound begins after at least 100 ms of silence. */
function onsets(samples: Int16Array, rate: number, begin: number): number[] {
  const found: number[] = [];
  let quiet = 0;
  for (const [index, sample] of samples.entries()) {
    if (Math.abs(sample) < 3000) quiet += 1;
    else {
      if (quiet > rate / 10) found.push(begin + index / rate);
      quiet = 0;
    }
  }
  return found;
}

function videoCaps(epoch: Epoch): VideoCaps {
  const config = configOf(epoch.init, 'avcC');
  const { width, height } = parseH264Sps(parseAvcConfig(config).sps[0]!);
  const timescale = timescaleOf(epoch.init);
  return { kind: 'video', codec: 'h264', timescale, width, height, config, codecString: 'avc1' };
}

/** The AudioSpecificConfig within an esds box (ISO 14496-1 7.2.6): ES descriptor, decoder configuration, tag 5. */
function decoderSpecificInfo(esds: Uint8Array): Uint8Array {
  let at = 4;
  for (;;) {
    const tag = esds[at++];
    let length = 0;
    for (let more = true; more; at++) {
      length = (length << 7) | (esds[at]! & 0x7f);
      more = (esds[at]! & 0x80) !== 0;
    }
    if (tag === 5) return esds.subarray(at, at + length);
    at += tag === 3 ? 3 : 13;
  }
}

function audioCaps(epoch: Epoch): AudioCaps {
  const config = decoderSpecificInfo(configOf(epoch.init, 'esds'));
  const { sampleRate, channels } = parseAacConfig(config);
  const timescale = timescaleOf(epoch.init);
  return { kind: 'audio', codec: 'aac', timescale, sampleRate, channels, config, codecString: 'mp4a.40.2' };
}

test('picture and sound are together after the whole way', async () => {
  eddy = await startEddy(`version: 1
name: sync
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
stages:
  demo: { plugin: ingest.test-pattern, camera: demo, flash: 1s }
  cmaf: { plugin: package.cmaf }
  dvr: { plugin: timeshift.ring }
  hls: { plugin: publish.hls }
links:
  - demo.video -> cmaf.video
  - demo.audio -> cmaf.audio
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks
`);
  const flashes = atLevel({ test: 5, proof: 25 });
  const segments = Math.ceil(flashes / 2) + 1;
  await until('the segments', async () => (await wholeSegments('demo', 'audio')) >= segments, {
    timeout: (segments * 2 + 15) * 1000,
  });
  const [video] = await fetchEpochs(`${eddy.http}/hls/demo/video/live.m3u8`);
  const [audio] = await fetchEpochs(`${eddy.http}/hls/demo/audio/live.m3u8`);
  const picture = videoCaps(video!);
  const sound = audioCaps(audio!);
  const pictures = await decodeVideo(picture, toUnits(video!.samples));
  const isBright = pictures.map(
    ({ luma }) => luma.subarray(640 * 60, 640 * 200).reduce((a, b) => a + b, 0) / (640 * 140) > 200,
  );
  const flashed = pictures.filter((_, index) => isBright[index] && isBright[index - 1] === false);
  const heard = onsets(
    await decodeAudio(sound, toUnits(audio!.samples)),
    sound.sampleRate,
    audio!.samples[0]!.pts / sound.timescale,
  );
  const errors = flashed
    .map(({ pts }) => Math.min(...heard.map((at) => Math.abs(at - pts))))
    // The first and the last flash may lie where the other track has not begun or has ended.
    .filter((_, index) => index > 0 && index < flashed.length - 1);
  expect(errors.length).toBeGreaterThanOrEqual(flashes - 3);
  for (const { luma } of flashed)
    expect(decodeBlockClock({ width: 640, data: luma }, 1)!.epochMs % 1000).toBeLessThan(40);
  const worst = Math.max(...errors) * 1000;
  meetBar({
    what: 'A/V sync after the whole way (flash and beep, decoded from the output)',
    bar: '<= 40 ms',
    measured: `worst ${worst.toFixed(1)} ms of ${errors.length}`,
    pass: worst <= 40,
  });
});

test('one camera by two ingests: the policy holds, picture and sound are never of two publishers', async () => {
  const port = await freePort();
  eddy = await startEddy(`version: 1
name: two-ingests
cameras: { second-publisher: standby, linger: 20s }
services:
  http: { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  other: { plugin: ingest.rtmp, listen: 127.0.0.1:${port} }
  pattern: { plugin: ingest.test-pattern, camera: elsewhere }
  cmaf: { plugin: package.cmaf }
  hls: { plugin: publish.hls }
links:
  - rtmp.video | other.video -> cmaf.video
  - rtmp.audio | other.audio -> cmaf.audio
  - cmaf.chunks -> hls.chunks
`);
  const publish = (url: string, size: string, rate: number): FfmpegRun => {
    const run = startFfmpeg(
      `-re -f lavfi -i testsrc2=s=${size}:r=30 -f lavfi -i sine=f=440:r=${rate} -c:v libx264 -preset ultrafast -bf 0 -g 30 -c:a aac -f flv ${url}/cam1`,
    );
    publishers.push(run);
    return run;
  };
  const active = async (): Promise<string | undefined> => {
    const { cameras } = await eddy!.json<{
      cameras: { cameraId: string; publications: { stage: string; active: boolean }[] }[];
    }>('/api/v1/cameras');
    return cameras.find((camera) => camera.cameraId === 'cam1')?.publications.find((publication) => publication.active)
      ?.stage;
  };
  const count = async (): Promise<number> =>
    (await eddy!.json<{ cameras: { cameraId: string; publications: unknown[] }[] }>('/api/v1/cameras')).cameras.find(
      (camera) => camera.cameraId === 'cam1',
    )?.publications.length ?? 0;

  const first = publish(eddy.rtmp, '320x180', 44_100);
  await until('the first to be active', async () => (await active()) === 'rtmp');
  const second = publish(`rtmp://127.0.0.1:${port}/live`, '640x360', 48_000);
  await until('the second to stand by', async () => (await count()) === 2);
  await until('segments of the first', async () => (await wholeSegments('cam1', 'video')) >= 2);
  expect(await active()).toBe('rtmp');

  await first.stop();
  await until('the second to be active', async () => (await active()) === 'other');
  const before = await wholeSegments('cam1', 'video');
  await until('segments of the second', async () => (await wholeSegments('cam1', 'video')) >= before + 2);
  publish(eddy.rtmp, '320x180', 44_100);
  await until('the first to stand by', async () => (await count()) === 2);
  await second.stop();
  await until('the first to be active again', async () => (await active()) === 'rtmp');
  const then = await wholeSegments('cam1', 'audio');
  await until('segments of the first again', async () => (await wholeSegments('cam1', 'audio')) >= then + 2);

  const video = await fetchEpochs(`${eddy.http}/hls/cam1/video/live.m3u8`);
  const audio = await fetchEpochs(`${eddy.http}/hls/cam1/audio/live.m3u8`);
  const widths = video.map((epoch) => videoCaps(epoch).width);
  const rates = audio.map((epoch) => audioCaps(epoch).sampleRate);
  expect(widths).toEqual([320, 640, 320]);
  expect(rates).toEqual([44_100, 48_000, 44_100]);
  expect(video.every((epoch) => epoch.samples[0]!.key)).toBe(true);
  // A picture of one publisher never plays with the sound of another: their epochs begin together.
  for (const [index, epoch] of video.entries()) {
    expect(Math.abs(epoch.startsAt - audio[index]!.startsAt)).toBeLessThan(500);
  }
  // The third ingest is linked to nothing: it starts no host and does no work.
  expect((await childrenOf(eddy.pid)).filter((child) => child.command.startsWith('eddy:'))).toEqual([]);
  meetBar({
    what: 'one camera published twice, through two ingests, each killed in turn',
    bar: 'one discontinuity at a key frame each time, audio and video of one publisher, unchosen route does no work',
    measured: `${video.length - 1} discontinuities for 2 changes, widths ${widths.join(', ')} with rates ${rates.join(', ')}, 0 hosts`,
    pass: video.length === 3 && audio.length === 3,
  });
});

describe('HEVC by RTMP', () => {
  const ONLY_H264 = `
import { defineManifest, definePlugin, input } from 'eddy/plugin';
const manifest = defineManifest({
  name: 'acme.h264-only', version: '1.0.0', api: 1, summary: 'Takes H.264 and nothing else.',
  inputs: { in: input('frames', { doc: 'H.264.', accepts: [{ kind: 'video', codec: 'h264' }] }) },
});
export default definePlugin(manifest, async () => ({
  create: () => ({ flow: (flow) => flow.in.in.onTrack(() => ({ item() {} })) }),
}));
`;

  test('is packaged, the link that cannot carry it says why, neighbours do not notice', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'eddy-hevc-'));
    folders.push(folder);
    const clip = join(folder, 'clip.mp4');
    const plugin = join(folder, 'plugin.ts');
    await writeFile(plugin, ONLY_H264);
    await runFfmpeg(
      `-f lavfi -i testsrc2=s=320x180:r=25:d=8 -c:v libx265 -preset ultrafast -x265-params keyint=50:min-keyint=50:bframes=0:scenecut=0:log-level=none -tag:v hvc1 -movflags frag_keyframe+empty_moov+default_base_moof -video_track_timescale 1000 ${clip}`,
    );
    const file = await readFile(clip);
    const samples = readChunks(file).flatMap((chunk) => chunk.samples);
    expect(samples).toHaveLength(200);
    eddy = await startEddy(`version: 1
name: hevc
plugins: [${plugin}]
services:
  http: { plugin: http.server, listen: HTTP }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  cmaf: { plugin: package.cmaf }
  hls: { plugin: publish.hls }
  only: { plugin: acme.h264-only }
links:
  - rtmp.video -> cmaf.video, only.in
  - rtmp.audio -> cmaf.audio
  - cmaf.chunks -> hls.chunks
`);
    publishers.push(
      startFfmpeg(
        `-re -f lavfi -i testsrc2=s=320x180:r=30 -c:v libx264 -preset ultrafast -g 30 -f flv ${eddy.rtmp}/neighbour`,
      ),
    );
    await until('the neighbour to play', async () => (await wholeSegments('neighbour', 'video')) >= 1);
    const client = await RtmpClient.publish(Number(new URL(eddy.rtmp).port), 'hevc');
    client.setChunkSize(60_000);
    client.send('video', 0, exVideo('hvc1', 0, configOf(file, 'hvcC')));
    const began = performance.now();
    for (const [index, { data, key }] of samples.entries()) {
      const wait = began + index * 40 - performance.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      client.send('video', index * 40, exVideo('hvc1', 3, data, { key }));
    }
    const [epoch] = await fetchEpochs(`${eddy.http}/hls/hevc/video/live.m3u8`);
    const index = await (await fetch(`${eddy.http}/hls/hevc/index.m3u8`)).text();
    expect(index).toMatch(/CODECS="hvc1\.1\.6\.L\d+/);
    expect(findBox(epoch!.init, ['moov'])).toBeDefined();
    expect(Buffer.from(configOf(epoch!.init, 'hvcC')).equals(Buffer.from(configOf(file, 'hvcC')))).toBe(true);
    for (const [at, sample] of epoch!.samples.entries()) {
      expect(Buffer.from(sample.data).equals(Buffer.from(samples[at]!.data))).toBe(true);
    }
    const camera = await eddy.json<{
      tracks: {
        stage: string;
        links: { to: string; active: boolean; code?: string; reason?: string; mend?: string }[];
      }[];
    }>('/api/v1/cameras/hevc');
    const refused = camera.tracks.find((track) => track.stage === 'rtmp')!.links.find((link) => link.to === 'only.in')!;
    expect(refused).toMatchObject({ active: false, code: 'LINK_INACTIVE' });
    expect(refused.reason).toContain('HEVC');
    expect(refused.mend).toBeTruthy();
    const neighbour = await (await fetch(`${eddy.http}/hls/neighbour/video/live.m3u8`)).text();
    expect(neighbour).not.toContain('#EXT-X-DISCONTINUITY\n');
    expect(neighbour).not.toContain('#EXT-X-GAP');
    await client.destroy();
    meetBar({
      what: 'an HEVC RTMP camera',
      bar: 'packaged on HLS, links that cannot carry it say why, neighbours do not notice',
      measured: `${epoch!.samples.length} frames bit-identical in HLS; "${refused.reason}"; neighbour without a gap`,
      pass: epoch!.samples.length >= 50,
    });
  });
});
