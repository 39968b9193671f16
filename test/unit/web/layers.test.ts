import { expect, it } from 'vitest';
import { layerLabel, readLayers } from '../../../plugins/web/player/client/layers.ts';

const labels = (layers: readonly object[]): string[] => layers.map((_, index) => layerLabel(layers, index));

it('layers are named by their place, with their rate', () => {
  expect(
    labels([
      { rid: 'l', bitrate: 250_000 },
      { rid: 'm', bitrate: 800_000 },
      { rid: 'h', bitrate: 2_500_000 },
    ]),
  ).toEqual(['Low · 250 kbps', 'Middle · 800 kbps', 'High · 2.5 Mbps']);
  expect(labels([{ rid: 'a', bitrate: 1e5 }, { rid: 'b' }])).toEqual(['Low · 100 kbps', 'High · not sent']);
  expect(labels([{ rid: '0' }, { rid: '1' }, { rid: '2' }, { rid: '3' }])[3]).toBe('Layer 4 · not sent');
});

it('layers of SVC are one stream, whose rate is of no single one of them', () => {
  expect(labels([{ bitrate: 1e6 }, { bitrate: 1e6 }, { bitrate: 1e6 }])).toEqual(['Low', 'Middle', 'High']);
});

it('what a server says of layers is not trusted to be a list of them', () => {
  expect(readLayers(undefined)).toEqual([]);
  expect(readLayers({ length: 3 })).toEqual([]);
  expect(readLayers([null, 3, { rid: 'l' }])).toEqual([{ rid: 'l' }]);
});
