/** One WebRTC connection of a client. */
import type { types } from 'mediasoup';
import {
  EddyError,
  type Clock,
  type DtlsParameters,
  type Logger,
  type RtpConsumer,
  type RtpHandle,
  type RtpParameters,
  type TransportAddress,
  type TransportState,
  type TransportStats,
  type WebRtcTransport,
} from 'eddy/plugin';
import type { CameraRouter } from './camera-router.ts';
import { consumeByOffer } from './consume-offer.ts';
import { ClientConsumer } from './consumer.ts';
import { failure } from './failure.ts';
import type { LayerDemand } from './layer-demand.ts';
import { Listeners } from './listeners.ts';
import type { Brought } from './pipes.ts';
import { lossOf } from './stream-stats.ts';

/** What a transport needs of the service around it. */
export interface TransportHost {
  readonly log: Logger;
  readonly clock: Pick<Clock, 'after'>;
  /** The producer of a handle and where it lives. Throws WEBRTC_HANDLE_GONE. */
  find(handle: RtpHandle): { readonly router: CameraRouter; readonly producer: types.Producer };
  /** Has the producer in another router until it is released. */
  bring(producer: types.Producer, from: CameraRouter, to: CameraRouter): Promise<Brought>;
  readonly demand: LayerDemand;
  /** A crowd's key frame requests within this time become one, ms. */
  readonly keyFrameInterval: number;
  /** How long a client may take to connect, ms. */
  readonly connectTimeout: number;
  /** The most that any client may send and be sent, bits a second. */
  readonly most: { readonly incoming: number; readonly outgoing: number };
}

type Closed = Extract<TransportState, { state: 'closed' }>;

/** A client whose address changed comes back by an ICE restart or by its other candidates; then it is gone. */
const RETURN_MS = 10_000;
/** A viewer that is only connecting will soon take video and audio. */
const EXPECTED_STREAMS = 2;

/** See the file's head. */
export class ClientTransport implements WebRtcTransport {
  readonly id: string;
  readonly iceCandidates: TransportAddress['iceCandidates'];
  readonly dtlsFingerprints: TransportAddress['dtlsFingerprints'];
  readonly #transport: types.WebRtcTransport;
  readonly #router: CameraRouter;
  readonly #host: TransportHost;
  readonly #listeners: Listeners<TransportState>;
  readonly #consumers = new Set<ClientConsumer>();
  readonly #producers = new Map<string, types.Producer>();
  readonly #onClosed: (() => void)[] = [];
  #state: TransportState = { state: 'new' };
  #cause: Closed['cause'] | undefined;
  #cancelTimer: () => void;

  /** `release` is called once, when it has closed. */
  constructor(
    transport: types.WebRtcTransport,
    router: CameraRouter,
    candidates: TransportAddress['iceCandidates'],
    host: TransportHost,
    release: () => void,
  ) {
    this.#transport = transport;
    this.#router = router;
    this.#host = host;
    this.#listeners = new Listeners(host.log);
    this.id = transport.id;
    this.iceCandidates = candidates;
    this.dtlsFingerprints = transport.dtlsParameters.fingerprints;
    this.#onClosed.push(release, router.worker.carry(this));
    router.counts.transports++;
    this.#cancelTimer = host.clock.after(host.connectTimeout, () => this.#closeFor('ice'));
    transport.on('icestatechange', () => this.#follow());
    transport.on('dtlsstatechange', () => this.#follow());
    transport.observer.once('close', () => this.#closed());
    // Its worker may have died while it was being made.
    if (transport.closed) this.#closed();
  }

  get iceParameters(): TransportAddress['iceParameters'] {
    return this.#transport.iceParameters;
  }

  get weight(): number {
    return Math.max(EXPECTED_STREAMS, this.#consumers.size + this.#producers.size);
  }

  connect(dtls: DtlsParameters): Promise<void> {
    return this.#ask('connect', () => this.#transport.connect({ dtlsParameters: dtlsParameters(dtls) }));
  }

  restartIce(): Promise<TransportAddress['iceParameters']> {
    return this.#ask('restart ICE', () => this.#transport.restartIce());
  }

  async produce(kind: 'audio' | 'video', rtpParameters: RtpParameters): Promise<RtpHandle> {
    const producer = await this.#ask('take the stream', () =>
      this.#transport.produce({
        kind,
        rtpParameters: rtpParameters as types.RtpParameters,
        ...(kind === 'video' ? { keyFrameRequestDelay: this.#host.keyFrameInterval } : {}),
      }),
    );
    const router = this.#router;
    this.#producers.set(producer.id, producer);
    router.producers.set(producer.id, producer);
    router.counts.producers++;
    producer.observer.once('close', () => {
      this.#producers.delete(producer.id);
      router.producers.delete(producer.id);
      router.counts.producers--;
    });
    this.#mustStillLive(producer);
    return { routerId: router.id, producerId: producer.id, kind, rtpParameters: producer.rtpParameters };
  }

  closeProducer(handle: RtpHandle): void {
    this.#producers.get(handle.producerId)?.close();
  }

  async consume(
    handle: RtpHandle,
    offered: RtpParameters,
    options: { readonly mid?: string } = {},
  ): Promise<RtpConsumer> {
    this.#mustLive();
    const { router, producer } = this.#host.find(handle);
    const { producerId, release } =
      router === this.#router
        ? { producerId: producer.id, release: () => undefined }
        : await this.#bring(producer, router);
    try {
      const consumer = await this.#ask('send the stream', () =>
        consumeByOffer(this.#transport, offered, { producerId, mid: options.mid }),
      );
      return this.#keep(consumer, handle.producerId, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  limit({ incoming, outgoing }: { readonly incoming?: number; readonly outgoing?: number }): Promise<void> {
    const { most } = this.#host;
    return this.#ask('limit the bandwidth', async () => {
      if (incoming !== undefined) await this.#transport.setMaxIncomingBitrate(Math.min(incoming, most.incoming));
      if (outgoing !== undefined) await this.#transport.setMaxOutgoingBitrate(Math.min(outgoing, most.outgoing));
    });
  }

  stats(): Promise<TransportStats> {
    return this.#ask('read figures', async () => {
      const [stats, sent, taken] = await Promise.all([
        this.#transport.getStats(),
        Promise.all([...this.#consumers].map((consumer) => consumer.rawStats())),
        Promise.all([...this.#producers.values()].map((producer) => producer.getStats())),
      ]);
      const stat = stats[0]!;
      const out = sent.filter((entry) => entry !== undefined);
      const received = taken.flat();
      const roundTrip = most([...out, ...received].flatMap(({ roundTripTime }) => roundTripTime ?? []));
      const lossIn = stat.rtpPacketLossReceived ?? most(received.map(lossOf));
      const lossOut = stat.rtpPacketLossSent ?? most(out.map(lossOf));
      const tuple = this.#transport.iceSelectedTuple;
      return {
        bytesIn: stat.bytesReceived,
        bytesOut: stat.bytesSent,
        ...(stat.availableOutgoingBitrate ? { availableOutgoingBitrate: stat.availableOutgoingBitrate } : {}),
        ...(lossIn === undefined ? {} : { lossIn }),
        ...(lossOut === undefined ? {} : { lossOut }),
        ...(roundTrip === undefined ? {} : { roundTrip }),
        ...(tuple ? { remote: `${tuple.protocol} ${tuple.remoteIp}:${tuple.remotePort}` } : {}),
      };
    });
  }

  onState(listener: (state: TransportState) => void): () => void {
    const remove = this.#state.state === 'closed' ? () => undefined : this.#listeners.add(listener);
    listener(this.#state);
    return remove;
  }

  close(): void {
    this.#closeFor('closed');
  }

  async #bring(producer: types.Producer, from: CameraRouter): Promise<Brought> {
    try {
      return await this.#host.bring(producer, from, this.#router);
    } catch (error) {
      if (producer.closed || from.worker.died) throw gone(producer.id);
      throw failure(error, 'pipe the stream', this.#transport.closed);
    }
  }

  #keep(consumer: types.Consumer, producerId: string, release: () => void): ClientConsumer {
    const { demand, log } = this.#host;
    const kept: ClientConsumer = new ClientConsumer(
      consumer,
      producerId,
      () => this.#router.end,
      (highest) => demand.set(producerId, kept, highest),
      log,
    );
    const { counts } = this.#router;
    this.#consumers.add(kept);
    counts.consumers++;
    consumer.observer.once('close', () => {
      this.#consumers.delete(kept);
      counts.consumers--;
      release();
    });
    this.#mustStillLive(consumer);
    return kept;
  }

  #follow(): void {
    const { iceState, dtlsState } = this.#transport;
    if (dtlsState === 'failed' || dtlsState === 'closed') return this.#closeFor('dtls');
    if (iceState === 'disconnected') return this.#enter('disconnected');
    if (iceState === 'new') return undefined;
    return this.#enter(dtlsState === 'connected' ? 'connected' : 'connecting');
  }

  #enter(state: Exclude<TransportState['state'], 'closed'>): void {
    if (this.#state.state === state || this.#state.state === 'closed') return;
    if (state !== 'connecting') {
      this.#cancelTimer();
      if (state === 'disconnected') this.#cancelTimer = this.#host.clock.after(RETURN_MS, () => this.#closeFor('ice'));
    }
    this.#state = { state };
    this.#listeners.tell(this.#state);
  }

  #closeFor(cause: Closed['cause']): void {
    this.#cause ??= cause;
    this.#transport.close();
  }

  #closed(): void {
    if (this.#state.state === 'closed') return;
    this.#cancelTimer();
    this.#router.counts.transports--;
    this.#state = { state: 'closed', cause: this.#cause ?? this.#router.end };
    for (const undo of this.#onClosed) undo();
    this.#listeners.tell(this.#state);
    this.#listeners.clear();
  }

  #mustLive(): void {
    if (this.#transport.closed) throw new EddyError('WEBRTC_TRANSPORT_CLOSED', 'the connection has ended');
  }

  /** What the worker made while the transport was being closed would never be told. */
  #mustStillLive(made: { close(): void }): void {
    if (this.#transport.closed) made.close();
    this.#mustLive();
  }

  async #ask<T>(what: string, ask: () => Promise<T>): Promise<T> {
    this.#mustLive();
    try {
      return await ask();
    } catch (error) {
      throw failure(error, what, this.#transport.closed);
    }
  }
}

/** Bytes of a digest, by the name that SDP has for its algorithm (RFC 8122, 5). */
const DIGESTS: Readonly<Record<types.FingerprintAlgorithm, number>> = {
  'sha-1': 20,
  'sha-224': 28,
  'sha-256': 32,
  'sha-384': 48,
  'sha-512': 64,
};

/** As the worker compares them: it takes any text, and then fails the handshake. Throws WEBRTC_PARAMETERS_INVALID. */
function dtlsParameters({ role, fingerprints }: DtlsParameters): types.DtlsParameters {
  const known = fingerprints.flatMap((fingerprint) => {
    const algorithm = fingerprint.algorithm.toLowerCase() as types.FingerprintAlgorithm;
    const value = fingerprint.value.toUpperCase();
    if (!Object.hasOwn(DIGESTS, algorithm)) return [];
    if (!/^[0-9A-F]{2}(:[0-9A-F]{2})*$/.test(value) || value.length !== 3 * DIGESTS[algorithm] - 1)
      throw new EddyError('WEBRTC_PARAMETERS_INVALID', `"${value.slice(0, 200)}" is no ${algorithm} fingerprint`);
    return [{ algorithm, value }];
  });
  if (known.length === 0)
    throw new EddyError('WEBRTC_PARAMETERS_INVALID', `no fingerprint of ${Object.keys(DIGESTS).join(', ')}`);
  return { role, fingerprints: known };
}

const most = (values: readonly number[]): number | undefined => (values.length > 0 ? Math.max(...values) : undefined);

const gone = (producerId: string): EddyError =>
  new EddyError('WEBRTC_HANDLE_GONE', `the stream ${producerId} has ended`);
