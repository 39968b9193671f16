/** What one WHEP session is made of, and why it ends. */
import type { Clock, HttpRequest, latencyMeter, Logger, RtpRouters, Session } from 'eddy/plugin';
import type { Refusals } from '../shared/gateway/refusal.ts';
import type { TakenMedia } from '../shared/sdp/negotiate.ts';
import type { Offer } from '../shared/sdp/offer.ts';
import type { LiveCamera } from './live-camera.ts';
import type { Qualities } from './quality.ts';
import type { Viewer } from './viewer.ts';

/** Why a session ended: the label of the counter. */
export type ViewerEnd =
  | 'deleted'
  | 'closed'
  | 'ice'
  | 'dtls'
  | 'worker-died'
  | 'session-ended'
  | 'camera-away'
  | 'codec-unfit'
  | 'refused'
  | 'stopped';

/** After these its client does well to come anew. */
export const ASKS_AGAIN: ReadonlySet<ViewerEnd> = new Set(['worker-died', 'codec-unfit', 'refused', 'stopped']);

/** What a session is made of. */
export interface ViewerOptions {
  readonly routers: RtpRouters;
  readonly clock: Clock;
  readonly log: Logger;
  readonly refusals: Refusals;
  readonly session: Session;
  readonly camera: LiveCamera;
  readonly qualities: Qualities;
  readonly offer: Offer;
  readonly media: readonly TakenMedia[];
  readonly request: HttpRequest;
  /** Bits a second, by configuration and by the player's own wish; undefined: as the routers say. */
  readonly maxBitrate: number | undefined;
  /** What players report, in seconds. */
  readonly latency: ReturnType<typeof latencyMeter>;
  /** Called once. */
  readonly onEnd: (viewer: Viewer, reason: ViewerEnd) => void;
}
