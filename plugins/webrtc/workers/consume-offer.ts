/**
 * Consumes a producer in the numbers of a client's own offer.
 *
 * mediasoup's consumers send with the router's payload types and header extension ids; a client that has made the offer
 * expects its own (RFC 3264, 6.1; RFC 8285, 6). Our patched worker rewrites them where the first encoding of the
 * consumable parameters names the router's payload type (`codecPayloadType`, which mediasoup itself leaves out there).
 * `transport.consume()` derives everything from the producer's consumable parameters, which it reads before its first
 * `await`; so for that one synchronous stretch it is shown a producer whose parameters are in the offer's numbers.
 */
import type { types } from 'mediasoup';
import { EddyError, type RtpParameters } from 'eddy/plugin';
import { matchCodec, type OfferedCodec } from '../shared/codec-match.ts';

/** One-byte header extensions have ids of 1 to 14 (RFC 8285, 4.2); the SFU writes no others. */
const MAX_EXTENSION_ID = 14;

/** What `consume()` reads of a producer. */
interface ConsumableProducer {
  readonly id: string;
  readonly kind: types.MediaKind;
  readonly type: types.ProducerType;
  readonly consumableRtpParameters: types.RtpParameters;
}

/** The member through which `consume()` looks its producer up. It is protected in mediasoup's types. */
interface ProducerLookup {
  getProducerById: (id: string) => ConsumableProducer | undefined;
}

/** Options of {@link consumeByOffer}. */
export interface ConsumeOptions {
  readonly producerId: string;
  readonly mid?: string | undefined;
}

/** The consumer, paused. Rejects with WEBRTC_CODEC_UNFIT or WEBRTC_HANDLE_GONE, else as mediasoup does. */
export async function consumeByOffer(
  transport: types.WebRtcTransport,
  offered: RtpParameters,
  { producerId, mid }: ConsumeOptions,
): Promise<types.Consumer> {
  const lookup = transport as unknown as ProducerLookup;
  const real = lookup.getProducerById;
  const producer = real(producerId);
  if (!producer) throw new EddyError('WEBRTC_HANDLE_GONE', `the stream ${producerId} has ended`);
  const shown = inNumbersOf(offered, producer);
  let consuming: Promise<types.Consumer>;
  lookup.getProducerById = () => shown.producer;
  try {
    consuming = transport.consume({
      producerId,
      rtpCapabilities: shown.capabilities,
      paused: true,
      ...(mid === undefined ? {} : { mid }),
    });
  } finally {
    lookup.getProducerById = real;
  }
  return consuming;
}

/** The producer and the client's capabilities, as `consume()` is to see them. Throws WEBRTC_CODEC_UNFIT. */
export function inNumbersOf(
  offered: RtpParameters,
  producer: ConsumableProducer,
): { readonly producer: ConsumableProducer; readonly capabilities: types.RtpCapabilities } {
  const real = producer.consumableRtpParameters;
  // A stream has one codec and its RTX; more appear only where a publisher negotiated several and may change between them.
  const codec = real.codecs.find((entry) => !isRtx(entry));
  const match = codec && matchCodec(codec, offered.codecs);
  if (!codec || !match) {
    const has = offered.codecs.map((entry) => entry.mimeType).join(', ') || 'nothing';
    throw new EddyError('WEBRTC_CODEC_UNFIT', `the client offers ${has}; the stream is ${codec?.mimeType ?? 'empty'}`);
  }
  const rtx = real.codecs.find((entry) => isRtx(entry) && entry.parameters?.['apt'] === codec.payloadType);
  const headerExtensions = (real.headerExtensions ?? []).flatMap((extension) => {
    const theirs = offered.headerExtensions?.find((entry) => entry.uri === extension.uri);
    return theirs && theirs.id >= 1 && theirs.id <= MAX_EXTENSION_ID ? [{ ...extension, id: theirs.id }] : [];
  });
  const codecs = renumber(codec, rtx, match);
  return {
    producer: {
      id: producer.id,
      kind: producer.kind,
      type: producer.type,
      consumableRtpParameters: {
        ...real,
        codecs,
        headerExtensions,
        encodings: (real.encodings ?? []).map((encoding) => ({ ...encoding, codecPayloadType: codec.payloadType })),
      },
    },
    capabilities: {
      codecs: codecs.map(({ payloadType, ...rest }) => ({
        ...rest,
        kind: producer.kind,
        preferredPayloadType: payloadType,
      })),
      headerExtensions: headerExtensions.map(({ uri, id }) => ({
        kind: producer.kind,
        uri,
        preferredId: id,
      })),
    },
  };
}

/** The codecs in the offer's numbers, with the feedback that both sides know. What the offer says of a format wins. */
function renumber(
  codec: types.RtpCodecParameters,
  rtx: types.RtpCodecParameters | undefined,
  match: OfferedCodec,
): types.RtpCodecParameters[] {
  const rtcpFeedback = (codec.rtcpFeedback ?? []).filter((ours) =>
    match.media.rtcpFeedback?.some(
      (theirs) => theirs.type === ours.type && (theirs.parameter ?? '') === (ours.parameter ?? ''),
    ),
  );
  const { payloadType } = match.media;
  const media = { ...codec, payloadType, parameters: { ...codec.parameters, ...match.media.parameters }, rtcpFeedback };
  if (!rtx || !match.rtx) return [media];
  return [media, { ...rtx, payloadType: match.rtx.payloadType, parameters: { ...rtx.parameters, apt: payloadType } }];
}

const isRtx = (codec: { readonly mimeType: string }): boolean => /\/rtx$/i.test(codec.mimeType);
