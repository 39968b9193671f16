/** One stream of a WebRTC publisher, a simulcast layer or its sound: from packets to a track of frames. */
import {
  audioCapsFromConfig,
  buildDops,
  FrameReader,
  MediaError,
  readNtp,
  rtpExtension,
  videoCapsFromRtp,
  type RtpFrame,
  type RtpPacket,
  type SyncedStream,
} from 'eddy/media';
import {
  ticksToMs,
  type AudioCodec,
  type DiscontinuityCause,
  type EndCause,
  type FlowOutput,
  type InputTrack,
  type TrackCaps,
  type TrackWriter,
  type VideoCodec,
} from 'eddy/plugin';
import { CAPTURE_OFF_MS } from './capture-time.ts';
import type { PublisherTime, Timed } from './publisher-time.ts';

/** Key frames are asked for at most this often, ms. */
const ASK_EVERY_MS = 500;
/** A hole of more than this is told as a gap, ms. */
const GAP_MS = 1000;
/** Opus in RTP is stereo to its receiver, whatever was encoded (RFC 7587 4.1, 7). */
const OPUS = buildDops({
  channels: 2,
  preSkip: 0,
  inputRate: 48_000,
  gain: 0,
  mappingFamily: 0,
  mapping: new Uint8Array(0),
});

/** What a reader is made of. */
export interface LayerReaderOptions {
  readonly id: string;
  readonly codec: VideoCodec | AudioCodec;
  readonly clockRate: number;
  /** How long a missing packet is waited for, ms. */
  readonly wait: number;
  readonly time: PublisherTime;
  /** Its place on the publisher's timeline. */
  readonly synced: SyncedStream;
  readonly port: FlowOutput<'frames'>;
  readonly from: InputTrack<'rtp'>;
  /** Id of the abs-capture-time header extension, where the stream may have it. */
  readonly captureTimeId: number | undefined;
  /** Epoch ms. */
  now(): number;
  requestKeyFrame(): void;
  onFrame(key: boolean, atMs: number): void;
  /** Its pictures are shown in another order than they are sent; told once. */
  onBFrames(): void;
  onLost(packets: number): void;
  badMedia(message: string): void;
}

interface HeldFrame {
  readonly frame: RtpFrame;
  readonly timestamp: number;
  readonly arrivedAt: number;
  readonly capturedAt: number | undefined;
}

/** Pictures that go back in time by less than this many seconds are shown before others that were sent before them. */
const REORDER_SECONDS = 1;
/** One may be a clock that was set anew; as many are B-frames. */
const B_FRAMES = 3;

export class LayerReader implements Timed {
  readonly #options: LayerReaderOptions;
  readonly #frames: FrameReader;
  readonly #synced: SyncedStream;
  readonly #video: boolean;
  /** Frames whose place on the publisher's timeline is not known yet. */
  #held: HeldFrame[] = [];
  #writer: TrackWriter<'frames'> | undefined;
  #config: Uint8Array | undefined;
  #lastDts = -Infinity;
  #lastArrival: number | undefined;
  #askedAt = -Infinity;
  #newest: number | undefined;
  #wentBack = 0;
  #captured: { readonly timestamp: number; readonly at: number } | undefined;
  #ended = false;

  constructor(options: LayerReaderOptions) {
    this.#options = options;
    this.#video = options.codec !== 'opus';
    this.#synced = options.synced;
    this.#frames = new FrameReader(
      options.codec,
      { wait: options.wait },
      {
        frame: (frame, timestamp, arrivedAt) => this.#take(frame, timestamp, arrivedAt),
        keyFrameNeeded: () => this.#ask(),
        lost: (packets, error) => {
          if (packets > 0) options.onLost(packets);
          if (error) options.badMedia(`${options.id}: ${error.message}`);
        },
      },
    );
    options.time.tracks.add(this);
  }

  packet(packet: RtpPacket): void {
    if (this.#options.captureTimeId !== undefined && packet.extension) this.#noteCapture(packet);
    this.#frames.push(packet, this.#options.now());
  }

  report(senderTime: number, rtpTimestamp: number): void {
    this.#synced.report(senderTime, rtpTimestamp);
    this.#place();
  }

  /** Time has passed, perhaps without a packet. */
  sweep(): void {
    this.#frames.expire(this.#options.now());
    this.#place();
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#writer?.discontinuity(cause);
  }

  end(cause: EndCause): void {
    if (this.#ended) return;
    this.#frames.expire(Infinity);
    this.#ended = true;
    this.#held = [];
    this.#options.time.tracks.delete(this);
    this.#writer?.end(cause);
  }

  #take(frame: RtpFrame, timestamp: number, arrivedAt: number): void {
    if (this.#video) this.#watchOrder(timestamp);
    const captured = this.#captured?.timestamp === timestamp ? this.#captured.at : undefined;
    const near = captured !== undefined && Math.abs(captured - arrivedAt) <= CAPTURE_OFF_MS;
    this.#held.push({ frame, timestamp, arrivedAt, capturedAt: near ? captured : undefined });
    this.#place();
  }

  /** Frames come here in the order in which they were sent. */
  #watchOrder(timestamp: number): void {
    const ahead = this.#newest === undefined ? 1 : (timestamp - this.#newest) | 0;
    const back = ahead < 0 && ahead > -REORDER_SECONDS * this.#options.clockRate;
    if (!back) this.#newest = timestamp;
    else if (++this.#wentBack === B_FRAMES) this.#options.onBFrames();
  }

  #place(): void {
    const now = this.#options.now();
    while (this.#held.length > 0 && !this.#ended) {
      const next = this.#held[0]!;
      const ticks = this.#synced.place(next.timestamp, next.arrivedAt, now);
      if (ticks === undefined) return;
      this.#held.shift();
      if (this.#synced.takeJump()) this.discontinuity('clock-jumped');
      this.#write(next, ticks, now);
    }
  }

  #write({ frame, arrivedAt, capturedAt }: HeldFrame, ticks: number, now: number): void {
    const { time, clockRate } = this.#options;
    const writer = this.#writerFor(frame);
    if (!writer) return;
    const atMs = ticksToMs(ticks, clockRate);
    // A frame that had to wait for its place says nothing about how long frames take to come.
    if (now - arrivedAt < 100) time.observe(this, atMs, arrivedAt);
    if (this.#lastArrival !== undefined && arrivedAt - this.#lastArrival > GAP_MS) this.#gap(ticks);
    this.#lastArrival = arrivedAt;
    const dts = Math.max(ticks, this.#lastDts + 1);
    this.#lastDts = dts;
    const { data, key } = frame;
    writer.write({ dts, pts: ticks, key, data, arrivedAt, ...(capturedAt !== undefined && { capturedAt }) });
    this.#options.onFrame(key, atMs);
  }

  /** The layer had stopped: its rendition has a gap, never another layer's pictures. */
  #gap(ticks: number): void {
    const { clock } = this.#options.time;
    const from = clock.toWall(this.#lastDts, this.#options.clockRate);
    const to = clock.toWall(ticks, this.#options.clockRate);
    if (from !== undefined && to !== undefined && to > from) this.#writer?.gap(from, to, 'publisher-lost');
  }

  /** The track that this frame belongs to: another one where the publisher has changed its picture. */
  #writerFor(frame: RtpFrame): TrackWriter<'frames'> | undefined {
    if (!frame.key || (this.#writer && !this.#video)) return this.#writer;
    const caps = this.#capsOf(frame);
    if (!caps) return this.#writer;
    const { id, port, from, time } = this.#options;
    const replaces = this.#writer && { replaces: this.#writer };
    this.#writer = port.addTrack(id, caps, { from, clock: time.clock, ...replaces });
    this.#writer.onKeyFrameRequest(() => this.#ask());
    return this.#writer;
  }

  /** Undefined while nothing has changed. */
  #capsOf(frame: RtpFrame): TrackCaps | undefined {
    const { codec, clockRate, id } = this.#options;
    try {
      if (codec === 'opus') return audioCapsFromConfig('opus', OPUS, clockRate);
      if (frame.config && frame.config === this.#config) return undefined;
      const caps = videoCapsFromRtp(codec as VideoCodec, frame, clockRate);
      this.#config = frame.config;
      return caps && this.#sameAsNow(caps) ? undefined : caps;
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#options.badMedia(`${id}: ${error.message}`);
      return undefined;
    }
  }

  #sameAsNow(caps: TrackCaps): boolean {
    const now = this.#writer?.caps;
    if (now?.kind !== 'video' || caps.kind !== 'video') return false;
    return now.width === caps.width && now.height === caps.height && Buffer.compare(now.config, caps.config) === 0;
  }

  #ask(): void {
    const now = this.#options.now();
    if (!this.#video || this.#ended || Math.abs(now - this.#askedAt) < ASK_EVERY_MS) return;
    this.#askedAt = now;
    this.#options.requestKeyFrame();
  }

  /** http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time: NTP time of the capturing system. */
  #noteCapture(packet: RtpPacket): void {
    const data = rtpExtension(packet, this.#options.captureTimeId!);
    if (data && data.length >= 8) this.#captured = { timestamp: packet.timestamp, at: readNtp(data, 0) };
  }
}
