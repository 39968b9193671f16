/**
 * mediasoup alone as a measure for Eddy: one publisher and its viewers, with mediasoup's own defaults and nothing around it. The same
 * worker binary, codecs, and SDP.
 */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import * as mediasoup from 'mediasoup';
import type { types } from 'mediasoup';
import { writeAnswer } from '../../plugins/webrtc/shared/sdp/answer.ts';
import { takeForPublishing, takeForWatching } from '../../plugins/webrtc/shared/sdp/negotiate.ts';
import { parseOffer } from '../../plugins/webrtc/shared/sdp/offer.ts';
import { findWorkerBinary } from '../../plugins/webrtc/workers/binary.ts';
import { MEDIA_CODECS } from '../../plugins/webrtc/workers/codecs.ts';
import { consumeByOffer } from '../../plugins/webrtc/workers/consume-offer.ts';

/** A running one: POST an offer to `{url}/whip/x`, then others to `{url}/whep/x`, from pages of its own origin. */
export interface BareSfu {
  readonly url: string;
  close(): Promise<void>;
}

/** Starts it. */
export async function startBareSfu(): Promise<BareSfu> {
  const workerBin = await findWorkerBinary({ configured: undefined, baseDir: process.cwd(), env: process.env });
  const worker = await mediasoup.createWorker({ workerBin, logLevel: 'error' });
  const webRtcServer = await worker.createWebRtcServer({ listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }] });
  const router = await worker.createRouter({ mediaCodecs: [...MEDIA_CODECS] });
  let producer: types.Producer | undefined;

  const connect = async (sdp: string) => {
    const offer = parseOffer(sdp);
    const transport = await router.createWebRtcTransport({ webRtcServer });
    const fingerprints = [offer.fingerprint] as types.DtlsFingerprint[];
    await transport.connect({ dtlsParameters: { role: 'client', fingerprints } });
    const { iceParameters, iceCandidates, dtlsParameters } = transport;
    return {
      offer,
      transport,
      address: { iceParameters, iceCandidates, dtlsFingerprints: dtlsParameters.fingerprints },
    };
  };
  const known = router.rtpCapabilities as never;

  async function publish(sdp: string): Promise<string> {
    const { offer, transport, address } = await connect(sdp);
    const media = takeForPublishing(offer, known, { video: ['h264'] });
    const { kind, rtpParameters } = media[0]!;
    producer = await transport.produce({ kind, rtpParameters: rtpParameters as types.RtpParameters });
    return writeAnswer(offer, media, address, { direction: 'recvonly' });
  }

  async function watch(sdp: string): Promise<string> {
    const { offer, transport, address } = await connect(sdp);
    const media = takeForWatching(offer, known);
    const { rtpParameters, offered } = media[0]!;
    const consumer = await consumeByOffer(transport, rtpParameters, { producerId: producer!.id, mid: offered.mid });
    transport.on('dtlsstatechange', (state) => {
      if (state === 'connected') void consumer.resume();
    });
    const encodings = () => consumer.rtpParameters.encodings ?? [];
    return writeAnswer(offer, media, address, { direction: 'sendonly', stream: 'bare', encodings });
  }

  const http = createServer((request, response) => {
    void text(request)
      .then((sdp) => (request.url!.startsWith('/whip/') ? publish(sdp) : watch(sdp)))
      .then(
        (answer) => response.writeHead(201, { 'content-type': 'application/sdp' }).end(answer),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  });
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    async close() {
      worker.close();
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}
