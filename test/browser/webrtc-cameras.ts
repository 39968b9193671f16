/** Cameras of every kind and viewers of the WebRTC proofs: WHIP and RTMP through the SFU, in an engine of its own. */
import { startEddy, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';

const PIPELINE = `
version: 1
name: webrtc-cameras
cameras: { linger: 5s }
services:
  http:   { plugin: http.server, listen: HTTP }
  native: { plugin: native.gstreamer }
  rtc:    { plugin: webrtc.workers, workers: 1, listen: "127.0.0.1:0" }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP, app: live }
  whip: { plugin: webrtc.whip }
  opus: { plugin: transcode.audio, codec: opus }
  sfu:  { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
links:
  - rtmp.video -> sfu.video
  - rtmp.audio -> opus.in
  - opus.out -> sfu.audio
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
`;

/** Starts it; nothing is recorded, so nobody but viewers asks for key frames. */
export const startCameras = (): Promise<RunningEddy> => startEddy(PIPELINE);

/** An RTMP camera of one colour with a key frame each `gop` seconds: it answers no requests. */
export function rtmpCamera(url: string, { color = 'blue', gop = 2, size = '480x270' } = {}): FfmpegRun {
  return startFfmpeg(
    `-re -f lavfi -i color=c=${color}:size=${size}:rate=30 -re -f lavfi -i sine=frequency=440:sample_rate=48000
     -c:v libx264 -preset ultrafast -tune zerolatency -profile:v baseline -g ${30 * gop} -keyint_min ${30 * gop}
     -sc_threshold 0 -pix_fmt yuv420p -b:v 500k -c:a aac -f flv ${url}`,
  );
}

/** The value below which this share of all lies, rounded. */
export const quantile = (values: readonly number[], share: number): number =>
  Math.round(values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * share))] ?? NaN);

/** `p50 80 ms, p95 120 ms, at most 140 ms of 30`. */
export const spread = (values: readonly number[]): string =>
  `p50 ${quantile(values, 0.5)} ms, p95 ${quantile(values, 0.95)} ms, at most ${quantile(values, 1)} ms of ${values.length}`;
