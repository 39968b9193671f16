/** `/`: the cameras, as they come and go. */
import { isRefusal, type Refusal } from '../../shared/client/refusal.ts';
import { keepTokens, reopenWith, withToken } from '../../shared/client/server.ts';
import { listCameras } from './api.ts';
import { byId, make, setText } from '../../shared/client/dom.ts';
import { codecName, seconds } from '../../shared/client/format.ts';
import type { CameraView } from './why.ts';

const REFRESH = 2000;
const STATES = { live: 'live', lingering: 'interrupted', away: 'away' } as const;
const list = byId('cameras');
const note = byId('note');
let shown = '';

keepTokens();

function card(camera: CameraView): HTMLElement {
  const tracks = new Map<string, string>();
  for (const { caps, track } of camera.tracks) {
    const codec = caps.codecString ?? caps.codec;
    if (codec === undefined || tracks.has(caps.kind ?? track)) continue;
    const size = typeof caps.width === 'number' ? ` ${caps.width} × ${String(caps.height)}` : '';
    tracks.set(caps.kind ?? track, `${codecName(codec)}${size}`);
  }
  const blocked = camera.tracks.some((track) => track.links.some((link) => !link.active && link.code));
  const ago = make('span', { class: 'ago', 'data-since': String(camera.since) }, '');
  const link = make(
    'a',
    { href: withToken(`/watch/${encodeURIComponent(camera.cameraId)}`), class: 'card' },
    make('span', { class: 'state', 'data-state': camera.state }, STATES[camera.state]),
    make('strong', {}, camera.cameraId),
    make(
      'span',
      { class: 'codecs' },
      [...tracks.values()].join(' · ') || (camera.state === 'away' ? 'nobody publishes it' : 'no tracks yet'),
    ),
    ago,
  );
  const isLiveOnly = camera.limits.some(({ kind }) => kind === 'video');
  if (isLiveOnly) link.append(make('span', { class: 'warning' }, 'live only, no rewind'));
  else if (blocked) link.append(make('span', { class: 'warning' }, 'a link does not carry all of it'));
  return make('li', {}, link);
}

function show(cameras: readonly CameraView[]): void {
  const order = { live: 0, lingering: 1, away: 2 };
  const sorted = [...cameras].sort((a, b) => order[a.state] - order[b.state] || a.cameraId.localeCompare(b.cameraId));
  const key = JSON.stringify(
    sorted.map(({ cameraId, state, since, tracks, limits }) => [cameraId, state, since, tracks, limits]),
  );
  if (key !== shown) {
    // Only what changed is drawn anew; whoever is on a card by keyboard stays there.
    const focused = (document.activeElement as HTMLAnchorElement | null)?.getAttribute('href');
    list.replaceChildren(...sorted.map(card));
    if (focused) list.querySelector<HTMLElement>(`a[href="${CSS.escape(focused)}"]`)?.focus();
    shown = key;
  }
  const live = cameras.filter((camera) => camera.state === 'live').length;
  setText(byId('summary'), cameras.length === 0 ? '' : `${live} of ${cameras.length} live`);
  for (const ago of list.querySelectorAll<HTMLElement>('.ago')) {
    setText(ago, `for ${seconds(Math.max(0, Date.now() - Number(ago.dataset.since)) / 1000).replace(/\.\d/, '')}`);
  }
  if (cameras.length > 0) note.hidden = true;
  else sayHowToPublish();
}

function say(name: string, ...content: readonly (Node | string)[]): void {
  if (!note.hidden && note.dataset.name === name) return;
  note.dataset.name = name;
  note.replaceChildren(...content);
  note.hidden = false;
}

function sayHowToPublish(): void {
  if (!note.hidden && note.dataset.name === 'empty') return;
  void offerToPublish();
  say(
    'empty',
    make('h2', {}, 'No camera yet'),
    make('p', {}, 'Publish one, and it appears here by itself.'),
    make(
      'p',
      { id: 'publish-here', hidden: '' },
      make('a', { class: 'primary', href: withToken('/publish') }, 'Publish from this browser'),
    ),
    make('p', {}, 'With ffmpeg:'),
    make(
      'pre',
      {},
      make('code', {}, `ffmpeg -re -i any.mp4 -c copy -f flv rtmp://${location.hostname}:1935/live/cam1`),
    ),
    make(
      'p',
      {},
      'With OBS: Settings, Stream, Service “Custom”, server ',
      make('code', {}, `rtmp://${location.hostname}:1935/live`),
      ', stream key ',
      make('code', {}, 'cam1'),
      '.',
    ),
  );
}

/** Only where the pipeline has web.publish. */
async function offerToPublish(): Promise<void> {
  const answer = await fetch('/publish', { method: 'HEAD' }).catch(() => undefined);
  const offer = document.getElementById('publish-here');
  if (answer?.ok && offer) offer.hidden = false;
}

function refuse(refusal: Refusal): void {
  list.replaceChildren();
  shown = '';
  if (refusal.status !== 401 && refusal.status !== 403) {
    say(
      'refused',
      make('h2', {}, 'The cameras cannot be listed'),
      make('p', {}, refusal.message ?? `The server answered ${refusal.status}.`),
    );
    return;
  }
  const input = make('input', { id: 'token', type: 'password', autocomplete: 'off', required: '' });
  const form = make(
    'form',
    {},
    make('label', { for: 'token' }, 'Key'),
    input,
    make('button', { class: 'primary' }, 'Show cameras'),
  );
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    reopenWith(input.value);
  });
  say(
    'key',
    make('h2', {}, 'A key is needed'),
    make('p', {}, refusal.message ?? 'Enter the key that you were given.'),
    form,
  );
}

async function refresh(): Promise<void> {
  if (document.visibilityState === 'visible') {
    const answer = await listCameras();
    if (answer === undefined) setText(byId('summary'), 'the server does not answer');
    else if (isRefusal(answer)) refuse(answer);
    else show(answer.cameras);
  }
  setTimeout(() => void refresh(), REFRESH);
}

void refresh();
