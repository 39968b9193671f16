/**
 * Offers (SDP, RFC 8866; JSEP, RFC 9429) as WHIP and WHEP clients send them: read by sdp-transform, then checked, since
 * its answer is a bag of whatever was there.
 */
import sdpTransform, { type Media, type Section, type Session } from 'sdp-transform';
import type { DtlsParameters } from 'eddy/plugin';

/** What is wrong with an offer. `unacceptable`: well formed, but nothing that can be answered. */
export class SdpError extends Error {
  override readonly name = 'SdpError';
  readonly reason: 'malformed' | 'unacceptable';

  constructor(reason: SdpError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}

/** The direction of an m-line, as its offerer sees it (RFC 3264 6.1). */
export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

/** One codec of an m-line. */
export interface OfferedCodec {
  readonly payloadType: number;
  /** As it was written: `H264`, `opus`, `rtx`. */
  readonly name: string;
  readonly clockRate: number;
  readonly channels: number | undefined;
  /** Of `a=fmtp`, keys in lower case; a parameter without a value has the value ''. */
  readonly parameters: Readonly<Record<string, string>>;
  /** The text of `a=fmtp`, for an answer that repeats it. */
  readonly fmtp: string | undefined;
  readonly feedback: readonly { readonly type: string; readonly parameter: string }[];
}

/** One layer of an `a=simulcast:send` (RFC 8853), in the order of the offer. */
export interface OfferedLayer {
  readonly rid: string;
  /** Restrictions of `a=rid` (RFC 8851 5): `max-width`, `max-br`, ... */
  readonly restrictions: Readonly<Record<string, string>>;
}

/** One m-line. */
export interface OfferedMedia {
  readonly kind: 'audio' | 'video' | 'other';
  readonly type: string;
  readonly protocol: string;
  /** The formats as written: what a refused m-line repeats. */
  readonly formats: string;
  readonly mid: string;
  readonly direction: Direction;
  /** False where the offerer itself has switched it off (port 0 without `bundle-only`, RFC 9143). */
  readonly enabled: boolean;
  readonly bundled: boolean;
  readonly codecs: readonly OfferedCodec[];
  readonly extensions: readonly { readonly id: number; readonly uri: string; readonly direction: Direction }[];
  readonly reducedSize: boolean;
  readonly allowMixedExtensions: boolean;
  /** Primary SSRCs in order, each with its retransmission's where the offer says so (RFC 5888 FID). */
  readonly ssrcs: readonly { readonly ssrc: number; readonly rtx: number | undefined }[];
  readonly cname: string | undefined;
  readonly layers: readonly OfferedLayer[];
}

/** A whole offer. */
export interface Offer {
  readonly media: readonly OfferedMedia[];
  readonly ice: { readonly usernameFragment: string; readonly password: string };
  readonly setup: 'actpass' | 'active' | 'passive';
  readonly fingerprint: DtlsParameters['fingerprints'][number];
}

const MAX_MEDIA = 32;
const MAX_CODECS = 128;
const FINGERPRINTS: ReadonlySet<string> = new Set(['sha-1', 'sha-224', 'sha-256', 'sha-384', 'sha-512']);

/** Reads an offer. Throws {@link SdpError}. */
export function parseOffer(text: string): Offer {
  if (!/^v=0\s*(?:\r?\n|$)/.test(text)) throw malformed('it does not begin with "v=0"');
  let session: Session;
  try {
    session = sdpTransform.parse(text);
  } catch {
    throw malformed('it cannot be read');
  }
  if (session.media.length === 0) throw malformed('it has no m-line');
  if (session.media.length > MAX_MEDIA) throw malformed(`it has more than ${MAX_MEDIA} m-lines`);
  const bundle = bundleOf(session);
  const media = session.media.map((section, index) => readMedia(section, session, index, bundle));
  if (new Set(media.map(({ mid }) => mid)).size !== media.length) throw malformed('two m-lines have the same "a=mid"');
  const first = session.media.find((section) => section.type === 'audio' || section.type === 'video');
  if (!first) throw new SdpError('unacceptable', 'the offer has neither audio nor video');
  return {
    media,
    ice: readIce([first, session]),
    setup: readSetup([first, session]),
    fingerprint: readFingerprint([first, session]),
  };
}

const malformed = (what: string): SdpError =>
  new SdpError('malformed', `this is no SDP offer that WebRTC knows: ${what}`);

/** sdp-transform makes numbers of what looks like one; where none was written, the text is empty. */
export const textOf = (value: string | number | undefined): string => (value === undefined ? '' : String(value));

function bundleOf(session: Session): ReadonlySet<string> | undefined {
  const group = session.groups?.find(({ type }) => type === 'BUNDLE');
  return group && new Set(textOf(group.mids).split(' ').filter(Boolean));
}

function readMedia(
  section: Media,
  session: Session,
  index: number,
  bundle: ReadonlySet<string> | undefined,
): OfferedMedia {
  const kind = section.type === 'audio' || section.type === 'video' ? section.type : 'other';
  const mid = textOf(section.mid) || String(index);
  if (mid.length > 64) throw malformed('an "a=mid" is longer than 64 characters');
  if (section.rtp.length > MAX_CODECS) throw malformed(`an m-line has more than ${MAX_CODECS} codecs`);
  const { ssrcs, cname } = readSsrcs(section);
  return {
    kind,
    type: textOf(section.type),
    protocol: textOf(section.protocol),
    formats: textOf(section.payloads),
    mid,
    direction: section.direction ?? session.direction ?? 'sendrecv',
    enabled: section.port !== 0 || section.bundleOnly !== undefined,
    // An offer of one m-line needs no group.
    bundled: bundle ? bundle.has(mid) : index === 0,
    codecs: kind === 'other' ? [] : readCodecs(section),
    extensions: (section.ext ?? session.ext ?? []).flatMap(readExtension),
    reducedSize: section.rtcpRsize !== undefined,
    allowMixedExtensions: (section.extmapAllowMixed ?? session.extmapAllowMixed) !== undefined,
    ssrcs,
    cname,
    layers: readLayers(section),
  };
}

function readCodecs(section: Media): OfferedCodec[] {
  const order = textOf(section.payloads).split(' ').map(Number);
  const codecs = section.rtp.flatMap((map): OfferedCodec[] => {
    const payloadType = map.payload;
    if (!Number.isInteger(payloadType) || payloadType < 0 || payloadType > 127 || !order.includes(payloadType))
      return [];
    const fmtp = section.fmtp.find((line) => line.payload === payloadType);
    const text = fmtp && textOf(fmtp.config).trim();
    return [
      {
        payloadType,
        name: textOf(map.codec),
        clockRate: Number(map.rate ?? 0),
        channels: map.encoding === undefined ? undefined : Number(map.encoding),
        parameters: readParameters(text),
        fmtp: text,
        feedback: (section.rtcpFb ?? [])
          .filter((line) => textOf(line.payload) === '*' || Number(line.payload) === payloadType)
          .map((line) => ({ type: textOf(line.type), parameter: textOf(line.subtype) })),
      },
    ];
  });
  // The m-line gives the order of preference (RFC 3264 5.1), not the order of the rtpmap lines.
  return codecs.sort((a, b) => order.indexOf(a.payloadType) - order.indexOf(b.payloadType));
}

/** `a=b;c` as a record. By hand, since the library drops what has no value and numbers lose their form. */
function readParameters(text: string | undefined): Record<string, string> {
  const parameters: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const part of text?.split(';') ?? []) {
    const [key = '', ...value] = part.split('=');
    if (key.trim() !== '') parameters[key.trim().toLowerCase()] = value.join('=').trim();
  }
  return parameters;
}

function readExtension({ value, uri, direction }: NonNullable<Section['ext']>[number]) {
  if (typeof uri !== 'string' || !(value >= 1 && value <= 255)) return [];
  return [{ id: value, uri, direction: (direction ?? 'sendrecv') as Direction }];
}

function readSsrcs(section: Media): Pick<OfferedMedia, 'ssrcs' | 'cname'> {
  const lines = (section.ssrcs ?? []).filter(({ id }) => Number.isInteger(id) && id > 0 && id <= 0xffffffff);
  const rtx = new Map<number, number>();
  for (const { semantics, ssrcs } of section.ssrcGroups ?? []) {
    const [media, retransmission] = textOf(ssrcs).split(' ').map(Number);
    if (semantics === 'FID' && media !== undefined && retransmission !== undefined) rtx.set(media, retransmission);
  }
  const secondary = new Set(rtx.values());
  const primary = [...new Set(lines.map(({ id }) => id))].filter((ssrc) => !secondary.has(ssrc));
  return {
    ssrcs: primary.slice(0, 8).map((ssrc) => ({ ssrc, rtx: rtx.get(ssrc) })),
    cname: textOf(lines.find(({ attribute }) => attribute === 'cname')?.value) || undefined,
  };
}

/** `a=simulcast:send l;m;h`: alternatives of one layer (`,`) count as their first, a paused one (`~`) as a layer. */
function readLayers(section: Media): OfferedLayer[] {
  const { simulcast } = section;
  const list = simulcast?.dir1 === 'send' ? simulcast.list1 : simulcast?.dir2 === 'send' ? simulcast.list2 : undefined;
  if (list === undefined) return [];
  const rids = textOf(list)
    .split(';')
    .map((layer) => layer.split(',')[0]!.replace(/^~/, ''));
  if (rids.length > 8) throw malformed('it has more than 8 simulcast layers');
  return rids.map((rid) => {
    // RFC 8851 10: letters, digits, "-" and "_"; WebRTC forbids the last two, some clients use them.
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(rid)) throw malformed('a simulcast layer has no valid name');
    const line = section.rids?.find(({ id, direction }) => textOf(id) === rid && direction === 'send');
    if (!line) throw malformed(`the simulcast layer "${rid}" has no "a=rid" line`);
    return { rid, restrictions: readParameters(textOf(line.params)) };
  });
}

/** The first of these sections that has it: attributes of the transport stand in either place. */
function readIce(places: readonly Section[]): Offer['ice'] {
  const place = places.find(({ iceUfrag, icePwd }) => iceUfrag !== undefined && icePwd !== undefined);
  const usernameFragment = textOf(place?.iceUfrag);
  const password = textOf(place?.icePwd);
  // RFC 8839 5.4: 4 to 256 and 22 to 256 characters.
  if (!isIceText(usernameFragment, 4) || !isIceText(password, 22)) throw malformed('it has no valid ICE credentials');
  return { usernameFragment, password };
}

/** ice-char of RFC 8839 5.1, between `least` and 256 of them. */
export const isIceText = (text: string, least: number): boolean =>
  text.length >= least && text.length <= 256 && /^[A-Za-z0-9+/=_-]*$/.test(text);

function readSetup(places: readonly Section[]): Offer['setup'] {
  const setup = textOf(places.find((place) => place.setup !== undefined)?.setup) || 'actpass';
  if (setup === 'actpass' || setup === 'active' || setup === 'passive') return setup;
  throw malformed(`"a=setup:${setup.slice(0, 20)}" is no role`);
}

function readFingerprint(places: readonly Section[]): Offer['fingerprint'] {
  const found = places.find((place) => place.fingerprint !== undefined)?.fingerprint;
  const algorithm = textOf(found?.type).toLowerCase();
  const value = textOf(found?.hash).toUpperCase();
  if (!FINGERPRINTS.has(algorithm) || !/^[0-9A-F]{2}(?::[0-9A-F]{2}){15,63}$/.test(value)) {
    throw malformed('it has no valid DTLS fingerprint');
  }
  return { algorithm, value };
}
