/** `/watch/{camera}`: plays, says why it does not, and begins again by itself. */
import { isRefusal } from '../../shared/client/refusal.ts';
import { keepTokens, reopenWith, serverClockOffset, token } from '../../shared/client/server.ts';
import { byId, setText } from '../../shared/client/dom.ts';
import { getCamera, pictureAt, playlistRefusal, posterOf, reportLatency } from './api.ts';
import { connectCameraMenu } from './camera-menu.ts';
import { connectControls } from './controls.ts';
import { HeldPicture } from './held-picture.ts';
import { connectLayerMenu } from './layer-menu.ts';
import { parseMoment } from './links.ts';
import { Meter } from './meter.ts';
import { showCamera, showNotice, showStats, transportName } from './panels.ts';
import type { Failure } from './playback.ts';
import { Player } from './player.ts';
import { connectRewind } from './rewind.ts';
import { readStats, type Stats } from './stats.ts';
import { explain, type Reason } from './why.ts';

declare global {
  interface Window {
    /** For tests and curious people. */
    eddy: { readonly stats: () => Stats; readonly reason: () => Reason | undefined; readonly camera: string };
  }
}

const TICK = 250;
const LOOK_AGAIN = 2000;
/** A camera that was there a moment ago is looked for more often, for a while: its publisher may be connecting again. Ms. */
const LOOK_AGAIN_SOON = 250;
const SOON_FOR = 5000;
/** A stall that lasts this long is explained, ms. */
const EXPLAIN_AFTER = 3000;
/** How often the panel of tracks is brought up to date while it plays, ms. */
const REFRESH_CAMERA = 5000;
const REPORT_LATENCY = 10_000;

const data = document.body.dataset as { camera: string; hls: string; whep: string; version: string };
const video = byId<HTMLVideoElement>('video');
const poster = byId<HTMLImageElement>('poster');
const held = new HeldPicture(video, byId<HTMLCanvasElement>('held'));
const meter = new Meter(video);
let reason: Reason | undefined;
let clockOffset = 0;
let explaining = false;
/** The camera is watched live only. */
let isLiveOnly = false;
/** Counts beginnings: what was waited for before the last one is over. */
let attempt = 0;

const player = new Player({
  ...data,
  video,
  meter,
  clockOffset: () => clockOffset,
  now: () => Date.now() + clockOffset,
  onBegin: () => {
    attempt += 1;
    showPoster();
  },
  onLeave: () => held.hold(),
  onFailure: (failure) => void explainFailure(failure),
  onInactive: () => void explainStall(true),
});

function showPoster(): void {
  poster.hidden = true;
  // What is held is what was on screen; nothing needs to stand for it.
  if (held.shown) return;
  poster.src = player.moment === undefined ? posterOf(player.camera) : pictureAt(player.camera, player.moment);
}
poster.addEventListener(
  'load',
  () => (poster.hidden = video.readyState >= HTMLMediaElement.HAVE_CURRENT_DATA || held.shown),
);

function showVideo(): void {
  poster.hidden = true;
  held.release();
}

/** It cannot go on as it is: says why, and begins anew when that may help. */
async function explainFailure(failure: Partial<Failure>): Promise<void> {
  const mine = attempt;
  const since = performance.now();
  meter.forgive();
  let seen = await facts(failure, getCamera(player.camera));
  while (mine === attempt) {
    const why = explain(seen);
    say(why);
    if (why.kind !== 'waiting') return;
    const isLeaving = seen.camera !== undefined && 'state' in seen.camera && seen.camera.state !== 'away';
    const soon = isLeaving && performance.now() - since < SOON_FOR;
    const pause = soon ? LOOK_AGAIN_SOON : Math.max(LOOK_AGAIN, (failure.retryAfter ?? 0) * 1000);
    await new Promise((resolve) => setTimeout(resolve, pause));
    // The same look decides and is explained: of two, one might fall before the camera's return and one after it.
    const camera = getCamera(player.camera);
    const playable = player.isPast || mayPlay(await camera);
    if (mine !== attempt) return;
    if (playable) return player.begin();
    failure = {};
    seen = await facts(failure, camera);
  }
}

/** Only a camera that the server calls live is worth another attempt; without an API the endpoint itself is asked. */
const mayPlay = (camera: Awaited<ReturnType<typeof getCamera>>): boolean =>
  camera === undefined || (isRefusal(camera) ? camera.code !== 'CAMERA_UNKNOWN' : camera.state === 'live');

async function facts(failure: Partial<Failure>, camera: ReturnType<typeof getCamera>) {
  const [seen, refused] = await Promise.all([camera, playlistRefusal(player.playlist)]);
  noteCamera(seen);
  const { text, unsupported, refusal, blocked, isLost } = failure;
  return {
    cameraId: player.camera,
    // A server without an API says nothing of cameras; its 404 there is no word about this one.
    camera: isRefusal(seen) && seen.code === 'HTTP_NOT_FOUND' ? undefined : seen,
    playlist: refused,
    whep: refusal ?? player.notice?.refusal,
    blocked: blocked ?? player.notice?.blocked ?? false,
    isLost: isLost ?? false,
    isPast: player.isPast,
    hasPast: rewind.past.exists,
    ...(unsupported ? { unsupported } : {}),
    ...(text ? { failure: text } : {}),
  };
}

/** It stands still but may yet go on: says why meanwhile. */
async function explainStall(isAway = false): Promise<void> {
  if (explaining) return;
  explaining = true;
  const seen = await facts({}, getCamera(player.camera));
  const why = explain(seen);
  explaining = false;
  // Its playlist is over, even where the last of it did not play: what comes next is another beginning.
  const { camera } = seen;
  if (
    camera !== undefined &&
    'state' in camera &&
    camera.state === 'away' &&
    player.playback?.transport !== 'webrtc' &&
    !player.isPast
  ) {
    player.stop();
    return explainFailure({});
  }
  if (player.playback && (isAway ? !player.active : meter.stalledFor > EXPLAIN_AFTER))
    say(why.kind === 'waiting' && why.title === 'Playback was interrupted' ? STARVING : why);
}
const STARVING: Reason = {
  kind: 'waiting',
  title: 'Waiting for media',
  detail: 'The camera is live, but its media comes slower than it plays.',
};

function say(next: Reason | undefined): void {
  reason = next;
  // What may not be watched any more is not left on screen either.
  if (next?.kind === 'key' || next?.kind === 'stuck') held.release();
  const overlay = byId('overlay');
  overlay.dataset.kind = next?.kind ?? (state() === 'loading' || state() === 'stalled' ? 'loading' : 'none');
  setText(byId('reason'), next?.title ?? '');
  setText(byId('detail'), next?.detail ?? '');
  setText(byId('mend'), next?.mend ?? '');
  byId('key').hidden = next?.kind !== 'key';
  byId('retry').hidden = next?.kind !== 'stuck';
  byId('recorded').hidden = next?.kind !== 'waiting' || player.isPast || !rewind.past.exists;
  const badge = byId('state');
  const shown = state() === 'playing' && player.isPast ? 'past' : state();
  badge.dataset.state = shown;
  setText(badge, WORDS[shown] ?? shown);
}

function state(): string {
  if (reason) return reason.kind;
  if (meter.startup !== undefined && video.paused && player.playback) return 'paused';
  if (!meter.playing) return 'loading';
  return meter.stalled ? 'stalled' : 'playing';
}

const WORDS: Readonly<Record<string, string>> = {
  loading: 'connecting',
  playing: 'live',
  past: 'recorded',
  key: 'key needed',
  stuck: 'cannot play',
};

const stats = (): Stats => readStats({ player, meter, video, state: state(), clockOffset });

function tick(): void {
  meter.tick(player.mediaAt);
  const now = stats();
  if (meter.stalledFor > EXPLAIN_AFTER && !reason && player.playback) void explainStall();
  // What was explained while it stood still is over once it moves again.
  say(player.playback && meter.playing && !meter.stalled ? undefined : reason);
  if (meter.playing) showVideo();
  player.keepPlace();
  controls.update(now);
  rewind.update(now);
  layers.update();
  setText(byId('via-text'), transportName(now.transport));
  byId('via').hidden = player.isPast;
  showNotice(player.notice);
  showStats(now);
}

async function goTo(camera: string): Promise<void> {
  if (camera === player.camera) return;
  const address = new URL(location.href);
  address.searchParams.delete('at');
  address.pathname = `/watch/${encodeURIComponent(camera)}`;
  history.pushState(null, '', address);
  await show(camera);
}

async function show(camera: string): Promise<void> {
  document.title = document.title.replace(player.camera, () => camera);
  setText(byId('name'), camera);
  held.release();
  controls.clear();
  // Who looks at a moment of one camera sees the same moment of the next one, where it has it.
  const moment = player.isPast ? player.playback?.wallClock : undefined;
  if (await player.switchTo(camera)) attempt += 1;
  say(undefined);
  void refreshCamera();
  await rewind.show();
  if (moment !== undefined && rewind.past.playableAt(moment) === moment) rewind.go(moment);
}

function toggleTransport(): void {
  say(undefined);
  player.toggleTransport();
}

async function refreshCamera(): Promise<void> {
  noteCamera(await getCamera(player.camera));
}

function noteCamera(seen: Awaited<ReturnType<typeof getCamera>>): void {
  const camera = seen !== undefined && !isRefusal(seen) ? seen : undefined;
  showCamera(camera);
  isLiveOnly = camera?.limits.some(({ kind }) => kind === 'video') ?? false;
}

const menu = connectCameraMenu({ current: () => player.camera, onChoose: (camera) => void goTo(camera) });
const layers = connectLayerMenu({
  layers: () => player.layers,
  highest: () => player.highestLayer,
  onChoose: (highest) => (player.highestLayer = highest),
});
const rewind = connectRewind({
  player,
  video,
  now: () => Date.now() + clockOffset,
  onLeave: () => say(undefined),
  isLiveOnly: () => isLiveOnly,
});
const controls = connectControls({
  video,
  meter,
  livePosition: () => player.playback?.livePosition,
  goLive: rewind.live,
  step: rewind.step,
  playOn: rewind.playOn,
  keys: {
    ...rewind.keys,
    w: toggleTransport,
    q: layers.next,
    c: menu.toggle,
    PageUp: () => void menu.step(-1),
    PageDown: () => void menu.step(1),
    ...Object.fromEntries(Array.from({ length: 9 }, (_, index) => [String(index + 1), () => void menu.choose(index)])),
  },
});

video.addEventListener('playing', () => {
  say(undefined);
  showVideo();
});
// A playlist that ends: a stretch of the past is over, or the camera went away. What was loaded has been played; now wait for it.
video.addEventListener('ended', () => {
  if (player.isPast && rewind.goOn()) return;
  player.forgetPast();
  player.stop();
  void explainFailure({});
});
byId('via').addEventListener('click', toggleTransport);
byId('retry').addEventListener('click', () => {
  say(undefined);
  player.retry();
});
byId('key').addEventListener('submit', (event) => {
  event.preventDefault();
  reopenWith(byId<HTMLInputElement>('token').value);
});
addEventListener('popstate', () => {
  const camera = decodeURIComponent(location.pathname.split('/').at(-1) ?? '');
  if (camera !== player.camera) void show(camera);
});
keepTokens();
if (token !== null) byId<HTMLInputElement>('token').value = '';

window.eddy = {
  stats,
  reason: () => reason,
  get camera() {
    return player.camera;
  },
};
void begin();
setInterval(tick, TICK);
setInterval(() => {
  if (document.visibilityState === 'visible' && player.playback) void refreshCamera();
}, REFRESH_CAMERA);
setInterval(() => {
  const { transport, state, camera, latency, isBack } = stats();
  if (transport !== 'webrtc' && !isBack && state === 'playing' && latency !== undefined)
    reportLatency(camera, Math.max(0, latency));
}, REPORT_LATENCY);
void refreshCamera();

/** Live, or the moment that the address names. */
async function begin(): Promise<void> {
  const clock = serverClockOffset().then((offset) => (clockOffset = offset ?? 0));
  const moment = parseMoment(new URLSearchParams(location.search).get('at'));
  if (moment !== undefined) {
    await clock;
    if (await rewind.open(moment)) return;
  }
  player.begin();
}
