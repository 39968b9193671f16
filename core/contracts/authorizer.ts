/** Authorizer: who may publish, watch, rewind, export and administer. Only the engine asks it. */
import type { CameraId } from '../model/index.ts';
import { contract } from './contract.ts';

/** Every action, for configuration and documents. */
export const ACTIONS = ['publish', 'watch', 'rewind', 'export', 'admin'] as const;

/** What somebody wants to do. */
export type Action = (typeof ACTIONS)[number];

/** What a peer brings to prove who it is. */
export interface Credentials {
  /** A bearer token, from a header, `?token=` or the RTMP stream name's query. */
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
  /** A session that the engine has sealed (see `Session.seal`). The engine reads it itself: no authorizer is ever given one. */
  readonly session?: string;
}

/** Where a request comes from. */
export interface Peer {
  /** The peer's address without port, as the listener saw it (behind a trusted proxy: as the proxy says). */
  readonly address: string;
  /** The protocol, for logs and rules: `rtmp`, `whip`, `whep`, `hls`, `dash`, `api`, `internal`. */
  readonly protocol: string;
  readonly userAgent?: string;
  readonly origin?: string;
}

/** One question to the authorizer. */
export interface AccessRequest {
  readonly action: Action;
  /** Absent for actions on the whole pipeline (`admin`). */
  readonly cameraId?: CameraId;
  readonly credentials: Credentials;
  readonly peer: Peer;
}

/** What somebody may do. The engine holds them to it; an authorizer need only tell. */
export interface Grant {
  readonly allowed: true;
  /** Who it is, for logs, sessions and limits; `anonymous` where anyone may. */
  readonly subject: string;
  /** What else these credentials let them do at this camera under the same limits, so that nobody is asked again. Default: only what was asked. */
  readonly actions?: readonly Action[];
  /** When the grant ends, epoch ms. */
  readonly expiresAt?: number;
  /** How far back a viewer may rewind and export, ms; absent: as far as there is. */
  readonly rewind?: number;
  /** The highest bit rate of video that a viewer gets, bit/s. */
  readonly maxBitrate?: number;
  /** The largest picture that a viewer gets, in lines of its shorter side: 720 for 720p. */
  readonly maxLines?: number;
  /** How many sessions this subject may have open at once, over all cameras and transports. */
  readonly sessions?: number;
  /** Pages of these origins alone (`https://example.org`). Requests without an Origin header, as of native players, are let through. */
  readonly origins?: readonly string[];
  /** Peers of these addresses or CIDR blocks alone. */
  readonly addresses?: readonly string[];
  /** What `admin` may do: look, or change too. Default `full`. */
  readonly role?: 'read-only' | 'full';
  /** After so many ms the engine asks the same again for as long as it goes on, and ends it where that is refused. */
  readonly recheck?: number;
  /** What becomes of it where the authorizer cannot tell when it is asked again; default `keep`, until `expiresAt`. */
  readonly onOutage?: 'keep' | 'end';
}

/** The answer. A refusal is an answer, not an error: an authorizer throws only where it cannot tell. */
export type Decision =
  | Grant
  | {
      readonly allowed: false;
      /** `unauthenticated`: bring credentials (401); `forbidden`: these do not suffice (403). */
      readonly reason: 'unauthenticated' | 'forbidden';
      /** Plain English for the refused, without saying what exists. */
      readonly message: string;
    };

/** The contract. */
export interface Authorizer {
  authorize(request: AccessRequest): Promise<Decision>;
  /** Calls back with what was revoked; returns the unsubscribing function. */
  onRevoked?(listener: (revoked: { subject: string }) => void): () => void;
  /** True where anyone may do anything; then no listener binds beyond loopback without saying so. */
  readonly open: boolean;
}

/** The token. */
export const Authorizer = contract<Authorizer>(
  'authorizer',
  1,
  'Tells who may publish, watch, rewind and administer.',
  ['onRevoked'],
);
