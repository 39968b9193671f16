/** What is measured while a camera plays, as one reading: the page shows it, tests read it as `window.eddy.stats()`. */
import type { Meter } from './meter.ts';
import type { LatencyFrom } from './playback.ts';
import type { Player } from './player.ts';

/** One reading; times in seconds unless they say otherwise. */
export interface Stats {
  readonly camera: string;
  readonly state: string;
  readonly transport: 'webrtc' | 'hls.js' | 'native' | 'none';
  /** True where the picture is not live but of the past. */
  readonly isBack: boolean;
  /** Position in the media. */
  readonly position: number;
  /** Server time of the picture on screen, epoch ms. */
  readonly wallClock: number | undefined;
  /** How far the picture on screen is behind the server's now. */
  readonly latency: number | undefined;
  /** From where that counts: the camera's own time, the server's, or a guess from the network. */
  readonly latencyFrom: LatencyFrom | undefined;
  /** Media loaded ahead of the position; by WebRTC the jitter buffer. */
  readonly buffer: number;
  /** Times that playback stopped against its will since it began, and for how long in all. */
  readonly stalls: number;
  readonly stalledSeconds: number;
  /** From opening the page to the first picture. */
  readonly startup: number | undefined;
  readonly droppedFrames: number;
  readonly totalFrames: number;
  readonly width: number;
  readonly height: number;
  readonly framesPerSecond: number | undefined;
  readonly bitsPerSecond: number | undefined;
  readonly codecs: readonly string[];
  readonly playbackRate: number;
  /** Of WebRTC: share of packets lost, 0 to 1; round trip; layer of a simulcast; `udp`, `tcp` or `relay ...`. */
  readonly loss: number | undefined;
  readonly roundTrip: number | undefined;
  readonly layer: string | undefined;
  readonly path: string | undefined;
}

/** Further behind the live position than this is no longer live, seconds. */
const BEHIND = 3;

/** Takes a reading. */
export function readStats(from: {
  readonly player: Player;
  readonly meter: Meter;
  readonly video: HTMLVideoElement;
  readonly state: string;
  readonly clockOffset: number;
}): Stats {
  const { player, meter, video, state, clockOffset } = from;
  const { playback } = player;
  const link = playback?.link;
  const quality = video.getVideoPlaybackQuality();
  const wallClock = playback?.wallClock;
  const behind = wallClock === undefined ? undefined : (Date.now() + clockOffset - wallClock) / 1000;
  const live = playback?.livePosition;
  const isBehind = live !== undefined && video.readyState > 0 && live - video.currentTime > BEHIND;
  return {
    camera: player.camera,
    state,
    transport: playback?.transport ?? 'none',
    isBack: player.isPast || isBehind || (video.paused && meter.startup !== undefined && playback !== undefined),
    position: video.currentTime,
    wallClock,
    latency: link ? link.latency : behind,
    latencyFrom: link ? link.latencyFrom : behind === undefined ? undefined : 'ingest',
    buffer: link ? (link.jitterBuffer ?? 0) : meter.buffer,
    stalls: meter.stalls,
    stalledSeconds: meter.stalledSeconds,
    startup: meter.startup,
    droppedFrames: quality.droppedVideoFrames,
    totalFrames: quality.totalVideoFrames,
    width: video.videoWidth,
    height: video.videoHeight,
    framesPerSecond: meter.framesPerSecond,
    bitsPerSecond: link ? link.bitsPerSecond : meter.bitsPerSecond,
    codecs: playback?.codecs ?? [],
    playbackRate: video.playbackRate,
    loss: link?.loss,
    roundTrip: link?.roundTrip,
    layer: link?.layer,
    path: link?.path,
  };
}
