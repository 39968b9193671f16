/** The panels below the picture: numbers, tracks and findings. */
import { byId, make, setText } from './dom.ts';
import { bitrate, codecName, seconds } from './format.ts';
import type { Stats } from './meter.ts';
import type { CameraView } from './why.ts';

type Row = readonly [name: string, hint: string, value: (stats: Stats) => string, isBad?: (stats: Stats) => boolean];

const ROWS: readonly Row[] = [
  [
    'Latency',
    'From the server’s clock at the camera’s picture to this screen',
    (s) => seconds(s.latency),
    (s) => (s.latency ?? 0) > 6,
  ],
  [
    'Buffer',
    'Media loaded ahead of the picture',
    (s) => seconds(s.buffer),
    (s) => s.state === 'playing' && s.buffer < 0.2,
  ],
  [
    'Picture',
    'Size and pictures a second',
    (s) =>
      (s.width ? `${s.width} × ${s.height}` : '–') +
      (s.framesPerSecond ? ` · ${Math.round(s.framesPerSecond)} fps` : ''),
  ],
  ['Codecs', 'What the camera sends', (s) => [...new Set(s.codecs.map(codecName))].join(' · ') || '–'],
  ['Bit rate', 'Audio and video together', (s) => bitrate(s.bitsPerSecond)],
  [
    'Stalls',
    'Times that playback stopped against its will',
    (s) => (s.stalls === 0 ? 'none' : `${s.stalls} · ${seconds(s.stalledSeconds)}`),
    (s) => s.stalls > 0,
  ],
  [
    'Dropped',
    'Pictures that this machine was too slow to show',
    (s) => `${s.droppedFrames} of ${s.totalFrames}`,
    (s) => s.droppedFrames > 0.05 * Math.max(200, s.totalFrames),
  ],
  [
    'Played by',
    'hls.js, or the browser itself',
    (s) => (s.startup === undefined ? s.transport : `${s.transport} · began in ${seconds(s.startup)}`),
  ],
];

let cells: HTMLElement[] = [];

/** Shows a reading. */
export function showStats(stats: Stats): void {
  if (cells.length === 0) {
    cells = ROWS.map(() => make('dd', {}));
    byId('stats').replaceChildren(
      ...ROWS.map(([name, hint], index) => make('div', { title: hint }, make('dt', {}, name), cells[index]!)),
    );
  }
  for (const [index, [, , value, isBad]] of ROWS.entries()) {
    const cell = cells[index]!;
    setText(cell, value(stats));
    cell.title = index === 3 ? stats.codecs.join(', ') : '';
    cell.classList.toggle('bad', isBad?.(stats) ?? false);
  }
}

let shown = '';

/** Shows the camera's tracks with their routes, and what the pipeline found. */
export function showCamera(camera: CameraView | undefined): void {
  const key = JSON.stringify(camera ?? null);
  if (key === shown) return;
  shown = key;
  // A pad that nothing is linked to says nothing to a viewer.
  const tracks = camera?.tracks.filter((track) => track.links.length > 0) ?? [];
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
