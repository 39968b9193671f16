/** The panels below the picture: numbers, tracks and findings. */
import { byId, make, setText } from '../../shared/client/dom.ts';
import { bitrate, codecName, millis, seconds } from '../../shared/client/format.ts';
import type { Notice } from './notice.ts';
import type { Stats } from './stats.ts';
import type { CameraView } from './why.ts';

interface Row {
  readonly name: string;
  readonly hint: string | ((stats: Stats) => string);
  readonly value: (stats: Stats) => string;
  readonly isBad?: (stats: Stats) => boolean;
}

/** What people call a transport. */
export function transportName(transport: Stats['transport']): string {
  return { webrtc: 'WebRTC', 'hls.js': 'LL-HLS', native: 'HLS', none: '…' }[transport];
}

const FROM: Readonly<Record<string, string>> = {
  capture: 'From the camera’s own clock at the picture to this screen',
  ingest: 'From the server’s clock at the camera’s picture to this screen',
  network: 'Estimated: half a round trip and the buffer',
};

const PICTURE: Row = {
  name: 'Picture',
  hint: 'Size and pictures a second',
  value: (s) =>
    (s.width ? `${s.width} × ${s.height}` : '–') + (s.framesPerSecond ? ` · ${Math.round(s.framesPerSecond)} fps` : ''),
};
const CODECS: Row = {
  name: 'Codecs',
  hint: (s) => s.codecs.join(', ') || 'What the camera sends',
  value: (s) => [...new Set(s.codecs.map(codecName))].join(' · ') || '–',
};
const BITRATE: Row = { name: 'Bit rate', hint: 'Audio and video together', value: (s) => bitrate(s.bitsPerSecond) };
const STALLS: Row = {
  name: 'Stalls',
  hint: 'Times that playback stopped against its will',
  value: (s) => (s.stalls === 0 ? 'none' : `${s.stalls} · ${seconds(s.stalledSeconds)}`),
  isBad: (s) => s.stalls > 0,
};
const DROPPED: Row = {
  name: 'Dropped',
  hint: 'Pictures that this machine was too slow to show',
  value: (s) => `${s.droppedFrames} of ${s.totalFrames}`,
  isBad: (s) => s.droppedFrames > 0.05 * Math.max(200, s.totalFrames),
};

const HLS_ROWS: readonly Row[] = [
  {
    name: 'Latency',
    hint: (s) => (s.isBack ? 'How long ago it was' : FROM.ingest!),
    value: (s) => seconds(s.latency),
    isBad: (s) => !s.isBack && (s.latency ?? 0) > 6,
  },
  {
    name: 'Buffer',
    hint: 'Media loaded ahead of the picture',
    value: (s) => seconds(s.buffer),
    isBad: (s) => s.state === 'playing' && s.buffer < 0.2,
  },
  PICTURE,
  CODECS,
  BITRATE,
  STALLS,
  DROPPED,
  {
    name: 'Played by',
    hint: 'hls.js, or the browser itself',
    value: (s) => (s.startup === undefined ? s.transport : `${s.transport} · began in ${seconds(s.startup)}`),
  },
];

const WEBRTC_ROWS: readonly Row[] = [
  {
    name: 'Latency',
    hint: (s) => FROM[s.latencyFrom ?? 'network']!,
    value: (s) => (s.latency === undefined ? '–' : `${s.latencyFrom === 'network' ? '≈ ' : ''}${millis(s.latency)}`),
    isBad: (s) => (s.latency ?? 0) > 0.5,
  },
  {
    name: 'Round trip',
    hint: 'To the server and back',
    value: (s) => millis(s.roundTrip),
    isBad: (s) => (s.roundTrip ?? 0) > 0.3,
  },
  {
    name: 'Loss',
    hint: 'Packets lost on the way, over the last seconds',
    value: (s) => (s.loss === undefined ? '–' : `${(s.loss * 100).toFixed(s.loss > 0 && s.loss < 0.1 ? 1 : 0)} %`),
    isBad: (s) => (s.loss ?? 0) > 0.02,
  },
  {
    name: 'Jitter buffer',
    hint: 'How long media waits for what comes late',
    value: (s) => millis(s.buffer),
    isBad: (s) => s.buffer > 0.3,
  },
  PICTURE,
  { name: 'Layer', hint: 'Of a camera that sends several sizes, the one that fits', value: (s) => s.layer ?? '–' },
  CODECS,
  BITRATE,
  STALLS,
  DROPPED,
  { name: 'Path', hint: 'How packets come here', value: (s) => s.path?.toUpperCase() ?? '–' },
  {
    name: 'First picture',
    hint: 'From opening the page',
    value: (s) => (s.startup === undefined ? '–' : `after ${seconds(s.startup)}`),
  },
];

let rows: readonly Row[] | undefined;
let cells: HTMLElement[] = [];

/** Shows a reading. */
export function showStats(stats: Stats): void {
  // While nothing plays, what was shown last stays in its place.
  const wanted = stats.transport === 'webrtc' ? WEBRTC_ROWS : stats.transport === 'none' && rows ? rows : HLS_ROWS;
  if (rows !== wanted) {
    rows = wanted;
    cells = rows.map(() => make('dd', {}));
    byId('stats').replaceChildren(
      ...rows.map(({ name }, index) => make('div', {}, make('dt', {}, name), cells[index]!)),
    );
  }
  for (const [index, { hint, value, isBad }] of rows.entries()) {
    const cell = cells[index]!;
    setText(cell, value(stats));
    cell.parentElement!.title = typeof hint === 'string' ? hint : hint(stats);
    cell.classList.toggle('bad', isBad?.(stats) ?? false);
  }
}

/** Says why it plays by LL-HLS. */
export function showNotice(notice: Notice | undefined): void {
  byId('notice').hidden = notice === undefined;
  if (!notice) return;
  setText(byId('notice-title'), notice.title);
  setText(byId('notice-detail'), notice.detail);
  setText(byId('notice-mend'), notice.mend ?? '');
  setText(byId('notice-code'), notice.code ?? '');
}

let shown = '';

/** Shows the camera's tracks with their routes, and what the pipeline found. */
export function showCamera(camera: CameraView | undefined): void {
  const key = JSON.stringify(camera ?? null);
  if (key === shown) return;
  shown = key;
  // A pad that nothing is linked to says nothing to a viewer.
  const tracks = camera?.tracks.filter((track) => track.links.length > 0) ?? [];
  showLimits(camera);
  byId('tracks').hidden = tracks.length === 0;
  byId('routes').replaceChildren(...tracks.map(trackItem));
  const findings = camera?.findings ?? [];
  byId('findings').hidden = findings.length === 0;
  byId('finding-list').replaceChildren(
    ...findings.map(({ code, stage, message, count }) =>
      make(
        'li',
        {},
        make('code', {}, code),
        ` ${stage}: ${message}`,
        make('span', { class: 'ago' }, count > 1 ? ` ${count} times` : ''),
      ),
    ),
  );
}

const WITHOUT: Readonly<Record<'video' | 'audio', string>> = {
  video: 'No rewind for this camera.',
  audio: 'No sound in the rewind of this camera.',
};

/** Says what is watched live only, and why. */
function showLimits(camera: CameraView | undefined): void {
  const limits = camera?.limits ?? [];
  byId('limits').hidden = limits.length === 0;
  byId('limits').replaceChildren(
    ...limits.map(({ limit, kind, reason, mend }) =>
      make(
        'p',
        {},
        make('strong', {}, WITHOUT[kind]),
        ` It is not recorded: ${reason}. `,
        make('span', { class: 'mend' }, mend),
        ' ',
        make('code', {}, limit),
      ),
    ),
  );
}

function trackItem({ stage, pad, track, caps, links }: CameraView['tracks'][number]): HTMLElement {
  const codec = caps.codecString ?? caps.codec;
  const item = make(
    'li',
    {},
    make('code', {}, `${stage}.${pad}`),
    ` ${track} `,
    make('span', { class: 'codecs' }, codec ? codecName(codec) : ''),
  );
  const routes = links.map((link) => {
    const route = make('li', { class: link.active ? 'ok' : 'blocked' }, make('code', {}, link.to));
    if (!link.active)
      route.append(
        ` ${link.reason ?? 'not chosen'}`,
        link.mend ? make('span', { class: 'mend' }, ` ${link.mend}`) : '',
      );
    return route;
  });
  if (routes.length > 0) item.append(make('ul', {}, ...routes));
  return item;
}
