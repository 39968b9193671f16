/** One stream to one client. */
import type { types } from 'mediasoup';
import type { ConsumerEvent, Logger, RtpConsumer, RtpParameters, StreamStats } from 'eddy/plugin';
import type { RouterEnd } from './camera-router.ts';
import { failure } from './failure.ts';
import type { Highest } from './layer-demand.ts';
import { Listeners } from './listeners.ts';
import { streamStats } from './stream-stats.ts';

/** mediasoup clamps to what there is. */
const ALL_LAYERS: types.ConsumerLayers = { spatialLayer: 127, temporalLayer: 127 };

/** See the file's head. */
export class ClientConsumer implements RtpConsumer {
  readonly id: string;
  readonly kind: 'audio' | 'video';
  readonly producerId: string;
  readonly rtpParameters: RtpParameters;
  readonly #consumer: types.Consumer;
  readonly #listeners: Listeners<ConsumerEvent>;
  readonly #takes: (highest: Highest) => void;
  /** Nothing is sent before it is resumed. */
  #paused = true;
  #highest = Infinity;
  #end: Extract<ConsumerEvent, { type: 'closed' }> | undefined;

  /**
   * `producerId` as its handle has it; `whyClosed`: why its transport has ended, once it has; `takes` is told the highest
   * layer that it may be sent.
   */
  constructor(
    consumer: types.Consumer,
    producerId: string,
    whyClosed: () => RouterEnd,
    takes: (highest: Highest) => void,
    log: Logger,
  ) {
    this.#takes = takes;
    this.#consumer = consumer;
    this.#listeners = new Listeners(log);
    this.id = consumer.id;
    this.kind = consumer.kind;
    this.producerId = producerId;
    this.rtpParameters = consumer.rtpParameters;
    consumer.on('layerschange', (layers) => this.#listeners.tell(layersEvent(layers)));
    consumer.on('score', ({ score }) => this.#listeners.tell({ type: 'score', score }));
    consumer.on('producerpause', () => this.#listeners.tell({ type: 'producer-paused' }));
    consumer.on('producerresume', () => this.#listeners.tell({ type: 'producer-resumed' }));
    consumer.on('producerclose', () => this.#ended('producer-closed'));
    consumer.on('transportclose', () => this.#ended(whyClosed()));
  }

  get closed(): boolean {
    return this.#end !== undefined;
  }

  resume(): Promise<void> {
    this.#paused = false;
    this.#tellDemand();
    return this.#ask('resume', () => this.#consumer.resume());
  }

  pause(): Promise<void> {
    this.#paused = true;
    this.#tellDemand();
    return this.#ask('pause', () => this.#consumer.pause());
  }

  preferLayers(layers: { readonly spatial: number; readonly temporal?: number } | undefined): Promise<void> {
    const wanted = layers && {
      spatialLayer: layers.spatial,
      ...(layers.temporal === undefined ? {} : { temporalLayer: layers.temporal }),
    };
    this.#highest = layers?.spatial ?? Infinity;
    this.#tellDemand();
    return this.#ask('prefer layers', () => this.#consumer.setPreferredLayers(wanted ?? ALL_LAYERS));
  }

  requestKeyFrame(): Promise<void> {
    return this.#ask('request a key frame', () => this.#consumer.requestKeyFrame());
  }

  async nextKeyFrame(): Promise<{ readonly sent: Promise<void> }> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const consumer = this.#consumer;
    const onTrace = ({ type }: types.ConsumerTraceEventData): void => {
      if (type === 'keyframe') resolve();
    };
    consumer.on('trace', onTrace);
    consumer.observer.once('close', resolve);
    void promise.then(() => {
      consumer.off('trace', onTrace);
      consumer.observer.off('close', resolve);
      // Where it has closed meanwhile there is nothing left to switch off.
      if (!consumer.closed) consumer.enableTraceEvent([]).catch(() => undefined);
    });
    await this.#ask('watch for a key frame', () => consumer.enableTraceEvent(['keyframe']));
    return { sent: promise };
  }

  /** With the share of packets lost lately, for the transport's own figures. */
  rawStats(): Promise<types.ConsumerStat | undefined> {
    return this.#ask('read figures', async () => {
      const stats = await this.#consumer.getStats();
      return stats.find((stat) => stat.type === 'outbound-rtp');
    });
  }

  async stats(): Promise<StreamStats> {
    const stat = await this.rawStats();
    if (stat) return streamStats(stat);
    const ssrc = this.rtpParameters.encodings?.[0]?.ssrc ?? 0;
    return { ssrc, packets: 0, bytes: 0, bitrate: 0, packetsLost: 0, keyFrameRequests: 0, score: 0 };
  }

  on(listener: (event: ConsumerEvent) => void): () => void {
    if (this.#end) {
      listener(this.#end);
      return () => undefined;
    }
    const remove = this.#listeners.add(listener);
    const { currentLayers, score, producerPaused } = this.#consumer;
    if (currentLayers) listener(layersEvent(currentLayers));
    if (score) listener({ type: 'score', score: score.score });
    if (producerPaused) listener({ type: 'producer-paused' });
    return remove;
  }

  close(): void {
    if (this.#end) return;
    this.#consumer.close();
    this.#ended('closed');
  }

  #ended(cause: Extract<ConsumerEvent, { type: 'closed' }>['cause']): void {
    if (this.#end) return;
    this.#end = { type: 'closed', cause };
    this.#tellDemand();
    this.#listeners.tell(this.#end);
    this.#listeners.clear();
  }

  #tellDemand(): void {
    this.#takes(this.#end || this.#paused ? undefined : this.#highest);
  }

  async #ask<T>(what: string, ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      throw failure(error, what, this.#consumer.closed);
    }
  }
}

const layersEvent = (layers: types.ConsumerLayers | undefined): ConsumerEvent => ({
  type: 'layers',
  spatial: layers?.spatialLayer,
  temporal: layers?.temporalLayer,
});
