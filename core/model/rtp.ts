/** Handles to SFU producers: the item of an `rtp` pad. Plain data, resolved through the RtpRouters contract. */
import type { AudioCodec, VideoCodec } from './caps.ts';

/** What a track of an `rtp` pad is. */
export interface RtpCaps {
  readonly kind: 'video' | 'audio';
  readonly codec: VideoCodec | AudioCodec;
  readonly clockRate: number;
  /** How many simulcast layers the producer has; 1 without simulcast. */
  readonly layers: number;
}

/** A codec of an RTP stream, with its payload type. */
export interface RtpCodecParameters {
  readonly mimeType: string;
  readonly payloadType: number;
  readonly clockRate: number;
  readonly channels?: number;
  /** The format's parameters (a=fmtp). */
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly rtcpFeedback?: readonly { readonly type: string; readonly parameter?: string }[];
}

/** One encoding of an RTP stream: a simulcast layer, or the only one. */
export interface RtpEncodingParameters {
  readonly ssrc?: number;
  readonly rid?: string;
  readonly rtx?: { readonly ssrc: number };
  readonly codecPayloadType?: number;
  readonly dtx?: boolean;
  readonly scalabilityMode?: string;
  readonly maxBitrate?: number;
}

/** How a stream is sent (mediasoup's RtpParameters, as plain data). */
export interface RtpParameters {
  readonly mid?: string;
  readonly codecs: readonly RtpCodecParameters[];
  readonly headerExtensions?: readonly { readonly uri: string; readonly id: number; readonly encrypt?: boolean }[];
  readonly encodings?: readonly RtpEncodingParameters[];
  readonly rtcp?: { readonly cname?: string; readonly reducedSize?: boolean };
}

/**
 * A reference to one producer in a router; packets stay in the SFU's workers. It says how things stand: the engine tells
 * the newest one to links that come late or are wanted again, and readers take the same producer as no change.
 */
export interface RtpHandle {
  readonly routerId: string;
  readonly producerId: string;
  readonly kind: 'audio' | 'video';
  readonly rtpParameters: RtpParameters;
  /**
   * Where the capture times in its packets (abs-capture-time) begin to count: at the camera, or where its frames reached
   * this server. Absent: they are the publisher's own, if there are any.
   */
  readonly timedFrom?: LatencyFrom;
  /** Lines of the shorter side of each layer's picture, the lowest layer first, where they are known. */
  readonly lines?: readonly number[];
}

/** From where a latency counts: `capture` is glass to glass, `ingest` only from where the media reached the server. */
export type LatencyFrom = 'capture' | 'ingest';
