/** Packets of a producer, delivered in this process. */
import type { types } from 'mediasoup';
import type { Logger, RtpParameters, RtpSenderReport, RtpTap } from 'eddy/plugin';
import { DirectEnd } from './direct.ts';
import type { LayerDemand } from './layer-demand.ts';
import { Listeners } from './listeners.ts';
import { pictureLossIndication } from './rtcp.ts';
import { SenderReports } from './sender-reports.ts';
import type { Lease } from './routers.ts';

type Cause = 'producer-closed';

/** Opens a tap on a producer of the leased router. Rejects as the contract says. */
export function openTap(lease: Lease, producer: types.Producer, demand: LayerDemand, log: Logger): Promise<RtpTap> {
  return DirectEnd.open<Cause, RtpTap>(lease, log, 'tap the stream', async (end) => {
    const consumer = await end.transport.consume({
      producerId: producer.id,
      rtpCapabilities: lease.router.router.rtpCapabilities,
      // Every layer as it comes: a usual consumer picks one and splices.
      pipe: true,
      // Nothing is lost between the worker and here.
      enableRtx: false,
      paused: true,
    });
    const reports = await SenderReports.of(producer, consumer, log);
    // Every layer, whoever watches.
    demand.set(producer.id, end, Infinity);
    end.onEnd(() => {
      demand.set(producer.id, end, undefined);
      reports.close();
    });
    return new DirectTap(end, consumer, producer.rtpParameters.encodings ?? [], reports);
  });
}

class DirectTap implements RtpTap {
  readonly rtpParameters: RtpParameters;
  readonly layers: RtpTap['layers'];
  readonly #end: DirectEnd<Cause>;
  readonly #consumer: types.Consumer;
  readonly #rtp: Listeners<Uint8Array>;
  readonly #reports: SenderReports;

  constructor(
    end: DirectEnd<Cause>,
    consumer: types.Consumer,
    published: readonly types.RtpEncodingParameters[],
    reports: SenderReports,
  ) {
    this.#end = end;
    this.#consumer = consumer;
    this.#reports = reports;
    this.#rtp = new Listeners(end.log);
    this.rtpParameters = consumer.rtpParameters;
    this.layers = (consumer.rtpParameters.encodings ?? []).map(({ ssrc }, spatial) => {
      const rid = published[spatial]?.rid;
      return { ssrc: ssrc!, spatial, ...(rid === undefined ? {} : { rid }) };
    });
    consumer.on('rtp', (packet) => this.#rtp.tell(packet));
    consumer.on('producerclose', () => end.end('producer-closed'));
  }

  onRtp(listener: (packet: Uint8Array) => void): void {
    const first = this.#rtp.size === 0;
    this.#rtp.add(listener);
    // Resuming asks for a key frame. It fails only where the tap has ended, which is told by `onClosed`.
    if (first) this.#consumer.resume().catch(() => undefined);
  }

  onSenderReport(listener: (report: RtpSenderReport) => void): void {
    this.#reports.on(listener);
  }

  requestKeyFrame(ssrc?: number): void {
    if (this.#end.ended) return;
    for (const layer of this.layers) {
      if (ssrc === undefined || layer.ssrc === ssrc) this.#end.transport.sendRtcp(pictureLossIndication(layer.ssrc));
    }
  }

  onClosed(listener: (cause: 'closed' | Cause | 'worker-died') => void): () => void {
    return this.#end.onEnd(listener);
  }

  close(): void {
    this.#end.end('closed');
  }
}
