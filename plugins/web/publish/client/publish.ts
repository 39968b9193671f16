/** `/publish/{camera}`: chooses a source, sends it, changes it while it is sent, and connects again by itself. */
import { byId, make, setText } from '../../shared/client/dom.ts';
import type { Refusal } from '../../shared/client/refusal.ts';
import { keepTokens, reopenWith, serverClockOffset, token, withToken } from '../../shared/client/server.ts';
import { SessionRefused } from '../../shared/client/sdp-session.ts';
import { SenderMeter, type SenderFigures } from './figures.ts';
import { showFigures } from './panels.ts';
import { Sender } from './sender.ts';
import { CARD_HEIGHTS } from './test-card.ts';
import { explainSource, isSource, listDevices, openSource, type SourceName } from './sources.ts';

type State = 'ready' | 'connecting' | 'live' | 'waiting' | 'key' | 'stuck';

declare global {
  interface Window {
    /** For tests and curious people. */
    eddy: { readonly stats: () => PublishStats };
  }
}
/** What tests read. */
export interface PublishStats {
  readonly camera: string;
  readonly state: State;
  readonly source: SourceName | undefined;
  readonly figures: SenderFigures | undefined;
  readonly reason: string;
}

const TICK = 500;
const BACKOFF = [0, 500, 1000, 2000, 4000, 8000];
/**
 * A pipeline that refuses a second publisher refuses this page too while the session that it has lost still stands there:
 * its goodbye may be on its way, or never come where the network failed. A publisher who is still there after the longest
 * "consent-timeout" of webrtc.workers is somebody else, ms.
 */
const OWN_SESSION_LINGERS = 60_000;
const WORDS: Readonly<Record<State, string>> = {
  ready: 'not sending',
  connecting: 'connecting',
  live: 'live',
  waiting: 'connecting again',
  key: 'key needed',
  stuck: 'not sending',
};

const { camera, whip, version } = document.body.dataset as { camera: string; whip: string; version: string };
const asked = new URLSearchParams(location.search);
const preview = byId<HTMLVideoElement>('preview');
const codec = byId<HTMLSelectElement>('codec');
const layers = byId<HTMLSelectElement>('layers');
const device = byId<HTMLSelectElement>('device');
const sourceButtons = [...document.querySelectorAll<HTMLElement>('[data-source]')];
let source: SourceName | undefined;
let stream: MediaStream | undefined;
let sender: Sender | undefined;
let meter = new SenderMeter();
let figures: SenderFigures | undefined;
let state: State = 'ready';
let clockOffset = 0;
let isMuted = false;
let failures = 0;
let iceServers: readonly RTCIceServer[] = [];
let retry: number | undefined;
/** When the session of this page was lost; undefined while none was, and again once one stands. */
let lostAt: number | undefined;

function say(next: State, title = '', detail = '', mend = ''): void {
  state = next;
  byId('overlay').dataset.kind = next === 'live' ? 'none' : next === 'connecting' ? 'loading' : next;
  setText(byId('reason'), title);
  setText(byId('detail'), detail);
  setText(byId('mend'), mend);
  byId('key').hidden = next !== 'key';
  const badge = byId('state');
  badge.dataset.state = next === 'connecting' ? 'loading' : next;
  setText(badge, WORDS[next]);
  const isSending = isBusy();
  const start = byId<HTMLButtonElement>('start');
  setText(start, isSending ? 'Stop' : 'Start');
  start.classList.toggle('stop', isSending);
  start.disabled = !isSending && !stream;
  codec.disabled = layers.disabled = isSending;
  document.body.classList.toggle('sending', isSending);
}

const isBusy = (): boolean => state === 'live' || state === 'connecting' || state === 'waiting';

/** Opens a source; what was sent until now is replaced by it only once it is there. */
async function choose(name: SourceName, chosen = ''): Promise<void> {
  let opened: MediaStream;
  try {
    opened = await openSource(name, chosen, {
      camera,
      workerUrl: `/publish/_/ticker.js?${version}`,
      height: CARD_HEIGHTS.find((height) => String(height) === asked.get('card')) ?? CARD_HEIGHTS[0]!,
      clockOffset: () => clockOffset,
    });
  } catch (error) {
    const { title, detail, mend } = explainSource(name, error);
    // While something is sent already, that goes on; the word is enough.
    if (isBusy()) setText(byId('state'), title);
    else say('stuck', title, detail, mend);
    return;
  }
  const before = stream;
  source = name;
  stream = opened;
  for (const track of opened.getAudioTracks()) track.enabled = !isMuted;
  // The browser's own button ends a screen: back to nothing, not to a frozen picture.
  opened.getVideoTracks()[0]?.addEventListener('ended', () => {
    if (stream === opened) stop(`The ${name === 'screen' ? 'screen' : 'camera'} is no longer shared`);
  });
  preview.srcObject = opened;
  preview.classList.toggle('mirrored', name === 'camera');
  for (const each of sourceButtons) each.setAttribute('aria-checked', String(each.dataset.source === name));
  if (sender) await sender.replace(opened);
  else if (state !== 'waiting') say('ready');
  for (const track of before?.getTracks() ?? []) track.stop();
  await showDevices(name);
}

async function showDevices(name: SourceName): Promise<void> {
  const devices = name === 'camera' ? await listDevices() : [];
  byId('device-field').hidden = devices.length < 2;
  device.replaceChildren(...devices.map(({ deviceId, label }) => make('option', { value: deviceId }, label)));
  const current = stream?.getVideoTracks()[0]?.getSettings().deviceId;
  if (current) device.value = current;
}

async function start(): Promise<void> {
  if (!stream) return;
  clearTimeout(retry);
  say('connecting');
  meter = new SenderMeter();
  const mine = new Sender(stream, {
    endpoint: `${whip}/${encodeURIComponent(camera)}`,
    codec: codec.value === '' ? undefined : codec.value,
    layers: Number(layers.value),
    iceServers,
    onConnected: () => {
      failures = 0;
      lostAt = undefined;
      if (sender === mine) say('live');
    },
    onEnd: (text) => {
      lostAt ??= performance.now();
      again(text);
    },
  });
  sender = mine;
  try {
    await mine.start();
    iceServers = mine.iceServers;
  } catch (error) {
    if (sender !== mine) return;
    mine.close();
    if (error instanceof SessionRefused) refused(error.refusal, error.retryAfter);
    else giveUp('The browser does not take the answer', String(error));
  }
}

function refused(refusal: Refusal, retryAfter: number | undefined): void {
  const { status, message = `The server answered ${status}.`, mend = '', code } = refusal;
  if (status === 401 || status === 403) {
    sender = undefined;
    say('key', status === 401 ? 'Publishing needs a key' : 'This key does not publish this camera', message);
  } else if (status === 0) again('The server does not answer.');
  else if (status === 429 || status >= 500 || isOwnSession(refusal)) again(message, retryAfter);
  else if (status === 404 && (code === undefined || code === 'HTTP_NOT_FOUND'))
    giveUp(
      'This pipeline takes no WebRTC in',
      `Nothing answers at ${whip}.`,
      'Add a stage webrtc.whip, or set "whip" of web.publish to its prefix.',
    );
  else giveUp('The camera was not taken in', message, mend);
}

const isOwnSession = ({ code }: Refusal): boolean =>
  code === 'PUBLISH_CONFLICT' && lostAt !== undefined && performance.now() - lostAt < OWN_SESSION_LINGERS;

function giveUp(title: string, detail: string, mend = ''): void {
  sender = undefined;
  say('stuck', title, detail, mend);
}

/** What ended may come again: later and later, as long as the page is open. */
function again(text: string, retryAfter?: number): void {
  const wait = retryAfter === undefined ? BACKOFF[Math.min(failures, BACKOFF.length - 1)]! : retryAfter * 1000;
  failures += 1;
  sender = undefined;
  say('waiting', 'Connecting again', text);
  retry = setTimeout(() => void start(), wait);
}

function stop(title = 'Not sending'): void {
  clearTimeout(retry);
  sender?.close();
  sender = undefined;
  figures = undefined;
  failures = 0;
  lostAt = undefined;
  for (const track of stream?.getTracks() ?? []) track.stop();
  stream = undefined;
  source = undefined;
  preview.srcObject = null;
  for (const each of sourceButtons) each.setAttribute('aria-checked', 'false');
  say('ready', title, 'Choose what to send next.');
}

function mute(): void {
  isMuted = !isMuted;
  for (const track of stream?.getAudioTracks() ?? []) track.enabled = !isMuted;
  byId('mute').setAttribute('aria-pressed', String(!isMuted));
}

async function tick(): Promise<void> {
  const current = sender;
  if (current) {
    const read = await meter.read(current.connection).catch(() => undefined);
    if (sender === current) figures = read;
  }
  showFigures(figures);
}

for (const each of sourceButtons) {
  each.addEventListener('click', () => {
    if (isSource(each.dataset.source)) void choose(each.dataset.source);
  });
}
device.addEventListener('change', () => void choose('camera', device.value));
byId('mute').addEventListener('click', mute);
byId('start').addEventListener('click', () => {
  if (isBusy()) stop();
  else void start();
});
document.addEventListener('keydown', (event) => {
  if (event.key === 'm' && !(event.target instanceof HTMLInputElement) && !event.ctrlKey && !event.metaKey) mute();
});
byId('key').addEventListener('submit', (event) => {
  event.preventDefault();
  reopenWith(byId<HTMLInputElement>('token').value);
});
byId('name-form').addEventListener('submit', (event) => {
  event.preventDefault();
  location.assign(withToken(`/publish/${encodeURIComponent(byId<HTMLInputElement>('name').value)}`));
});

const supported = new Set(RTCRtpSender.getCapabilities('video')?.codecs.map(({ mimeType }) => mimeType.toLowerCase()));
for (const option of [...codec.options])
  if (option.value !== '' && !supported.has(`video/${option.value.toLowerCase()}`)) option.remove();
if (asked.has('codec')) codec.value = asked.get('codec')!;
if (asked.has('layers')) layers.value = asked.get('layers')!;
keepTokens();
if (token !== null) byId<HTMLInputElement>('token').value = '';
showFigures(undefined);
window.eddy = {
  stats: () => ({ camera, state, source, figures, reason: byId('reason').textContent }),
};
setInterval(() => void tick(), TICK);
void serverClockOffset().then((offset) => (clockOffset = offset ?? 0));

/** `?start=card`: without a click, for tests and machines that only publish; `&card=360`: with so many lines. */
const wanted = asked.get('start');
if (camera && isSource(wanted)) void choose(wanted).then(() => start());
