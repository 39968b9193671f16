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

/** A reference to one producer in a router; packets stay in the SFU's workers. */
export interface RtpHandle {
  readonly routerId: string;
  readonly producerId: string;
  /** mediasoup RtpParameters as plain JSON. */
  readonly rtpParameters: unknown;
}

/** A named file for a CDN: the item of an `objects` pad. */
export interface PublishedObject {
  /** Key below the publisher's prefix, with forward slashes. */
  readonly name: string;
  readonly contentType: string;
  /** The Cache-Control value it is to be served with. */
  readonly cacheControl: string;
  /** Media is written before the playlist that names it: a smaller order goes first. */
  readonly order: number;
  readonly data: Uint8Array;
}
