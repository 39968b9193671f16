/** Authorizer: who may publish, watch, rewind, export and administer. Only the engine asks it. */
import type { CameraId } from '../model/index.ts';
import { contract } from './contract.ts';

/** What somebody wants to do. */
export type Action = 'publish' | 'watch' | 'rewind' | 'export' | 'admin';

/** What a peer brings to prove who it is. */
export interface Credentials {
  /** A bearer token, from a header, `?token=` or the RTMP stream name's query. */
  readonly token?: string;
  readonly user?: string;
  readonly password?: string;
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

/** The answer. A refusal is an answer, not an error: an authorizer throws only where it cannot tell. */
export type Decision =
  | {
      readonly allowed: true;
      /** Who it is, for logs and sessions; `anonymous` where anyone may. */
      readonly subject: string;
      /** When the grant ends, epoch ms. */
      readonly expiresAt?: number;
      /** How far back this viewer may rewind, in ms. */
      readonly rewind?: number;
    }
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
