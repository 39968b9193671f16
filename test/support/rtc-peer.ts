/** A WebRTC client that nobody here wrote: libdatachannel, which hands over RTP and RTCP as they come. */
import nodeDataChannel from 'node-datachannel';
import type { RtpConsumer, RtpParameters, WebRtcTransport } from 'eddy/plugin';
import { readRtp, type Rtp } from './sfu.ts';

/** One m-line of a client that only receives. */
export interface PeerLine {
  readonly kind: 'audio' | 'video';
  readonly mid: string;
  readonly offered: RtpParameters;
  /** SSRCs that will come: libdatachannel finds the line of a packet by these alone. */
  readonly ssrcs: readonly number[];
}

/** A client that receives by the numbers of its own offer. */
export interface RtcPeer {
  /** RTP packets in the order of their arrival, of all lines. */
  readonly packets: Rtp[];
  /** RTCP compound packets. */
  readonly rtcp: Buffer[];
  readonly state: string;
  /** Sends RTCP to the other side. */
  sendRtcp(packet: Buffer): void;
  close(): void;
}

/** The line that carries a consumer. */
export const lineOf = (consumer: RtpConsumer, offered: RtpParameters): PeerLine => ({
  kind: consumer.kind,
  mid: consumer.rtpParameters.mid!,
  offered,
  ssrcs: consumer.rtpParameters.encodings!.flatMap(({ ssrc, rtx }) => [ssrc!, ...(rtx ? [rtx.ssrc] : [])]),
});

/** Connects a new client to a transport: it offers, the transport's own data answer. Settles when DTLS is through. */
export async function connectPeer(transport: WebRtcTransport, lines: readonly PeerLine[]): Promise<RtcPeer> {
  const connection = new nodeDataChannel.PeerConnection('peer', { iceServers: [], bindAddress: '127.0.0.1' });
  const packets: Rtp[] = [];
  const rtcp: Buffer[] = [];
  const tracks = lines.map(({ kind, mid, offered }) => {
    const media =
      kind === 'video' ? new nodeDataChannel.Video(mid, 'RecvOnly') : new nodeDataChannel.Audio(mid, 'RecvOnly');
    for (const { mimeType, payloadType, parameters, clockRate } of offered.codecs) {
      const name = mimeType.split('/')[1]!;
      if (name === 'rtx') media.addRTXCodec(payloadType, parameters!.apt as number, clockRate);
      else if ('addVideoCodec' in media) media.addVideoCodec(payloadType, name, fmtp(parameters));
      else media.addOpusCodec(payloadType);
    }
    for (const { uri, id } of offered.headerExtensions ?? []) media.parseSdpLine(`a=extmap:${id} ${uri}`);
    const track = connection.addTrack(media);
    track.onMessage((message) => {
      // RTCP shares the port (RFC 5761, 4): its packet types would be payload types 64 to 95 with the marker set.
      if (message[1]! < 192 || message[1]! > 223) packets.push(readRtp(message));
      else rtcp.push(Buffer.from(message));
    });
    return track;
  });
  const offered = new Promise<string>((resolve) => connection.onLocalDescription((sdp) => resolve(sdp)));
  const connected = new Promise<void>((resolve, reject) =>
    connection.onStateChange((state) => {
      if (state === 'connected') resolve();
      if (state === 'failed') reject(new Error('the peer cannot connect'));
    }),
  );
  connection.setLocalDescription('offer');
  const offer = await offered;
  const fingerprint = /^a=fingerprint:(\S+) (\S+)/m.exec(offer)!;
  await transport.connect({ role: 'client', fingerprints: [{ algorithm: fingerprint[1]!, value: fingerprint[2]! }] });
  connection.setRemoteDescription(answerOf(transport, lines), 'answer');
  await connected;
  return {
    packets,
    rtcp,
    get state() {
      return connection.state();
    },
    sendRtcp: (packet) => void tracks[0]!.sendMessageBinary(packet),
    close: () => connection.close(),
  };
}

const fmtp = (parameters: Readonly<Record<string, unknown>> = {}): string =>
  Object.entries(parameters)
    .map(([key, value]) => `${key}=${String(value)}`)
    .join(';');

/** The least answer there is: the transport's own data, and each m-line as it was offered, the other way round. */
function answerOf(transport: WebRtcTransport, lines: readonly PeerLine[]): string {
  const { iceParameters, iceCandidates, dtlsFingerprints } = transport;
  const { algorithm, value } = dtlsFingerprints.find((entry) => entry.algorithm === 'sha-256')!;
  const media = lines.flatMap(({ kind, mid, offered, ssrcs }) => [
    `m=${kind} 9 UDP/TLS/RTP/SAVPF ${offered.codecs.map(({ payloadType }) => payloadType).join(' ')}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${mid}`,
    'a=sendonly',
    'a=rtcp-mux',
    'a=setup:passive',
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    `a=fingerprint:${algorithm} ${value}`,
    ...offered.codecs.flatMap(({ mimeType, payloadType, clockRate, channels, parameters }) => [
      `a=rtpmap:${payloadType} ${mimeType.split('/')[1]}/${clockRate}${channels ? `/${channels}` : ''}`,
      ...(parameters ? [`a=fmtp:${payloadType} ${fmtp(parameters)}`] : []),
    ]),
    ...(offered.headerExtensions ?? []).map(({ uri, id }) => `a=extmap:${id} ${uri}`),
    ...ssrcs.map((ssrc) => `a=ssrc:${ssrc} cname:camera`),
    ...iceCandidates
      .filter(({ protocol }) => protocol === 'udp')
      .map(
        ({ foundation, priority, address, port }) =>
          `a=candidate:${foundation} 1 udp ${priority} ${address} ${port} typ host`,
      ),
    'a=end-of-candidates',
  ]);
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${lines.map(({ mid }) => mid).join(' ')}`,
    ...media,
    '',
  ].join('\r\n');
}
