/** A producer that is fed from this process. */
import type { types } from 'mediasoup';
import type { Logger, RtpFeed, RtpHandle, RtpParameters } from 'eddy/plugin';
import { DirectEnd } from './direct.ts';
import type { LayerDemand } from './layer-demand.ts';
import { Listeners } from './listeners.ts';
import { asksForKeyFrame } from './rtcp.ts';
import type { Lease } from './routers.ts';

/** What is fed. */
export interface FeedSpec {
  readonly kind: 'audio' | 'video';
  readonly rtpParameters: RtpParameters;
  /** A crowd's key frame requests within this time become one, ms. */
  readonly keyFrameInterval: number;
}

/** Opens a producer on the leased router. Rejects as the contract says. */
export function openFeed(lease: Lease, spec: FeedSpec, demand: LayerDemand, log: Logger): Promise<RtpFeed> {
  return DirectEnd.open<never, RtpFeed>(lease, log, 'feed the stream', async (end) => {
    const producer = await end.transport.produce({
      kind: spec.kind,
      rtpParameters: spec.rtpParameters as types.RtpParameters,
      ...(spec.kind === 'video' ? { keyFrameRequestDelay: spec.keyFrameInterval } : {}),
    });
    return new DirectFeed(end, producer, demand);
  });
}

class DirectFeed implements RtpFeed {
  readonly handle: RtpHandle;
  readonly rtpParameters: RtpParameters;
  readonly #end: DirectEnd<never>;
  readonly #producer: types.Producer;
  readonly #asked: Listeners<undefined>;
  readonly #demand: LayerDemand;

  constructor(end: DirectEnd<never>, producer: types.Producer, demand: LayerDemand) {
    this.#demand = demand;
    this.#end = end;
    this.#producer = producer;
    this.#asked = new Listeners(end.log);
    this.rtpParameters = producer.rtpParameters;
    const { id, kind, rtpParameters } = producer;
    this.handle = { routerId: end.router.id, producerId: id, kind, rtpParameters };
    end.transport.on('rtcp', (packet) => {
      if (asksForKeyFrame(packet)) this.#asked.tell(undefined);
    });
    const { router } = end;
    router.producers.set(id, producer);
    router.counts.producers++;
    end.onEnd(() => {
      router.producers.delete(id);
      router.counts.producers--;
    });
  }

  send(packet: Uint8Array): void {
    if (!this.#end.ended) this.#producer.send(asBuffer(packet));
  }

  sendRtcp(packet: Uint8Array): void {
    if (!this.#end.ended) this.#end.transport.sendRtcp(asBuffer(packet));
  }

  onKeyFrameRequest(listener: () => void): () => void {
    return this.#asked.add(listener);
  }

  onHighestLayer(listener: (highest: number | undefined) => void): () => void {
    const top = Math.max(0, (this.rtpParameters.encodings ?? []).length - 1);
    let told: number | undefined | 'nothing' = 'nothing';
    const look = (): void => {
      const highest = this.#demand.highest(this.handle.producerId);
      const layer = highest === undefined ? undefined : Math.min(highest, top);
      if (layer === told || this.#end.ended) return;
      told = layer;
      listener(layer);
    };
    const forget = this.#demand.watch(this.handle.producerId, look);
    this.#end.onEnd(forget);
    look();
    return forget;
  }

  onClosed(listener: (cause: 'closed' | 'worker-died') => void): () => void {
    return this.#end.onEnd(listener);
  }

  close(): void {
    this.#end.end('closed');
  }
}

/** The same bytes: mediasoup wants a Buffer, and copies it into its message. */
const asBuffer = (packet: Uint8Array): Buffer => Buffer.from(packet.buffer, packet.byteOffset, packet.byteLength);
