/** Routers under the test's hand: what is fed is kept, what is tapped is scripted. */
import { FrameSender } from '../../../plugins/webrtc/sfu/frame-sender.ts';
import { joinLengthPrefixed, parseRtp, splitLengthPrefixed, type RtpPacket } from '../../../core/media/index.ts';
import { syntheticAudio, syntheticVideo } from '../../../core/testing/index.ts';
import type {
  AccessUnit,
  CameraId,
  InputTrack,
  RtpFeed,
  RtpHandle,
  RtpParameters,
  RtpRouters,
  RtpSenderReport,
  RtpTap,
  StreamStats,
} from '../../../core/plugin/index.ts';

type FeedEnd = 'closed' | 'worker-died';
type TapEnd = 'closed' | 'producer-closed' | 'worker-died';

export class FakeFeed implements RtpFeed {
  readonly packets: RtpPacket[] = [];
  readonly rtcp: Uint8Array[] = [];
  readonly handle: RtpHandle;
  ended: FeedEnd | undefined;
  readonly #asking = new Set<() => void>();
  readonly #layered = new Set<(highest: number | undefined) => void>();
  readonly #closing = new Set<(cause: FeedEnd) => void>();

  readonly cameraId: CameraId;
  readonly kind: 'audio' | 'video';
  readonly rtpParameters: RtpParameters;

  constructor(cameraId: CameraId, kind: 'audio' | 'video', rtpParameters: RtpParameters, producerId: string) {
    this.cameraId = cameraId;
    this.kind = kind;
    this.rtpParameters = rtpParameters;
    this.handle = { routerId: 'router', producerId, kind, rtpParameters };
  }

  send(packet: Uint8Array): void {
    if (this.ended) throw new Error('sent into a feed that has ended');
    this.packets.push(parseRtp(packet));
  }

  sendRtcp(packet: Uint8Array): void {
    this.rtcp.push(packet);
  }

  onKeyFrameRequest(listener: () => void): () => void {
    this.#asking.add(listener);
    return () => this.#asking.delete(listener);
  }

  /** A viewer wants a key frame. */
  askForKeyFrame(): void {
    for (const listener of this.#asking) listener();
  }

  onHighestLayer(listener: (highest: number | undefined) => void): () => void {
    this.#layered.add(listener);
    listener(undefined);
    return () => this.#layered.delete(listener);
  }

  /** Viewers may be sent layers up to this one. */
  takeUpTo(highest: number | undefined): void {
    for (const listener of this.#layered) listener(highest);
  }

  onClosed(listener: (cause: FeedEnd) => void): () => void {
    this.#closing.add(listener);
    return () => this.#closing.delete(listener);
  }

  close(): void {
    this.end('closed');
  }

  end(cause: FeedEnd): void {
    if (this.ended) return;
    this.ended = cause;
    for (const listener of this.#closing) listener(cause);
  }
}

export class FakeTap implements RtpTap {
  /** What was asked: the SSRC, or `all`. */
  readonly asked: (number | 'all')[] = [];
  ended: TapEnd | undefined;
  #rtp: ((packet: Uint8Array) => void) | undefined;
  #report: ((report: RtpSenderReport) => void) | undefined;
  readonly #closing = new Set<(cause: TapEnd) => void>();

  readonly handle: RtpHandle;
  readonly rtpParameters: RtpParameters;
  readonly layers: RtpTap['layers'];

  constructor(handle: RtpHandle, layers: RtpTap['layers']) {
    this.handle = handle;
    this.rtpParameters = handle.rtpParameters;
    this.layers = layers;
  }

  onRtp(listener: (packet: Uint8Array) => void): void {
    this.#rtp = listener;
  }

  onSenderReport(listener: (report: RtpSenderReport) => void): void {
    this.#report = listener;
  }

  deliver(packets: readonly Uint8Array[]): void {
    for (const packet of packets) this.#rtp?.(packet);
  }

  report(ssrc: number, senderTime: number, rtpTimestamp: number): void {
    this.#report?.({ ssrc, senderTime, rtpTimestamp });
  }

  requestKeyFrame(ssrc?: number): void {
    this.asked.push(ssrc ?? 'all');
  }

  onClosed(listener: (cause: TapEnd) => void): () => void {
    this.#closing.add(listener);
    return () => this.#closing.delete(listener);
  }

  close(): void {
    this.end('closed');
  }

  end(cause: TapEnd): void {
    if (this.ended) return;
    this.ended = cause;
    for (const listener of this.#closing) listener(cause);
  }
}

/** See the file's head. */
export class FakeRtpRouters implements RtpRouters {
  readonly feeds: FakeFeed[] = [];
  readonly taps: FakeTap[] = [];
  /** The next calls are refused with these. */
  readonly refusals: Error[] = [];
  readonly #refuse = (): void => {
    const error = this.refusals.shift();
    if (error) throw error;
  };

  async feed(cameraId: CameraId, kind: 'audio' | 'video', rtpParameters: RtpParameters): Promise<RtpFeed> {
    this.#refuse();
    const feed = new FakeFeed(cameraId, kind, rtpParameters, `fed-${this.feeds.length}`);
    this.feeds.push(feed);
    return feed;
  }

  async tap(handle: RtpHandle): Promise<RtpTap> {
    this.#refuse();
    const encodings = handle.rtpParameters.encodings ?? [];
    const layers = encodings.map(({ ssrc }, spatial) => ({ ssrc: ssrc!, spatial }));
    const tap = new FakeTap(handle, layers);
    this.taps.push(tap);
    return tap;
  }

  capabilities = (): never => this.#none();
  iceServers = (): never => this.#none();
  connect = (): never => this.#none();
  /** What `stats` answers. */
  figures: () => readonly StreamStats[] = () => this.#none();
  stats = async (): Promise<readonly StreamStats[]> => this.figures();
  describe = (): never => this.#none();

  #none(): never {
    throw new Error('the stage has no business with this');
  }
}

/** A publisher's handle with one encoding for each SSRC, the lowest layer first. */
export function handleOf(kind: 'audio' | 'video', ssrcs: readonly number[], mimeType?: string): RtpHandle {
  const clockRate = kind === 'video' ? 90_000 : 48_000;
  const codec = { mimeType: mimeType ?? (kind === 'video' ? 'video/H264' : 'audio/opus'), payloadType: 96, clockRate };
  return {
    routerId: 'router',
    producerId: `${kind}-${ssrcs.join('-')}`,
    kind,
    rtpParameters: { codecs: [codec], encodings: ssrcs.map((ssrc) => ({ ssrc })) },
  };
}

/** Synthetic H.264 whose slices say by their first bit that they begin a picture, as a depacketizer wants to see. */
export function pictures(options: Parameters<typeof syntheticVideo>[0] = {}) {
  const stream = syntheticVideo(options);
  const frame = (index: number): AccessUnit => {
    const unit = stream.frame(index);
    const nals = splitLengthPrefixed(unit.data).map((nal) => nal.slice());
    for (const nal of nals) nal[1] = 0x88;
    return { ...unit, data: joinLengthPrefixed(nals) };
  };
  return { caps: stream.caps, frame };
}

/** Synthetic Opus: packets of one 20 ms frame. */
export function sounds(options: Parameters<typeof syntheticAudio>[0] = {}) {
  return syntheticAudio({ codec: 'opus', ...options });
}

/** A publisher's side of one stream: its frames as packets with an SSRC and a clock of its own. */
export class RtpSource {
  readonly #sender: FrameSender;
  readonly ssrc: number;
  /** Ticks of its clock at media time zero. */
  readonly start: number;
  readonly #rate: number;

  readonly #kind: 'video' | 'audio';

  constructor(kind: 'video' | 'audio', caps: InputTrack<'frames'>['caps'], ssrc: number, start: number) {
    this.ssrc = ssrc;
    this.start = start;
    this.#kind = kind;
    this.#rate = kind === 'video' ? 90_000 : 48_000;
    this.#sender = new FrameSender(kind, 'test');
    this.change(caps);
  }

  /** Goes on with other caps, as an encoder does that changes its size: sequence numbers count on. */
  change(caps: InputTrack<'frames'>['caps']): void {
    const clock = { toWall: (ticks: number, timescale: number) => (ticks / timescale) * 1000 };
    this.#sender.begin({
      id: this.#kind,
      caps,
      clock,
      replaces: undefined,
      requestKeyFrame: () => undefined,
      want: () => undefined,
    });
  }

  /** RTP timestamp of a moment of media time, ms. */
  timestamp(ms: number): number {
    return (this.start + Math.round((ms * this.#rate) / 1000)) % 2 ** 32;
  }

  packets(unit: AccessUnit, ms: number): Uint8Array[] {
    return this.#sender.packets(unit).map((bytes) => {
      const packet = bytes.slice();
      const view = new DataView(packet.buffer);
      view.setUint32(4, this.timestamp(ms));
      view.setUint32(8, this.ssrc);
      return packet;
    });
  }
}
