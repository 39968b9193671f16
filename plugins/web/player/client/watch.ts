/** `/watch/{camera}`: plays, says why it does not, and begins again by itself. */
import { getCamera, playlistRefusal, reopenWith, serverClockOffset, token, withToken } from './api.ts';
import { connectControls } from './controls.ts';
import { byId, setText } from './dom.ts';
import { Meter, type Stats } from './meter.ts';
import { Playback, type Failure } from './playback.ts';
import { showCamera, showStats } from './panels.ts';
import { explain, isRefusal, type Reason } from './why.ts';

declare global {
  interface Window {
    /** For tests and curious people. */
    eddy: { readonly stats: () => Stats; readonly reason: () => Reason | undefined; readonly camera: string };
  }
}

const TICK = 250;
const LOOK_AGAIN = 2000;
/** A stall that lasts this long is explained, ms. */
const EXPLAIN_AFTER = 3000;
/** How often the panel of tracks is brought up to date while it plays, ms. */
const REFRESH_CAMERA = 5000;

const { camera, hls: base, version } = document.body.dataset as { camera: string; hls: string; version: string };
const playlist = `${base}/${encodeURIComponent(camera)}/index.m3u8`;
const video = byId<HTMLVideoElement>('video');
const meter = new Meter(video);
let playback: Playback | undefined;
let reason: Reason | undefined;
let clockOffset = 0;
let explaining = false;

function begin(): void {
  playback?.close();
  meter.forgive();
  playback = new Playback({
    video,
    url: withToken(playlist),
    workerUrl: `/player/hls.worker.js?${version}`,
    meter,
    onFailure: (failure) => void explainFailure(failure),
  });
  void video.play().catch(() => {});
}

/** It cannot go on as it is: says why, and begins anew when that may help. */
async function explainFailure(failure: Partial<Failure>): Promise<void> {
  playback?.close();
  playback = undefined;
  meter.forgive();
  const seen = await facts(failure);
  say(explain(seen));
  if (reason?.kind !== 'waiting') return;
  await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN));
  // Only a camera that the server calls live is worth a playlist request; without an API the playlist itself is asked.
  const now = await getCamera(camera);
  const knowsBetter = now !== undefined && !isRefusal(now) && now.state !== 'live';
  if (knowsBetter || (isRefusal(now) && now.code === 'CAMERA_UNKNOWN')) await explainFailure({});
  else begin();
}

async function facts(failure: Partial<Failure>) {
  const [seen, refused] = await Promise.all([getCamera(camera), playlistRefusal(playlist)]);
  showCamera(seen !== undefined && !isRefusal(seen) ? seen : undefined);
  const { text, unsupported } = failure;
  return {
    cameraId: camera,
    // A server without an API says nothing of cameras; its 404 there is no word about this one.
    camera: isRefusal(seen) && seen.code === 'HTTP_NOT_FOUND' ? undefined : seen,
    playlist: refused,
    ...(unsupported ? { unsupported } : {}),
    ...(text ? { failure: text } : {}),
  };
}

/** It stands still but may yet go on: says why meanwhile. */
async function explainStall(): Promise<void> {
  if (explaining) return;
  explaining = true;
  const why = explain(await facts({}));
  if (meter.stalledFor > EXPLAIN_AFTER)
    say(why.kind === 'waiting' && why.title === 'Playback was interrupted' ? STARVING : why);
  explaining = false;
}
const STARVING: Reason = {
  kind: 'waiting',
  title: 'Waiting for media',
  detail: 'The camera is live, but its media comes slower than it plays.',
};

function say(next: Reason | undefined): void {
  reason = next;
  const overlay = byId('overlay');
  overlay.dataset.kind = next?.kind ?? (state() === 'loading' || state() === 'stalled' ? 'loading' : 'none');
  setText(byId('reason'), next?.title ?? '');
  setText(byId('detail'), next?.detail ?? '');
  setText(byId('mend'), next?.mend ?? '');
  byId('key').hidden = next?.kind !== 'key';
  byId('retry').hidden = next?.kind !== 'stuck';
  const badge = byId('state');
  badge.dataset.state = state();
  setText(badge, WORDS[state()] ?? state());
}

function state(): string {
  if (reason) return reason.kind;
  if (meter.startup !== undefined && video.paused && playback) return 'paused';
  if (!meter.playing) return 'loading';
  return meter.stalled ? 'stalled' : 'playing';
}

const WORDS: Readonly<Record<string, string>> = {
  loading: 'connecting',
  playing: 'live',
  key: 'key needed',
  stuck: 'cannot play',
};

function stats(): Stats {
  const quality = video.getVideoPlaybackQuality();
  const wallClock = playback?.wallClock;
  return {
    camera,
    state: state(),
    transport: playback?.transport ?? 'none',
    position: video.currentTime,
    wallClock,
    latency: wallClock === undefined ? undefined : (Date.now() + clockOffset - wallClock) / 1000,
    buffer: meter.buffer,
    stalls: meter.stalls,
    stalledSeconds: meter.stalledSeconds,
    startup: meter.startup,
    droppedFrames: quality.droppedVideoFrames,
    totalFrames: quality.totalVideoFrames,
    width: video.videoWidth,
    height: video.videoHeight,
    framesPerSecond: meter.framesPerSecond,
    bitsPerSecond: meter.bitsPerSecond,
    codecs: playback?.codecs ?? [],
    playbackRate: video.playbackRate,
  };
}

function tick(): void {
  meter.tick();
  const now = stats();
  if (meter.stalledFor > EXPLAIN_AFTER && !reason && playback) void explainStall();
  // What was explained while it stood still is over once it moves again.
  say(playback && meter.playing && !meter.stalled ? undefined : reason);
  controls.update(now, playback?.livePosition);
  showStats(now);
}

const controls = connectControls(video, meter, () => playback?.livePosition);

video.addEventListener('playing', () => say(undefined));
// A playlist that ends: the camera went away. What was loaded has been played; now wait for it.
video.addEventListener('ended', () => void explainFailure({}));
byId('retry').addEventListener('click', () => {
  say(undefined);
  begin();
});
byId('key').addEventListener('submit', (event) => {
  event.preventDefault();
  reopenWith(byId<HTMLInputElement>('token').value);
});
for (const link of document.querySelectorAll<HTMLAnchorElement>('a[data-keep-token]')) link.href = withToken('/');
if (token !== null) byId<HTMLInputElement>('token').value = '';

window.eddy = { stats, reason: () => reason, camera };
begin();
setInterval(tick, TICK);
setInterval(() => {
  if (document.visibilityState === 'visible' && playback)
    void getCamera(camera).then((seen) => showCamera(seen !== undefined && !isRefusal(seen) ? seen : undefined));
}, REFRESH_CAMERA);
void serverClockOffset().then((offset) => (clockOffset = offset ?? 0));
void getCamera(camera).then((seen) => showCamera(seen !== undefined && !isRefusal(seen) ? seen : undefined));
