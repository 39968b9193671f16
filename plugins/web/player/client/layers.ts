/** The layers of a simulcast, as the server tells them and as people call them. */
import { bitrate } from '../../shared/client/format.ts';

/** A layer as the server tells it, the lowest first. Without `bitrate` it is not being sent just now. */
export interface LayerInfo {
  readonly rid?: string;
  readonly bitrate?: number;
}

const NAMES: Readonly<Record<number, readonly string[]>> = { 2: ['Low', 'High'], 3: ['Low', 'Middle', 'High'] };

/** The layers that an event names, whatever a server may have sent. */
export function readLayers(said: unknown): readonly LayerInfo[] {
  if (!Array.isArray(said)) return [];
  return said.filter((each): each is LayerInfo => typeof each === 'object' && each !== null);
}

/** What people call a layer: its place among the others, and its rate. */
export function layerLabel(layers: readonly LayerInfo[], index: number): string {
  const { rid, bitrate: rate } = layers[index]!;
  const name = NAMES[layers.length]?.[index] ?? `Layer ${index + 1}`;
  // The layers of SVC are one stream: their rate is that of all of them.
  if (rid === undefined) return name;
  return `${name} · ${rate === undefined ? 'not sent' : bitrate(rate)}`;
}
