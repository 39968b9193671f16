/** The numbers below the picture. */
import { byId, make, setText } from '../../shared/client/dom.ts';
import { bitrate, codecName, millis } from '../../shared/client/format.ts';
import type { SenderFigures } from './figures.ts';

type Row = readonly [
  name: string,
  hint: string,
  value: (figures: SenderFigures) => string,
  isBad?: (figures: SenderFigures) => boolean,
];

const ROWS: readonly Row[] = [
  ['Sending', 'All layers and sound together', (f) => bitrate(f.bitsPerSecond)],
  ['Room', 'What the network could carry, as estimated', (f) => bitrate(f.availableBitsPerSecond)],
  ['Round trip', 'To the server and back', (f) => millis(f.roundTrip), (f) => (f.roundTrip ?? 0) > 0.3],
  [
    'Loss',
    'Packets lost on the way to the server',
    (f) => (f.loss === undefined ? '–' : `${(f.loss * 100).toFixed(f.loss > 0 ? 1 : 0)} %`),
    (f) => (f.loss ?? 0) > 0.02,
  ],
  [
    'Picture',
    'The largest layer',
    (f) => {
      const [top] = f.layers;
      return top && top.width > 0 ? `${top.width} × ${top.height} · ${Math.round(top.framesPerSecond)} fps` : '–';
    },
  ],
  ['Codec', 'As the server took it', (f) => (f.codec ? codecName(f.codec) : '–')],
  ['Encoder', 'The browser’s', (f) => f.encoder ?? '–'],
  [
    'Layers',
    'Sizes that are sent now',
    (f) => `${f.layers.filter((layer) => layer.bitsPerSecond > 0).length} of ${f.layers.length}`,
  ],
];

let cells: HTMLElement[] = [];

/** Shows a reading; without one the cells stand empty. */
export function showFigures(figures: SenderFigures | undefined): void {
  if (cells.length === 0) {
    cells = ROWS.map(() => make('dd', {}, '–'));
    byId('stats').replaceChildren(
      ...ROWS.map(([name, hint], index) => make('div', { title: hint }, make('dt', {}, name), cells[index]!)),
    );
  }
  for (const [index, [, , value, isBad]] of ROWS.entries()) {
    setText(cells[index]!, figures ? value(figures) : '–');
    cells[index]!.classList.toggle('bad', figures !== undefined && (isBad?.(figures) ?? false));
  }
  const layers = figures?.layers ?? [];
  const top = Math.max(1, ...layers.map((layer) => layer.bitsPerSecond));
  byId('layer-rows').replaceChildren(
    ...layers.map((layer) => {
      const bar = make('meter', {
        min: '0',
        max: String(top),
        value: String(layer.bitsPerSecond),
        'aria-hidden': 'true',
      });
      return make(
        'tr',
        { class: layer.bitsPerSecond > 0 ? '' : 'idle' },
        make('td', {}, make('code', {}, layer.rid || '–')),
        make('td', {}, layer.width > 0 ? `${layer.width} × ${layer.height}` : '–'),
        make('td', {}, layer.framesPerSecond > 0 ? `${Math.round(layer.framesPerSecond)} fps` : '–'),
        make('td', { class: 'rate' }, make('span', {}, bitrate(layer.bitsPerSecond)), bar),
        make('td', {}, layer.limitedBy === 'none' ? 'nothing' : layer.limitedBy),
        make('td', {}, String(layer.keyFrameRequests)),
      );
    }),
  );
}
