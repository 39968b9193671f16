/** Video messages as one track: sequence headers to caps, coded frames to access units. */
import {
  MediaError,
  parseAvcConfig,
  parseHevcConfig,
  stripAv1TemporalDelimiters,
  toFourByteLengths,
  videoCapsFromConfig,
  videoCapsFromKeyFrame,
  type FlvMetadata,
  type FlvVideo,
} from 'eddy/media';
import type { FlowOutput, Rational, TrackWriter, VideoCaps, VideoCodec } from 'eddy/plugin';
import { parsing, RTMP_TIMESCALE, TrackSlot, type FeedHooks, type FrameSink } from './track-feed.ts';

type VideoMessage = Exclude<FlvVideo, { type: 'refused' }>;
type VideoFrame = Extract<FlvVideo, { type: 'frame' }>;

/** Longer than any sensible key frame interval. */
const KEY_FRAME_MISSING_MS = 10_000;

/** See the file's head. */
export class VideoFeed implements FrameSink<VideoMessage> {
  readonly #slot: TrackSlot;
  readonly #hooks: FeedHooks;
  /** Bytes of each NAL unit's length in the publisher's frames; undefined for codecs without NAL units. */
  #lengthSize: 1 | 2 | 4 | undefined;
  /** Frames are dropped until the next key frame: at the start, and after one that was broken. */
  #awaitsKey = true;
  #lastKeyMs: number | undefined;

  constructor(output: FlowOutput<'frames'>, hooks: FeedHooks) {
    this.#slot = new TrackSlot(output, 'video', hooks);
    this.#hooks = hooks;
  }

  get writer(): TrackWriter<'frames'> | undefined {
    return this.#slot.writer;
  }

  take(message: VideoMessage, ms: number, arrivedAt: number): void {
    switch (message.type) {
      case 'config':
        return this.#configure(message.codec, Uint8Array.from(message.config));
      case 'frame':
        return this.#frame(message, ms, arrivedAt);
      case 'end':
      case 'metadata':
      case 'ignored':
        return;
    }
  }

  #configure(codec: VideoCodec, config: Uint8Array): void {
    // VP8 and VP9 tell their picture size in key frames only.
    if (codec === 'vp8' || codec === 'vp9' || this.#slot.has(codec, config)) return;
    const caps = parsing(() => videoCapsFromConfig(codec, config, RTMP_TIMESCALE));
    this.#lengthSize = parsing(() => lengthSizeOf(codec, config));
    this.#open(codec, config, caps);
  }

  #open(codec: VideoCodec, config: Uint8Array, caps: VideoCaps): void {
    this.#slot.open(codec, config, withHints(caps, this.#hooks.metadata));
    this.#awaitsKey = true;
    this.#lastKeyMs = undefined;
  }

  #frame(frame: VideoFrame, ms: number, arrivedAt: number): void {
    const { codec, key } = frame;
    if ((codec === 'vp8' || codec === 'vp9') && key) this.#sizeFromKeyFrame(codec, frame.data);
    if (this.#slot.codec !== codec) {
      this.#hooks.drop('config-missing');
      return this.#hooks.report('CONFIG_MISSING', `video frames of ${codec} without a sequence header`);
    }
    this.#lastKeyMs = key ? ms : (this.#lastKeyMs ?? ms);
    if (ms - this.#lastKeyMs > KEY_FRAME_MISSING_MS) {
      this.#hooks.report(
        'KEY_FRAME_MISSING',
        `no key frame for ${Math.round((ms - this.#lastKeyMs) / 1000)} s of video`,
      );
    }
    if (this.#awaitsKey && !key) return this.#hooks.drop('before-key-frame');
    const data = this.#sample(codec, frame.data);
    if (!data) return;
    this.#awaitsKey = false;
    this.#slot.write(ms, frame.compositionOffset, key, data, arrivedAt);
  }

  #sizeFromKeyFrame(codec: VideoCodec, data: Uint8Array): void {
    const caps = parsing(() => videoCapsFromKeyFrame(codec, data, RTMP_TIMESCALE));
    if (!caps) return;
    const identity = Uint8Array.from([
      ...caps.config,
      ...new Uint8Array(Uint16Array.of(caps.width, caps.height).buffer),
    ]);
    if (this.#slot.has(codec, identity)) return;
    this.#lengthSize = undefined;
    this.#open(codec, identity, caps);
  }

  /** The frame as an access unit holds it; undefined where it contradicts itself, and the track waits for a key frame. */
  #sample(codec: VideoCodec, data: Uint8Array): Uint8Array | undefined {
    try {
      if (codec === 'av1') return stripAv1TemporalDelimiters(data);
      if (this.#lengthSize === undefined) return data;
      if (this.#lengthSize !== 4) return toFourByteLengths(data, this.#lengthSize);
      checkLengths(data);
      return data;
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#hooks.drop('frame-malformed');
      this.#hooks.report('FRAMES_REFUSED', error.message);
      if (!this.#awaitsKey) this.#slot.writer?.discontinuity('frames-dropped');
      this.#awaitsKey = true;
      return undefined;
    }
  }
}

function lengthSizeOf(codec: VideoCodec, config: Uint8Array): 1 | 2 | 4 | undefined {
  if (codec === 'h264') return parseAvcConfig(config).lengthSize;
  if (codec === 'hevc') return parseHevcConfig(config).lengthSize;
  return undefined;
}

/** Throws a MediaError where NAL unit lengths of 4 bytes do not add up to the frame. Allocates nothing. */
function checkLengths(data: Uint8Array): void {
  let at = 0;
  while (at + 4 <= data.length) {
    at += 4 + data[at]! * 2 ** 24 + (data[at + 1]! << 16) + (data[at + 2]! << 8) + data[at + 3]!;
  }
  if (at !== data.length) throw new MediaError('MEDIA_TRUNCATED', 'a NAL unit ends before its announced length');
}

/** The parameter sets go first; what they leave open, `onMetaData` may tell. */
function withHints(caps: VideoCaps, metadata: FlvMetadata): VideoCaps {
  const frameRate = caps.frameRate ?? rational(metadata.frameRate);
  return {
    ...caps,
    ...(frameRate && { frameRate }),
    ...(metadata.videoBitrate && { bitrate: Math.round(metadata.videoBitrate) }),
  };
}

/** A rate as encoders write it, exact again: 29.97 is 30000/1001. Undefined where it is no plausible rate. */
export function rational(rate: number | undefined): Rational | undefined {
  if (rate === undefined || rate < 1 || rate > 240) return undefined;
  const whole = Math.round(rate);
  if (Math.abs(rate - whole) < 0.005) return { num: whole, den: 1 };
  const ntsc = Math.ceil(rate);
  if (Math.abs(rate - (ntsc * 1000) / 1001) < 0.005) return { num: ntsc * 1000, den: 1001 };
  return { num: Math.round(rate * 1000), den: 1000 };
}
