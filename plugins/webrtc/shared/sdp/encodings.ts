/** Encodings of a publisher: its simulcast layers from the lowest up, or its one stream. */
import type { RtpEncodingParameters } from 'eddy/plugin';
import type { OfferedLayer, OfferedMedia } from './offer.ts';

/** Options of {@link encodingsOf}. */
export interface EncodingOptions {
  readonly scalabilityMode?: string | undefined;
  readonly highestLayerFirst?: boolean;
  /** False where only one stream of the codec can be taken: the highest layer. Default: true. */
  readonly inLayers?: boolean;
}

/** Names that tell the size, from the lowest up. */
const NAMED: readonly (readonly string[])[] = [
  ['l', 'm', 'h'],
  ['q', 'h', 'f'],
  ['lo', 'mid', 'hi'],
  ['low', 'mid', 'high'],
  ['low', 'medium', 'high'],
];

/** The encodings as the SFU wants them: layers from the lowest up. */
export function encodingsOf(media: OfferedMedia, options: EncodingOptions): RtpEncodingParameters[] {
  const { scalabilityMode } = options;
  const svc = scalabilityMode === undefined || media.kind === 'audio' ? {} : { scalabilityMode };
  if (media.kind === 'video' && media.layers.length > 1) {
    const layers = lowestFirst(media.layers, options.highestLayerFirst === true).map(({ rid }) => ({ rid, ...svc }));
    return options.inLayers === false ? layers.slice(-1) : layers;
  }
  const [layer] = media.layers;
  if (layer) return [{ rid: layer.rid, ...svc }];
  const [first] = media.ssrcs;
  // Without SSRCs the stream is known by its MID, or by its payload type alone.
  if (!first) return [{ ...svc }];
  return [{ ssrc: first.ssrc, ...(first.rtx === undefined ? {} : { rtx: { ssrc: first.rtx } }), ...svc }];
}

/**
 * What an offer says of its layers' order: their restrictions, else names that everybody uses, else the order itself.
 * RFC 8853 gives it no meaning in size; browsers keep that of `sendEncodings`, whose defaults go from the lowest up.
 */
function lowestFirst(layers: readonly OfferedLayer[], highestFirst: boolean): readonly OfferedLayer[] {
  const sizes = layers.map(sizeOf);
  if (sizes.every((size) => size !== undefined) && new Set(sizes).size === sizes.length) {
    return [...layers].sort((a, b) => sizeOf(a)! - sizeOf(b)!);
  }
  const names = NAMED.find((known) => layers.every(({ rid }) => known.includes(rid.toLowerCase())));
  const place = (layer: OfferedLayer): number => names?.indexOf(layer.rid.toLowerCase()) ?? 0;
  if (names) return [...layers].sort((a, b) => place(a) - place(b));
  return highestFirst ? [...layers].reverse() : layers;
}

/** RFC 8851 5: the picture's size, else its bit rate. */
function sizeOf({ restrictions }: OfferedLayer): number | undefined {
  const of = (name: string): number => Number(restrictions[name] ?? NaN);
  const size =
    of('max-width') * of('max-height') || of('max-width') || of('max-height') || of('max-fs') || of('max-br');
  return Number.isFinite(size) && size > 0 ? size : undefined;
}
