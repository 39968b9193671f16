/** FFmpeg's WHIP muxer (npm node-av brings FFmpeg 8) and GStreamer's rtmp2sink publish; libdatachannel watches by WHEP. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { startEddy, until } from '../support/eddy.ts';
import { runFfmpeg } from '../support/ffmpeg.ts';
import { watchByWhep } from '../support/libdatachannel.ts';
import { interopPipeline, PUBLISH_TOKEN, WATCH_TOKEN } from './interop-pipeline.ts';

const ENOUGH = 30;
const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const each of undo.splice(0).reverse()) await each();
});

/** Starts a publisher; it is ended with its test. */
function start(command: string, args: readonly string[]): { child: ChildProcess; said: () => string } {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.setEncoding('utf8').on('data', (part: string) => void (text += part));
  undo.push(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGKILL');
    await once(child, 'exit');
  });
  return { child, said: () => text };
}

it("FFmpeg's WHIP muxer: it can only wait for DTLS, offers no candidates, and says goodbye", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'eddy-whip-'));
  undo.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, 'clip.mkv');
  await runFfmpeg(
    `-f lavfi -i testsrc2=size=320x180:rate=30 -f lavfi -i sine=frequency=440:sample_rate=48000 -t 30 -c:v libx264
     -profile:v baseline -preset ultrafast -bf 0 -g 30 -pix_fmt yuv420p -c:a libopus -ac 2 ${file}`,
  );
  const eddy = await interopPipeline();
  undo.push(() => eddy.close());
  const client = join(import.meta.dirname, 'ffmpeg-whip.ts');
  const { child, said } = start(process.execPath, [client, file, `${eddy.url}/whip/ffmpeg`, PUBLISH_TOKEN]);
  await until('FFmpeg to publish', () => {
    if (child.exitCode !== null) throw new Error(`FFmpeg ended with ${child.exitCode}: ${said()}`);
    return eddy.pipeline.camera('ffmpeg')?.state === 'live';
  });
  const player = await watchByWhep(`${eddy.url}/whep/ffmpeg`, { audio: true, token: WATCH_TOKEN });
  undo.push(player.close);
  const { received } = player;
  await expect.poll(() => received.pictures, { timeout: 15_000 }).toBeGreaterThan(ENOUGH);
  await expect.poll(() => received.types.get(111) ?? 0, { timeout: 5000 }).toBeGreaterThan(ENOUGH);
  child.kill('SIGTERM');
  await expect.poll(() => eddy.pipeline.camera('ffmpeg')?.publications, { timeout: 10_000 }).toEqual([]);
  meetBar({
    what: "Clients nobody here wrote: FFmpeg 8's WHIP muxer (npm node-av)",
    bar: 'publishes, and is watched',
    measured: `${received.pictures} pictures and ${received.types.get(111)} packets of sound, with token, then DELETE`,
    pass: received.pictures > ENOUGH,
  });
});

it("GStreamer's rtmp2sink, from RTMP to WHEP", async () => {
  const eddy = await startEddy(`
version: 1
name: rtmp2sink
services:
  http:   { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  rtc:    { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP, app: live }
  opus: { plugin: transcode.audio, codec: opus }
  sfu:  { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
links:
  - rtmp.video -> sfu.video
  - rtmp.audio -> opus.in
  - opus.out -> sfu.audio
  - sfu.out -> whep.in
`);
  undo.push(() => eddy.stop());
  const pipeline = `videotestsrc is-live=true ! video/x-raw,width=320,height=180,framerate=30/1
    ! x264enc tune=zerolatency speed-preset=ultrafast bitrate=300 key-int-max=30 ! h264parse ! mux.
    audiotestsrc is-live=true ! audio/x-raw,rate=48000,channels=2 ! avenc_aac ! aacparse ! mux.
    flvmux name=mux streamable=true ! rtmp2sink location=${eddy.rtmp}/gst`;
  const { child, said } = start('gst-launch-1.0', ['-q', ...pipeline.trim().split(/\s+/)]);
  await until('GStreamer to publish', async () => {
    if (child.exitCode !== null) throw new Error(`gst-launch-1.0 ended with ${child.exitCode}: ${said()}`);
    return (await fetch(`${eddy.http}/whep/gst`, { method: 'HEAD' })).ok;
  });
  const player = await watchByWhep(`${eddy.http}/whep/gst`, { audio: true });
  undo.push(player.close);
  const { received } = player;
  await expect.poll(() => received.pictures, { timeout: 15_000 }).toBeGreaterThan(ENOUGH);
  await expect.poll(() => received.types.get(111) ?? 0, { timeout: 15_000 }).toBeGreaterThan(ENOUGH);
  meetBar({
    what: "Clients nobody here wrote: GStreamer's rtmp2sink",
    bar: 'publishes by RTMP, and is watched by WHEP',
    measured: `${received.pictures} pictures and ${received.types.get(111)} packets of Opus`,
    pass: received.pictures > ENOUGH,
  });
});
