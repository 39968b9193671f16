/** Viewers and operators: what gateways ask the engine for, and what they get. */
import type { Credentials, Grant, Peer } from '../contracts/index.ts';
import type { CameraId, SessionId } from '../model/index.ts';

/** What a gateway asks for. */
export type SessionRequest = {
  readonly cameraId: string;
  readonly credentials: Credentials;
  readonly peer: Peer;
  /** The answer only decides what is shown: a refusal is nothing that anybody need be told of. */
  readonly quiet?: boolean;
  /** The session that the new one takes the place of, and that ends once it has: it does not count against a limit. */
  readonly replaces?: SessionId;
} & ViewerWish;

/** What a viewer wants to see. The past is asked for with the moment where it begins, so that no right is wider than was granted. */
export type ViewerWish =
  | { readonly action: 'watch' }
  | {
      readonly action: 'rewind' | 'export';
      /** The earliest moment wanted, epoch ms; `earliest`: as far back as is allowed, which the answer tells. */
      readonly from: number | 'earliest';
    };

/** What a viewer may see. */
export interface Access {
  readonly userId: string;
  /** The earliest moment that this viewer may see now, epoch ms; 0 where all that is kept. */
  readonly earliest: number;
  /** The highest bit rate of video, bit/s. */
  readonly maxBitrate?: number | undefined;
  /** The largest picture, in lines of its shorter side. */
  readonly maxLines?: number | undefined;
}

/** One authorized viewer. */
export interface Session extends Access {
  readonly id: SessionId;
  readonly cameraId: CameraId;
  /** Aborted on revocation, expiry or stop; the reason is an EddyError. */
  readonly signal: AbortSignal;
  /**
   * Asks for more within the session: the past, or another request of a viewer whose peer may have changed. Settled at once where the
   * grant tells; the authorizer is asked for an action that it does not tell of. Throws or rejects as `open` does.
   */
  admit(wish: ViewerWish, request: Pick<SessionRequest, 'credentials' | 'peer'>): void | Promise<void>;
  /**
   * A text that opens this session again without asking an authorizer, as `Credentials.session`: good for this camera and what the grant
   * tells, until the grant or `sessions.life` ends or it is revoked. Letters, digits, `-` and `_`; nobody else can read or make it.
   */
  seal(): string;
  /** Merged into what `/api/v1/sessions` shows. `mode` and `position` (epoch ms of what is shown) stand beside the others there. */
  update(state: Readonly<Record<string, unknown>>): void;
  end(): void;
}

/** What is asked on the whole pipeline. */
export interface AdminRequest {
  readonly credentials: Credentials;
  readonly peer: Peer;
  /** For the audit log: `DELETE /api/v1/sessions/{id}`, or more exactly. No secret. */
  readonly what: string;
  /** Whether it changes anything; those whose role is to read are refused. */
  readonly change: boolean;
  /** As in {@link SessionRequest}. */
  readonly quiet?: boolean;
}

/** Somebody whose rights were taken away. */
export interface Revocation {
  readonly userId: string;
  readonly since: number;
  /** Until then nothing is granted to them, epoch ms. */
  readonly until: number;
}

/** Sessions: the only way out. */
export interface Sessions {
  /**
   * Rejects with CAMERA_ID_INVALID, CAMERA_UNKNOWN, WATCH_REFUSED, REWIND_TOO_DEEP, SESSIONS_TOO_MANY, AUTH_UNAVAILABLE or
   * GATE_CLOSED.
   */
  open(request: SessionRequest): Promise<Session>;
  /** Asks whether `open` would let in, without opening a session; rejects as `open` does. */
  check(request: SessionRequest): Promise<Access>;
  list(): readonly SessionStatus[];
  /** Ends a session by its id for good, as an operator does; its signal aborts with SESSION_ENDED. False where there is none. */
  end(id: string): boolean;
  /**
   * A sealed session for somebody whom no authorizer need know: good for this camera and what the grant tells, until it expires, a year at
   * most. Whoever has it is let in.
   */
  invite(cameraId: CameraId, grant: Grant & { readonly expiresAt: number }): string;
  /** Takes all rights of a user away for `ms`: what is open ends, sessions and publications, and nothing new begins. */
  revoke(userId: string, ms: number): Promise<Revocation>;
  /** Takes that back; false where there was none. */
  unrevoke(userId: string): Promise<boolean>;
  revocations(): readonly Revocation[];
  /** How viewers over HTTP carry their session: in the path of every URL, or in a cookie (`sessions.carry` of the pipeline). */
  readonly carry: 'path' | 'cookie';
  /** Asks the authorizer about an action on the whole pipeline; rejects as `open` does. */
  administer(request: AdminRequest): Promise<{ readonly userId: string }>;
}

/** A session as the API shows it. */
export interface SessionStatus {
  readonly id: SessionId;
  readonly userId: string;
  readonly cameraId: CameraId;
  readonly mode: 'live' | 'seek' | 'export';
  /** Epoch ms of what is shown, where the gateway knows; live viewers over WebRTC are at now. */
  readonly position?: number;
  readonly stage: string;
  readonly protocol: string;
  readonly peer: string;
  readonly since: number;
  /** When it ends by its grant, epoch ms. */
  readonly expiresAt?: number;
  readonly state: Readonly<Record<string, unknown>>;
}
