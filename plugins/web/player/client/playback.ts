/** What both ways of playing have in common. */
import type { Refusal } from '../../shared/client/refusal.ts';

/** What ended a playback. */
export interface Failure {
  /** The player's own words. */
  readonly text: string;
  /** Codecs that the browser refused. */
  readonly unsupported?: readonly string[];
  /** How the WHEP endpoint refused; status 0 where it did not answer. */
  readonly refusal?: Refusal;
  /** What the endpoint said of when to ask again, seconds. */
  readonly retryAfter?: number;
  /** True where a session that the server had made ended. */
  readonly isLost?: boolean;
  /** True where WebRTC connects but nothing comes through: a firewall. */
  readonly blocked?: boolean;
}

/** Figures that only WebRTC has. */
export interface LinkFigures {
  readonly bitsPerSecond: number | undefined;
  /** Share of packets lost over the last seconds, 0 to 1. */
  readonly loss: number | undefined;
  /** Seconds. */
  readonly roundTrip: number | undefined;
  readonly jitterBuffer: number | undefined;
  /** What is shown of a simulcast: `720p of 3`. */
  readonly layer: string | undefined;
  /** The network path: `udp`, `tcp`, `relay`. */
  readonly path: string | undefined;
  /** How far the picture on screen is behind; seconds. */
  readonly latency: number | undefined;
  /** From where that counts. */
  readonly latencyFrom: LatencyFrom | undefined;
}

/** `capture`: the camera's own time; `ingest`: the server's; `network`: estimated from round trip and buffers. */
export type LatencyFrom = 'capture' | 'ingest' | 'network';

/** One attempt to play. */
export interface Playback {
  readonly transport: 'webrtc' | 'hls.js' | 'native';
  /** RFC 6381 strings, or names. */
  readonly codecs: readonly string[];
  /** Server time of the picture on screen, epoch ms. */
  readonly wallClock: number | undefined;
  /** Where live is, in media time; undefined where there is nothing but live. */
  readonly livePosition: number | undefined;
  readonly link?: LinkFigures;
  /** Ends it and frees the element. Idempotent. */
  close(): void;
}
