/** One stream's packets, as they arrive, to its frames: reorder, then put together. */
import type { AudioCodec, VideoCodec } from '../../model/index.ts';
import { MediaError } from '../media-error.ts';
import { Av1Depacketizer } from './av1-depacketizer.ts';
import type { Depacketizer, RtpFrame } from './depacketizer.ts';
import { H264Depacketizer, HevcDepacketizer } from './nal-depacketizer.ts';
import { OpusDepacketizer } from './opus-depacketizer.ts';
import type { RtpPacket } from './packet.ts';
import { ReorderBuffer, type ReorderOptions } from './reorder.ts';
import { Vp8Depacketizer } from './vp8-depacketizer.ts';
import { Vp9Depacketizer } from './vp9-depacketizer.ts';

/** The codec of an RTP encoding name (`video/H264`); undefined where Eddy cannot put its payloads together. */
export function codecOfMimeType(mimeType: string): VideoCodec | AudioCodec | undefined {
  switch (mimeType.toLowerCase()) {
    case 'video/h264':
      return 'h264';
    case 'video/h265':
      return 'hevc';
    case 'video/vp8':
      return 'vp8';
    case 'video/vp9':
      return 'vp9';
    case 'video/av1':
      return 'av1';
    case 'audio/opus':
      return 'opus';
    default:
      return undefined;
  }
}

/** The depacketizer of a codec. Throws a MediaError for those that have none (AAC, MP3). */
export function depacketizerOf(codec: VideoCodec | AudioCodec): Depacketizer {
  switch (codec) {
    case 'h264':
      return new H264Depacketizer();
    case 'hevc':
      return new HevcDepacketizer();
    case 'vp8':
      return new Vp8Depacketizer();
    case 'vp9':
      return new Vp9Depacketizer();
    case 'av1':
      return new Av1Depacketizer();
    case 'opus':
      return new OpusDepacketizer();
    default:
      throw new MediaError('MEDIA_UNSUPPORTED', `${codec} in RTP`);
  }
}

/** What a {@link FrameReader} tells. */
export interface FrameSink {
  /**
   * A whole frame with its 32-bit RTP timestamp; `arrivedAt` is when its last packet came. Video begins with a key
   * frame, and after a loss with the next one.
   */
  frame(frame: RtpFrame, timestamp: number, arrivedAt: number): void;
  /** Frames are dropped until a key frame comes: at the start, and after a loss. Told once for each frame dropped. */
  keyFrameNeeded(): void;
  /** Packets that never came, or a frame whose bytes contradict their format. */
  lost(packets: number, error?: MediaError): void;
}

/** See the file's head. */
export class FrameReader {
  readonly #depacketizer: Depacketizer;
  readonly #reorder: ReorderBuffer;
  readonly #sink: FrameSink;
  readonly #audio: boolean;
  /** Timestamp of the frame in progress. */
  #timestamp: number | undefined;
  #arrivedAt = 0;
  #broken = false;
  /** After a loss, until the next frame: its rest does not begin, which is no fault of the sender. */
  #inRest = false;
  #needsKey = true;

  constructor(codec: VideoCodec | AudioCodec, options: ReorderOptions, sink: FrameSink) {
    this.#depacketizer = depacketizerOf(codec);
    this.#audio = codec === 'opus';
    this.#sink = sink;
    this.#reorder = new ReorderBuffer(options, {
      packet: (packet, arrivedAt) => this.#take(packet, arrivedAt),
      lost: (count) => this.#lose(count),
    });
  }

  /** Takes a packet as it arrives; `now` in ms. */
  push(packet: RtpPacket, now: number): void {
    this.#reorder.push(packet, now);
  }

  /** Gives up packets that were waited for long enough. */
  expire(now: number): void {
    this.#reorder.expire(now);
  }

  #take(packet: RtpPacket, arrivedAt: number): void {
    if (packet.payload.length === 0) return;
    // Senders should set the marker; a new timestamp ends a frame as well.
    if (this.#timestamp !== undefined && this.#timestamp !== packet.timestamp) this.#finish();
    this.#timestamp = packet.timestamp;
    this.#arrivedAt = arrivedAt;
    this.#guard(() => this.#depacketizer.push(packet.payload));
    if (packet.marker || this.#audio) this.#finish();
  }

  #finish(): void {
    const timestamp = this.#timestamp!;
    this.#timestamp = undefined;
    const broken = this.#broken;
    let frame: RtpFrame | undefined;
    this.#guard(() => (frame = this.#depacketizer.finish()));
    this.#broken = this.#inRest = false;
    if (!frame || broken) return;
    if (this.#audio || frame.key) this.#needsKey = false;
    if (this.#needsKey) this.#sink.keyFrameNeeded();
    else this.#sink.frame(frame, timestamp, this.#arrivedAt);
  }

  #lose(packets: number): void {
    this.#depacketizer.reset();
    this.#timestamp = undefined;
    this.#broken = false;
    this.#inRest = true;
    this.#needsKey = true;
    this.#sink.lost(packets);
    if (!this.#audio) this.#sink.keyFrameNeeded();
  }

  /** What a stranger's bytes do wrong costs their frame, and the frames that refer to it. */
  #guard(work: () => void): void {
    if (this.#broken) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#depacketizer.reset();
      this.#broken = true;
      this.#needsKey = true;
      if (!this.#inRest) this.#sink.lost(0, error);
    }
  }
}
