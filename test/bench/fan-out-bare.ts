/**
 * mediasoup alone, with the least HTTP around it: one publisher, any number of viewers, every stream in mediasoup's own numbers and
 * with no figures, sessions or camera to care for. The same worker binary, socket buffers and codecs as Eddy's. Speaks over IPC.
 */
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import * as mediasoup from 'mediasoup';
import type { types } from 'mediasoup';
import { takeForPublishing } from '../../plugins/webrtc/shared/sdp/negotiate.ts';
import { parseOffer } from '../../plugins/webrtc/shared/sdp/offer.ts';
import { writeAnswer } from '../../plugins/webrtc/shared/sdp/answer.ts';
import { findWorkerBinary } from '../../plugins/webrtc/workers/binary.ts';
import { MEDIA_CODECS } from '../../plugins/webrtc/workers/codecs.ts';
import { serveReports } from './fan-out-report.ts';

const SOCKET_BUFFER = 4 * 1024 * 1024;
const EXTENSIONS = [
  'urn:ietf:params:rtp-hdrext:sdes:mid',
  'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
];

const binary = await findWorkerBinary({ configured: undefined, baseDir: process.cwd(), env: process.env });
const worker = await mediasoup.createWorker({ workerBin: binary, logLevel: 'error' });
const socket = { ip: '127.0.0.1', sendBufferSize: SOCKET_BUFFER, recvBufferSize: SOCKET_BUFFER };
const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ...socket }] });
const router = await worker.createRouter({ mediaCodecs: [...MEDIA_CODECS] });
const producers = new Map<string, types.Producer>();

async function connect(sdp: string) {
  const offer = parseOffer(sdp);
  const transport = await router.createWebRtcTransport({ webRtcServer, initialAvailableOutgoingBitrate: 1_000_000 });
  const fingerprints = [offer.fingerprint] as types.DtlsFingerprint[];
  await transport.connect({ dtlsParameters: { role: 'client', fingerprints } });
  const { iceParameters, iceCandidates, dtlsParameters } = transport;
  const address = {
    iceParameters,
    iceCandidates: iceCandidates.map(({ address: ip, ...rest }) => ({ ...rest, address: ip })),
    dtlsFingerprints: dtlsParameters.fingerprints,
  };
  return { offer, transport, address };
}

async function publish(sdp: string): Promise<string> {
  const { offer, transport, address } = await connect(sdp);
  const media = takeForPublishing(offer, router.rtpCapabilities as never, { video: ['h264'] });
  for (const { kind, rtpParameters } of media) {
    // As Eddy does: else each viewer that joins costs all the others a key frame, and handshakes are lost in the flood.
    const keyFrames = kind === 'video' ? { keyFrameRequestDelay: 1000 } : {};
    const options = { kind, rtpParameters: rtpParameters as types.RtpParameters, ...keyFrames };
    producers.set(kind, await transport.produce(options));
  }
  return writeAnswer(offer, media, address, { direction: 'recvonly' });
}

async function watch(sdp: string): Promise<string> {
  const { offer, transport, address } = await connect(sdp);
  const rtpCapabilities = {
    codecs: router.rtpCapabilities.codecs!,
    headerExtensions: router.rtpCapabilities.headerExtensions!.filter(({ uri }) => EXTENSIONS.includes(uri)),
  };
  const producerId = producers.get('video')!.id;
  const { rtpParameters } = await transport.consume({ producerId, rtpCapabilities, mid: offer.media[0]!.mid });
  const codec = rtpParameters.codecs[0]!;
  const { iceParameters, iceCandidates, dtlsFingerprints } = address;
  const { value } = dtlsFingerprints.find(({ algorithm }) => algorithm === 'sha-256')!;
  return [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    'a=ice-lite',
    `a=group:BUNDLE ${rtpParameters.mid}`,
    `m=video 9 UDP/TLS/RTP/SAVPF ${codec.payloadType}`,
    'c=IN IP4 0.0.0.0',
    `a=mid:${rtpParameters.mid}`,
    'a=sendonly',
    'a=rtcp-mux',
    'a=setup:passive',
    `a=ice-ufrag:${iceParameters.usernameFragment}`,
    `a=ice-pwd:${iceParameters.password}`,
    `a=fingerprint:sha-256 ${value}`,
    `a=rtpmap:${codec.payloadType} H264/90000`,
    `a=fmtp:${codec.payloadType} profile-level-id=42e01f;packetization-mode=1;level-asymmetry-allowed=1`,
    ...iceCandidates.map(
      ({ foundation, priority, address: ip, port }) =>
        `a=candidate:${foundation} 1 udp ${priority} ${ip} ${port} typ host`,
    ),
    'a=end-of-candidates',
    '',
  ].join('\r\n');
}

const server = createServer((request, response) => {
  const answer = async (): Promise<void> => {
    const sdp = await text(request);
    const body = await (request.url!.startsWith('/whip') ? publish(sdp) : watch(sdp));
    response.writeHead(201, { 'content-type': 'application/sdp', location: '/session' }).end(body);
  };
  answer().catch((error: unknown) => response.writeHead(500).end(String(error)));
});
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
const { port } = server.address() as { port: number };
serveReports(`http://127.0.0.1:${port}`, worker.pid, async () => {
  worker.close();
  server.close();
});
