/** Layers of a camera's video as a player sees and chooses them (draft-ietf-wish-whep-02, 4.9.1.3 and 4.9.2). */
import type { RtpHandle, StreamStats } from 'eddy/plugin';
import type { LayerCap } from './slot.ts';

/** One layer, as the `layers` event tells it. Without `bitrate` it is not being sent. */
export interface LayerInfo {
  readonly rid?: string;
  /** What Broadcast Box and older drafts call the rid. */
  readonly encodingId: string;
  readonly spatialLayerId: number;
  readonly bitrate?: number;
}

/** How many layers a stream has: encodings of simulcast, else spatial layers of SVC. */
export function layerCount({ rtpParameters: { encodings = [] } }: RtpHandle): number {
  if (encodings.length > 1) return encodings.length;
  return Number(/^[LS](\d)/.exec(encodings[0]?.scalabilityMode ?? '')?.[1] ?? 1);
}

/** The layers of a stream, the lowest first, with the rates that its figures tell. */
export function describeLayers(handle: RtpHandle, figures: readonly StreamStats[]): LayerInfo[] {
  const { encodings = [] } = handle.rtpParameters;
  return Array.from({ length: layerCount(handle) }, (_, spatialLayerId) => {
    const rid = encodings.length > 1 ? encodings[spatialLayerId]?.rid : undefined;
    // The layers of SVC are one stream, whose figures are of all of them.
    const rate = figures.find((figure) => (rid === undefined ? figures.length === 1 : figure.rid === rid))?.bitrate;
    return {
      ...(rid === undefined ? {} : { rid }),
      encodingId: rid ?? String(spatialLayerId),
      spatialLayerId,
      ...(rate ? { bitrate: Math.round(rate) } : {}),
    };
  });
}

/** What a player asked for; `unknown` where it names what is not there. */
export type LayerChoice = { readonly cap: LayerCap } | { readonly unknown: string };

/**
 * Reads `{ mediaId?, rid?, encodingId?, spatialLayerId?, temporalLayerId?, maxSpatialLayerId?, maxTemporalLayerId? }`. The
 * SFU takes a choice as the highest layer and goes below it where the bandwidth does not suffice; nothing chosen is
 * automatic.
 */
export function chooseLayer(body: Readonly<Record<string, unknown>>, handle: RtpHandle): LayerChoice {
  const number = (name: string): number | undefined => {
    const value = body[name];
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < 8 ? value : undefined;
  };
  for (const name of ['spatialLayerId', 'temporalLayerId', 'maxSpatialLayerId', 'maxTemporalLayerId']) {
    if (body[name] !== undefined && number(name) === undefined) return { unknown: `"${name}" is not a layer` };
  }
  const temporal = number('temporalLayerId') ?? number('maxTemporalLayerId');
  const top = layerCount(handle) - 1;
  const rid = body.rid ?? body.encodingId;
  let spatial = number('spatialLayerId') ?? number('maxSpatialLayerId');
  if (rid !== undefined) {
    const layer = describeLayers(handle, []).find(({ encodingId }) => encodingId === rid);
    if (!layer) return { unknown: `there is no layer of this name` };
    spatial = layer.spatialLayerId;
  }
  if (number('spatialLayerId') !== undefined && spatial! > top) return { unknown: `the highest layer is ${top}` };
  if (spatial === undefined && temporal === undefined) return { cap: undefined };
  return { cap: { spatial: Math.min(spatial ?? top, top), ...(temporal === undefined ? {} : { temporal }) } };
}
