/** Viewers: the only way out. Every gateway asks here, and here alone the authorizer is asked. */
import { randomUUID } from 'node:crypto';
import type { AccessRequest, Authorizer, Credentials, Decision, Peer } from '../contracts/index.ts';
import { EddyError } from '../errors/index.ts';
import { parseCameraId, type CameraId, type SessionId } from '../model/index.ts';
import type { Clock, Events, Session, SessionRequest, SessionStatus } from '../plugin/index.ts';

/** What sessions need of the pipeline. */
export interface SessionsHost {
  readonly clock: Clock;
  readonly events: Events;
  authorizer(): Authorizer | undefined;
  gateOpen(): boolean;
  knows(cameraId: CameraId): boolean | Promise<boolean>;
}

interface OpenSession extends SessionStatus {
  state: Readonly<Record<string, unknown>>;
  readonly end: (reason: EddyError | undefined) => void;
}

/** An answer for pipelines without an authorizer: they bind loopback only, the graph checks see to it. */
const OPEN: Decision = { allowed: true, subject: 'anonymous' };

const EXPIRED: Decision = { allowed: false, reason: 'unauthenticated', message: 'the grant has expired' };

/** Timers hold at most 2^31-1 ms; a later expiry is looked at again then. */
const MAX_TIMER_MS = 2_147_483_647;

/** Asks the authorizer; an authorizer that cannot tell lets nobody in. */
export async function decide(
  authorizer: Authorizer | undefined,
  request: AccessRequest,
  now: () => number,
): Promise<Decision> {
  if (!authorizer) return OPEN;
  try {
    const decision = await authorizer.authorize(request);
    const expired = decision.allowed && decision.expiresAt !== undefined && decision.expiresAt <= now();
    return expired ? EXPIRED : decision;
  } catch (error) {
    throw new EddyError('AUTH_UNAVAILABLE', 'the authorizer cannot tell who you are; try again', { cause: error });
  }
}

/** See the file's head. */
export class SessionRegistry {
  readonly #host: SessionsHost;
  readonly #sessions = new Map<SessionId, OpenSession>();

  constructor(host: SessionsHost) {
    this.#host = host;
  }

  async open(request: SessionRequest, stage: string): Promise<Session> {
    const { cameraId, decision } = await this.#admit(request);
    return this.#start(cameraId, request, stage, decision);
  }

  /** Whether `open` would let in. */
  async check(request: SessionRequest): Promise<{ readonly subject: string }> {
    return { subject: (await this.#admit(request)).decision.subject };
  }

  async #admit(
    request: SessionRequest,
  ): Promise<{ cameraId: CameraId; decision: Extract<Decision, { allowed: true }> }> {
    const cameraId = parseCameraId(request.cameraId);
    if (!cameraId) {
      throw new EddyError('CAMERA_ID_INVALID', `"${request.cameraId.slice(0, 80)}" is not a camera name`);
    }
    this.#assertOpen();
    const { action, credentials, peer } = request;
    const decision = await this.#decide({ action, cameraId, credentials, peer });
    if (!decision.allowed) {
      throw new EddyError('WATCH_REFUSED', decision.message, {
        details: { reason: decision.reason, action, cameraId },
      });
    }
    // Asked after the authorizer, so that strangers cannot find out which cameras exist.
    if (!(await this.#host.knows(cameraId)))
      throw new EddyError('CAMERA_UNKNOWN', `no camera "${cameraId}" has published here`);
    this.#assertOpen();
    return { cameraId, decision };
  }

  async administer(credentials: Credentials, peer: Peer): Promise<{ readonly subject: string }> {
    const decision = await this.#decide({ action: 'admin', credentials, peer });
    if (decision.allowed) return { subject: decision.subject };
    throw new EddyError('WATCH_REFUSED', decision.message, { details: { reason: decision.reason, action: 'admin' } });
  }

  list(): readonly SessionStatus[] {
    return [...this.#sessions.values()].map(({ end: _end, ...status }) => status);
  }

  /** Ends one session; false where there is none of this id. */
  end(id: string): boolean {
    const reason = new EddyError('SESSION_ENDED', 'an operator has ended this session');
    return this.endWhere((session) => session.id === id, reason) > 0;
  }

  /** Ends the sessions that match; used for revocation, a stage that stops, and the end. */
  endWhere(match: (session: SessionStatus) => boolean, reason: EddyError): number {
    const ending = [...this.#sessions.values()].filter(match);
    for (const session of ending) session.end(reason);
    return ending.length;
  }

  #decide(request: AccessRequest): Promise<Decision> {
    return decide(this.#host.authorizer(), request, () => this.#host.clock.now());
  }

  #assertOpen(): void {
    if (!this.#host.gateOpen())
      throw new EddyError('GATE_CLOSED', 'the pipeline is starting or stopping; try again shortly');
  }

  #start(
    cameraId: CameraId,
    request: SessionRequest,
    stage: string,
    decision: Extract<Decision, { allowed: true }>,
  ): Session {
    const { clock, events } = this.#host;
    const abort = new AbortController();
    let cancelExpiry = (): void => {};
    const status: OpenSession = {
      id: randomUUID() as string as SessionId,
      cameraId,
      subject: decision.subject,
      stage,
      action: request.action,
      protocol: request.peer.protocol,
      peer: request.peer.address,
      since: clock.now(),
      state: {},
      end: (reason) => {
        if (!this.#sessions.delete(status.id)) return;
        cancelExpiry();
        events.emit({
          type: 'session.ended',
          cameraId,
          stage,
          data: { session: status.id, ...(reason ? { code: reason.code } : {}) },
        });
        abort.abort(reason);
      },
    };
    const { expiresAt } = decision;
    if (expiresAt !== undefined) {
      const check = (): void => {
        const left = expiresAt - clock.now();
        if (left <= 0)
          status.end(new EddyError('WATCH_REFUSED', 'the grant has expired', { details: { reason: 'expired' } }));
        else cancelExpiry = clock.after(Math.min(left, MAX_TIMER_MS), check);
      };
      check();
    }
    this.#sessions.set(status.id, status);
    events.emit({ type: 'session.started', cameraId, stage, data: { session: status.id, subject: status.subject } });
    return {
      id: status.id,
      cameraId,
      subject: status.subject,
      signal: abort.signal,
      update: (state) => {
        status.state = { ...status.state, ...state };
      },
      end: () => status.end(undefined),
    };
  }
}
