/** Routers, a transport and consumers under the test's hand. */
import { EddyError } from 'eddy/plugin';
import type {
  CameraId,
  ConsumerEvent,
  InputTrack,
  RtpConsumer,
  RtpHandle,
  RtpRouters,
  StreamStats,
  TrackReader,
  TransportState,
  WebRtcTransport,
} from 'eddy/plugin';
import { address, capabilities } from './sdp-fixtures.ts';

/** What was asked of the fakes, in order: `resume p1`, `close p1`, ... */
export type Calls = string[];

/** A consumer whose key frame leaves when the test says so. */
export class FakeConsumer implements RtpConsumer {
  readonly id: string;
  readonly kind: 'audio' | 'video';
  readonly producerId: string;
  readonly rtpParameters = { codecs: [] };
  readonly #calls: Calls;
  readonly #listeners = new Set<(event: ConsumerEvent) => void>();
  readonly #keyFrame = Promise.withResolvers<void>();

  constructor(handle: RtpHandle, calls: Calls) {
    this.id = `c-${handle.producerId}`;
    this.producerId = handle.producerId;
    this.kind = handle.kind;
    this.#calls = calls;
  }

  async resume(): Promise<void> {
    this.#calls.push(`resume ${this.producerId}`);
  }
  async pause(): Promise<void> {
    this.#calls.push(`pause ${this.producerId}`);
  }
  async preferLayers(layers: { spatial: number } | undefined): Promise<void> {
    this.#calls.push(`prefer ${this.producerId} ${layers?.spatial}`);
  }
  async requestKeyFrame(): Promise<void> {
    this.#calls.push(`key ${this.producerId}`);
  }
  async nextKeyFrame() {
    return { sent: this.#keyFrame.promise };
  }
  async stats() {
    return FIGURE;
  }
  on(listener: (event: ConsumerEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
  close(): void {
    this.#calls.push(`close ${this.producerId}`);
    this.#keyFrame.resolve();
    this.tell({ type: 'closed', cause: 'closed' });
  }
  /** The next key frame leaves. */
  keyFrame(): void {
    this.#keyFrame.resolve();
  }
  tell(event: ConsumerEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

/** A transport that keeps its consumers. */
export class FakeTransport implements WebRtcTransport {
  readonly id = 'transport';
  readonly calls: Calls;
  readonly consumers: FakeConsumer[] = [];
  readonly iceParameters = address.iceParameters;
  readonly iceCandidates = address.iceCandidates;
  readonly dtlsFingerprints = address.dtlsFingerprints;
  readonly #listeners = new Set<(state: TransportState) => void>();
  closed = false;
  /** What its listeners are told first. */
  state: TransportState = { state: 'new' };
  /** Streams that have ended: they cannot be consumed. */
  readonly gone: Set<string>;
  produced = 0;
  restarts = 0;

  constructor(calls: Calls = [], gone = new Set<string>()) {
    this.calls = calls;
    this.gone = gone;
  }

  async connect(): Promise<void> {}
  async restartIce() {
    this.restarts += 1;
    return { usernameFragment: `restart${this.restarts}`, password: 'restartedrestartedrestarted', iceLite: true };
  }
  async produce(kind: 'audio' | 'video', rtpParameters: RtpHandle['rtpParameters']): Promise<RtpHandle> {
    return { routerId: 'router', producerId: `p${++this.produced}`, kind, rtpParameters };
  }
  closeProducer(): void {}
  async consume(handle: RtpHandle): Promise<FakeConsumer> {
    if (this.gone.has(handle.producerId)) throw new EddyError('WEBRTC_HANDLE_GONE', 'it has ended');
    const consumer = new FakeConsumer(handle, this.calls);
    this.consumers.push(consumer);
    return consumer;
  }
  async limit({ outgoing }: { outgoing?: number }): Promise<void> {
    this.calls.push(`limit ${outgoing}`);
  }
  async stats() {
    return { bytesIn: 0, bytesOut: 0 };
  }
  onState(listener: (state: TransportState) => void): () => void {
    this.#listeners.add(listener);
    listener(this.state);
    return () => this.#listeners.delete(listener);
  }
  tell(state: TransportState): void {
    for (const listener of [...this.#listeners]) listener(state);
  }
  close(): void {
    if (this.closed) return;
    this.closed = true;
    this.tell({ state: 'closed', cause: 'closed' });
  }
}

/** Routers that hand out fake transports. */
export class FakeRouters implements RtpRouters {
  readonly transports: FakeTransport[] = [];
  failure: Error | undefined;
  /** What the next transports are in; see {@link FakeTransport.state}. */
  state: TransportState = { state: 'new' };
  readonly gone = new Set<string>();

  async capabilities() {
    return capabilities;
  }
  async iceServers() {
    return [];
  }
  async connect(_cameraId: CameraId): Promise<FakeTransport> {
    if (this.failure) throw this.failure;
    const transport = new FakeTransport([], this.gone);
    transport.state = this.state;
    this.transports.push(transport);
    return transport;
  }
  async tap(): Promise<never> {
    throw new Error('nothing is tapped here');
  }
  async feed(): Promise<never> {
    throw new Error('nothing is fed here');
  }
  /** Of every stream. */
  figures: readonly StreamStats[] = [];
  async stats() {
    return this.figures;
  }
  async describe() {
    return [];
  }
}

/** Figures of a stream that fares well. */
export const FIGURE = { ssrc: 1, packets: 1, bytes: 1, bitrate: 0, packetsLost: 0, keyFrameRequests: 0, score: 10 };

/** A handle of a stream. */
export const handleOf = (producerId: string, kind: 'audio' | 'video' = 'video', rids: string[] = []): RtpHandle => ({
  routerId: 'router',
  producerId,
  kind,
  rtpParameters: {
    codecs: [{ mimeType: kind === 'video' ? 'video/H264' : 'audio/opus', payloadType: 96, clockRate: 90_000 }],
    encodings: rids.length > 0 ? rids.map((rid) => ({ rid })) : [{ ssrc: 1 }],
  },
});

/** An input pad of a flow: what it was asked, and tracks that the test writes. */
export class FakeInput {
  readonly wants: boolean[] = [];
  #listener: ((track: InputTrack<'rtp'>) => TrackReader<'rtp'>) | undefined;

  want(wanted: boolean): void {
    this.wants.push(wanted);
  }
  onTrack(listener: (track: InputTrack<'rtp'>) => TrackReader<'rtp'>): void {
    this.#listener = listener;
  }
  track(id: string, kind: 'audio' | 'video' = 'video'): TrackReader<'rtp'> {
    const caps = { kind, codec: kind === 'video' ? 'h264' : 'opus', clockRate: 90_000, layers: 1 } as const;
    return this.#listener!({
      id,
      caps,
      clock: { toWall: () => undefined },
      replaces: undefined,
      requestKeyFrame: () => undefined,
      want: () => undefined,
    });
  }
}
