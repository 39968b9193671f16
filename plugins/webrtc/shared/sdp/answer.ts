/** Answers to offers (RFC 3264, RFC 9429 5.3), and ICE fragments (RFC 8840) of the same transport. */
import sdpTransform from 'sdp-transform';
import type { DtlsParameters, RtpEncodingParameters, TransportAddress } from 'eddy/plugin';
import { hasMid, type TakenMedia } from './negotiate.ts';
import type { Offer, OfferedMedia } from './offer.ts';

/** The same in answers and fragments (RFC 9725 4.3.3): PATCH with candidates is taken. */
const ICE_OPTIONS = 'trickle ice2';

/** Options of {@link writeAnswer}. */
export interface AnswerOptions {
  readonly direction: 'sendonly' | 'recvonly';
  /** The one MediaStream that a viewer is sent. */
  readonly stream?: string;
  /** What an m-line is sent now. Told to clients without the MID extension alone, see {@link ssrcsOf}. */
  readonly encodings?: (media: TakenMedia) => readonly RtpEncodingParameters[];
}

/** Who begins the DTLS handshake: the client, unless it can only wait (RFC 8842 5.3). */
export function dtlsRoles({ setup }: Offer): { readonly client: DtlsParameters['role']; readonly answer: string } {
  return setup === 'passive' ? { client: 'server', answer: 'active' } : { client: 'client', answer: 'passive' };
}

/** The answer: what was taken, and every other m-line refused. */
export function writeAnswer(
  offer: Offer,
  taken: readonly TakenMedia[],
  address: TransportAddress,
  options: AnswerOptions,
): string {
  const { answer: setup } = dtlsRoles(offer);
  const transport = {
    iceUfrag: address.iceParameters.usernameFragment,
    icePwd: address.iceParameters.password,
    iceOptions: ICE_OPTIONS,
    fingerprint: fingerprintOf(address),
    setup,
  };
  const tagged = taken[0]?.offered;
  const media = offer.media.map((offered) => {
    const match = taken.find((candidate) => candidate.offered === offered);
    if (!match) return refused(offered);
    // Candidates belong to the first m-line of the bundle (RFC 9143 7.3.3); this is all of them, at once.
    const candidates =
      offered === tagged ? { candidates: candidatesOf(address), endOfCandidates: 'end-of-candidates' } : {};
    return { ...accepted(match, options), ...transport, ...candidates };
  });
  return sdpTransform.write({
    version: 0,
    origin: { username: '-', sessionId: sessionId(), sessionVersion: 1, netType: 'IN', ipVer: 4, address: '127.0.0.1' },
    name: '-',
    timing: { start: 0, stop: 0 },
    icelite: address.iceParameters.iceLite === false ? undefined : 'ice-lite',
    msidSemantic: { semantic: 'WMS', token: '*' },
    groups: [{ type: 'BUNDLE', mids: taken.map(({ offered }) => offered.mid).join(' ') }],
    extmapAllowMixed: taken.every(({ offered }) => offered.allowMixedExtensions) ? 'extmap-allow-mixed' : undefined,
    media,
  });
}

/** What a trickle or restart is answered with (RFC 9725 4.3.3): new credentials, and all candidates again. */
export function writeFragment(mid: string, kind: string, address: TransportAddress): string {
  const { iceParameters } = address;
  const candidates = candidatesOf(address).map(
    (c) =>
      `a=candidate:${c.foundation} ${c.component} ${c.transport} ${c.priority} ${c.ip} ${c.port} typ ${c.type}` +
      (c.tcptype === undefined ? '' : ` tcptype ${c.tcptype}`),
  );
  return [
    ...(iceParameters.iceLite === false ? [] : ['a=ice-lite']),
    `a=ice-options:${ICE_OPTIONS}`,
    `m=${kind} 9 UDP/TLS/RTP/SAVPF 0`,
    `a=mid:${mid}`,
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    ...candidates,
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}

/**
 * Streams change within an m-line, so clients find the line of a packet by its MID, and `a=ssrc` lines would bind them to the
 * first stream. One that has not negotiated MID (libdatachannel) has nothing but these lines to go by, and drops the rest.
 */
function ssrcsOf(media: TakenMedia, { encodings, stream }: AnswerOptions): object {
  if (encodings === undefined || hasMid(media)) return {};
  const streams = encodings(media).flatMap(({ ssrc, rtx }) => (ssrc === undefined ? [] : [{ ssrc, rtx: rtx?.ssrc }]));
  const all = streams.flatMap(({ ssrc, rtx }) => (rtx === undefined ? [ssrc] : [ssrc, rtx]));
  return {
    ssrcGroups: streams.flatMap(({ ssrc, rtx }) =>
      rtx === undefined ? [] : [{ semantics: 'FID', ssrcs: `${ssrc} ${rtx}` }],
    ),
    ssrcs: all.map((id) => ({ id, attribute: 'cname', value: stream })),
  };
}

function accepted(media: TakenMedia, options: AnswerOptions): object {
  const { offered, codecs, feedback, extensions, kind, rtpParameters } = media;
  const { direction, stream } = options;
  // In the offer's order; those that are not taken are left out (RFC 8853 5.3.2).
  const isTaken = (rid: string): boolean => rtpParameters.encodings?.some((encoding) => encoding.rid === rid) === true;
  const rids = direction === 'recvonly' ? offered.layers.map(({ rid }) => rid).filter(isTaken) : [];
  return {
    type: kind,
    port: 9,
    protocol: offered.protocol,
    payloads: codecs.map(({ payloadType }) => payloadType).join(' '),
    connection: { version: 4, ip: '0.0.0.0' },
    mid: offered.mid,
    direction,
    rtcpMux: 'rtcp-mux',
    rtcpRsize: offered.reducedSize ? 'rtcp-rsize' : undefined,
    msid: stream === undefined ? undefined : [{ id: stream, appdata: `${stream}-${kind}` }],
    ...ssrcsOf(media, options),
    ext: extensions.map(({ id, uri }) => ({ value: id, uri })),
    rtp: codecs.map((codec) => ({
      payload: codec.payloadType,
      codec: codec.name,
      rate: codec.clockRate,
      ...(codec.channels === undefined ? {} : { encoding: codec.channels }),
    })),
    fmtp: codecs.flatMap(({ payloadType, fmtp }) => (fmtp ? [{ payload: payloadType, config: fmtp }] : [])),
    rtcpFb: codecs.flatMap(({ payloadType }) =>
      (feedback.get(payloadType) ?? []).map(({ type, parameter }) => ({
        payload: payloadType,
        type,
        ...(parameter === '' ? {} : { subtype: parameter }),
      })),
    ),
    rids: rids.map((id) => ({ id, direction: 'recv' })),
    // In the offer's order, every layer wanted (RFC 8853 5.2).
    simulcast: rids.length > 0 ? { dir1: 'recv', list1: rids.join(';') } : undefined,
  };
}

/** Port 0, out of the bundle (RFC 3264 6, RFC 9143 7.3.1). */
function refused({ type, protocol, formats, mid }: OfferedMedia): object {
  return {
    type,
    port: 0,
    protocol,
    payloads: formats,
    connection: { version: 4, ip: '0.0.0.0' },
    mid,
    direction: 'inactive',
    rtp: [],
    fmtp: [],
  };
}

const candidatesOf = ({ iceCandidates }: TransportAddress) =>
  iceCandidates.map((candidate) => ({
    foundation: candidate.foundation,
    component: 1,
    transport: candidate.protocol,
    priority: candidate.priority,
    ip: candidate.address,
    port: candidate.port,
    type: candidate.type,
    tcptype: candidate.tcpType,
  }));

/** SHA-256 where there is one: every client knows it. */
function fingerprintOf({ dtlsFingerprints }: TransportAddress): { type: string; hash: string } {
  const best = dtlsFingerprints.find(({ algorithm }) => algorithm === 'sha-256') ?? dtlsFingerprints[0];
  return { type: best?.algorithm ?? '', hash: best?.value ?? '' };
}

/** RFC 9429 5.2.1: a 63-bit number that is no other session's. As a text, since it does not fit a double. */
const sessionId = (): string => (crypto.getRandomValues(new BigUint64Array(1))[0]! >> 1n).toString();
