/**
 * What of an offer is taken: codecs, feedback and header extensions that the routers know too, always in the offer's own
 * numbers (RFC 3264 6.1).
 */
import type { RtpCapabilities, RtpCodecCapability, RtpCodecParameters, RtpParameters } from 'eddy/plugin';
import { h264Profile, matchCodec } from '../codec-match.ts';
import { encodingsOf } from './encodings.ts';
import { SdpError, type OfferedCodec, type OfferedMedia, type Offer } from './offer.ts';

/** An m-line that is taken. */
export interface TakenMedia {
  readonly offered: OfferedMedia;
  readonly kind: 'audio' | 'video';
  /** For the answer, the preferred one first. */
  readonly codecs: readonly OfferedCodec[];
  /** What both sides know, by payload type. */
  readonly feedback: ReadonlyMap<number, OfferedCodec['feedback']>;
  readonly extensions: readonly { readonly id: number; readonly uri: string }[];
  /** The same as the SFU reads it. Of a publisher also its encodings, the lowest layer first. */
  readonly rtpParameters: RtpParameters;
}

const MID = 'urn:ietf:params:rtp-hdrext:sdes:mid';

/** True where packets tell their m-line (RFC 9143 15.2): only such a client finds the line of a stream that its answer did not name. */
export const hasMid = ({ extensions }: TakenMedia): boolean => extensions.some(({ uri }) => uri === MID);

/** A video codec, as a configuration names it. */
export type VideoCodecName = 'h264' | 'vp8' | 'vp9' | 'av1';

/** What a publisher's offer becomes. */
export interface PublishOptions {
  /** Video codecs that are taken, the preferred one first. */
  readonly video: readonly VideoCodecName[];
  /** The scalability mode (W3C WebRTC-SVC) that the publisher sends in one stream; SDP cannot say it. */
  readonly scalabilityMode?: string | undefined;
  /** Some clients name their simulcast layers from the highest down. */
  readonly highestLayerFirst?: boolean;
}

const TRANSPORT_CC = 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01';
const ABS_SEND_TIME = 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time';
/** One-byte header extensions (RFC 8285 4.2): the SFU writes no others. */
const MAX_EXTENSION_ID = 14;

/**
 * Takes the first audio and the first video m-line that send, each with one codec: a stream in the SFU has one. Throws
 * {@link SdpError} `unacceptable` where the offer sends nothing, or nothing in a codec that is known.
 */
export function takeForPublishing(offer: Offer, known: RtpCapabilities, options: PublishOptions): TakenMedia[] {
  const sending = offer.media.filter((media) => usable(media) && /^send/.test(media.direction));
  if (sending.length === 0)
    throw new SdpError('unacceptable', 'the offer sends nothing: its m-lines must be "sendonly"');
  const taken = (['audio', 'video'] as const).flatMap((kind): TakenMedia[] => {
    const media = sending.find((candidate) => candidate.kind === kind);
    const codecs = media && codecsOf(media, known);
    const codec = codecs && (kind === 'audio' ? codecs[0] : preferred(media, codecs, options.video));
    if (!media || !codec) return [];
    const base = take(media, kind, withRtx(media, [codec]), known, 'recv');
    const encodings = encodingsOf(media, { ...options, inLayers: takesLayers(codec) });
    return [{ ...base, rtpParameters: { ...base.rtpParameters, encodings } }];
  });
  const lacks = sending.find(({ kind }) => kind === 'video' && !taken.some((media) => media.kind === kind));
  if (taken.length === 0 || lacks) {
    const names = [...new Set(sending.flatMap(({ codecs }) => codecs.map(({ name }) => name)))].join(', ') || 'none';
    throw new SdpError('unacceptable', `none of the offered codecs is taken here (${names})`);
  }
  return inOrderOf(offer, taken);
}

/**
 * Takes the first audio and the first video m-line that receive, each with every codec that a camera may have, so that
 * the camera can change without a new negotiation. Throws {@link SdpError} `unacceptable` where there is none.
 */
export function takeForWatching(offer: Offer, known: RtpCapabilities): TakenMedia[] {
  const receiving = offer.media.filter((media) => usable(media) && /recv/.test(media.direction));
  if (receiving.length === 0)
    throw new SdpError('unacceptable', 'the offer receives nothing: its m-lines must be "recvonly"');
  const taken = (['audio', 'video'] as const).flatMap((kind): TakenMedia[] => {
    const media = receiving.find((candidate) => candidate.kind === kind);
    const codecs = media ? codecsOf(media, known) : [];
    return media && codecs.length > 0 ? [take(media, kind, withRtx(media, codecs), known, 'send')] : [];
  });
  if (taken.length === 0) throw new SdpError('unacceptable', 'none of the offered codecs is known here');
  return inOrderOf(offer, taken);
}

/** The same m-line with the codec that will flow first: simple clients look no further. */
export function preferring(media: TakenMedia, flowing: RtpCodecParameters | undefined): TakenMedia {
  const match = flowing && matchCodec(flowing, media.rtpParameters.codecs);
  if (!match) return media;
  const first = [match.media.payloadType, match.rtx?.payloadType];
  const rank = ({ payloadType }: OfferedCodec): number =>
    first.includes(payloadType) ? first.indexOf(payloadType) : 9;
  return { ...media, codecs: [...media.codecs].sort((a, b) => rank(a) - rank(b)) };
}

/** An m-line of media that is switched on, by SRTP, in the bundle. Old clients write the protocol without "UDP/TLS" (RFC 9429 5.1.2). */
const usable = ({ kind, enabled, bundled, protocol }: OfferedMedia): boolean =>
  kind !== 'other' && enabled && bundled && /(?:^|\/)RTP\/SAVPF?$/.test(protocol);

const inOrderOf = (offer: Offer, taken: TakenMedia[]): TakenMedia[] =>
  taken.sort((a, b) => offer.media.indexOf(a.offered) - offer.media.indexOf(b.offered));

/** Offered media codecs that the routers know, in the order of the offer. */
function codecsOf(media: OfferedMedia, known: RtpCapabilities): OfferedCodec[] {
  return media.codecs.filter((codec) => !isRtx(codec) && knownCodec(media, codec, known) !== undefined);
}

function knownCodec(media: OfferedMedia, codec: OfferedCodec, known: RtpCapabilities): RtpCodecCapability | undefined {
  const offered = [rtpCodec(media, codec, [])];
  return known.codecs.find(
    ({ kind, preferredPayloadType = 0, ...capability }) =>
      kind === media.kind && matchCodec({ ...capability, payloadType: preferredPayloadType }, offered) !== undefined,
  );
}

/** The codecs whose simulcast layers the SFU forwards; of others it refuses a producer that has several. */
const takesLayers = ({ name }: OfferedCodec): boolean => /^(?:h264|vp8)$/i.test(name);

/**
 * Of an offer in layers a codec that can be taken so goes first. Of H.264 the variant that every player takes: packetization
 * mode 1, Constrained Baseline where it is offered.
 */
function preferred(
  { layers }: OfferedMedia,
  codecs: readonly OfferedCodec[],
  order: readonly VideoCodecName[],
): OfferedCodec | undefined {
  const rank = (codec: OfferedCodec): number => {
    const place = order.indexOf(codec.name.toLowerCase() as VideoCodecName);
    if (codec.name.toLowerCase() !== 'h264') return place * 4;
    const whole = codec.parameters['packetization-mode'] === '1';
    const plain = h264Profile(codec.parameters['profile-level-id']) === 'constrained-baseline';
    return place * 4 + (whole ? 0 : 2) + (plain ? 0 : 1);
  };
  const wanted = codecs.filter(({ name }) => order.includes(name.toLowerCase() as VideoCodecName));
  const flat = (codec: OfferedCodec): number => Number(layers.length > 1 && !takesLayers(codec));
  return wanted.sort((a, b) => flat(a) - flat(b) || rank(a) - rank(b))[0];
}

const isRtx = ({ name }: OfferedCodec): boolean => /^rtx$/i.test(name);

/** Each codec with the RTX that repeats it (RFC 4588 8.6) behind it. */
function withRtx(media: OfferedMedia, codecs: readonly OfferedCodec[]): OfferedCodec[] {
  return codecs.flatMap((codec) => {
    const rtx = media.codecs.find((other) => isRtx(other) && Number(other.parameters.apt) === codec.payloadType);
    return rtx ? [codec, rtx] : [codec];
  });
}

function take(
  media: OfferedMedia,
  kind: 'audio' | 'video',
  codecs: readonly OfferedCodec[],
  known: RtpCapabilities,
  way: 'send' | 'recv',
): TakenMedia {
  const extensions = extensionsOf(media, known, way);
  const has = (uri: string): boolean => extensions.some((extension) => extension.uri === uri);
  // One way of estimating bandwidth, as the SFU chooses it: transport-cc, else REMB.
  const useless = has(TRANSPORT_CC) ? 'goog-remb' : has(ABS_SEND_TIME) ? 'transport-cc' : /^(goog-remb|transport-cc)$/;
  const feedback = new Map<number, OfferedCodec['feedback']>();
  for (const codec of codecs) {
    const ours = isRtx(codec) ? [] : (knownCodec(media, codec, known)?.rtcpFeedback ?? []);
    const both = codec.feedback.filter(
      ({ type, parameter }) =>
        (typeof useless === 'string' ? type !== useless : !useless.test(type)) &&
        ours.some((other) => other.type === type && (other.parameter ?? '') === parameter),
    );
    feedback.set(codec.payloadType, both);
  }
  return {
    offered: media,
    kind,
    codecs,
    feedback,
    extensions,
    rtpParameters: {
      mid: media.mid,
      codecs: codecs.map((codec) => rtpCodec(media, codec, feedback.get(codec.payloadType)!)),
      headerExtensions: extensions,
      rtcp: { reducedSize: true, ...(media.cname === undefined ? {} : { cname: media.cname }) },
    },
  };
}

function extensionsOf(media: OfferedMedia, known: RtpCapabilities, way: 'send' | 'recv'): TakenMedia['extensions'] {
  const theirs = way === 'send' ? /recv/ : /^send/;
  const ours = way === 'send' ? /^send/ : /recv/;
  const seen = new Set<string>();
  return media.extensions.flatMap(({ id, uri, direction }) => {
    const fits = id <= MAX_EXTENSION_ID && theirs.test(direction) && !seen.has(uri);
    if (!fits || !known.headerExtensions.some((e) => e.kind === media.kind && e.uri === uri && ours.test(e.direction)))
      return [];
    seen.add(uri);
    return [{ id, uri }];
  });
}

function rtpCodec(media: OfferedMedia, codec: OfferedCodec, feedback: OfferedCodec['feedback']): RtpCodecParameters {
  return {
    mimeType: `${media.kind}/${codec.name}`,
    payloadType: codec.payloadType,
    clockRate: codec.clockRate,
    ...(codec.channels === undefined ? {} : { channels: codec.channels }),
    parameters: Object.fromEntries(
      // The SFU compares these as numbers; a profile is a text even where it looks like one.
      Object.entries(codec.parameters).map(([key, value]) => [
        key,
        key !== 'profile-level-id' && /^\d{1,9}$/.test(value) ? Number(value) : value,
      ]),
    ),
    rtcpFeedback: feedback.map(({ type, parameter }) => ({ type, parameter })),
  };
}
