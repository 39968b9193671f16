/** Viewers: the only way out. Every gateway asks here, and here alone the authorizer is asked. */
import { randomUUID } from 'node:crypto';
import type { Credentials, Grant } from '../contracts/index.ts';
import { EddyError } from '../errors/index.ts';
import type { EngineEventDefinitions } from '../plugin/engine-events.ts';
import type { CheckedGraph } from '../graph/checked.ts';
import { parseCameraId, type CameraId, type SessionId } from '../model/index.ts';
import type {
  Access as ViewerAccess,
  AdminRequest,
  Clock,
  Events,
  Logger,
  Revocation,
  Session,
  SessionRequest,
  SessionStatus,
} from '../plugin/index.ts';
import type { Access, Answer, KnownSession } from './access.ts';
import { assertAllowed, OpenSession, reasonOf, type OpenSessionHost } from './open-session.ts';
import type { Revocations } from './revocations.ts';
import type { Seals } from './seals.ts';

/** What sessions need of the pipeline. */
export interface SessionsHost {
  readonly access: Access;
  readonly revocations: Revocations;
  readonly seals: Seals;
  readonly clock: Clock;
  readonly events: Events<EngineEventDefinitions>;
  readonly log: Logger;
  settings(): CheckedGraph['sessions'];
  gateOpen(): boolean;
  knows(cameraId: CameraId): boolean | Promise<boolean>;
  endPublications(userId: string, reason: EddyError): void;
}

/** A link is good for a year at most, so that what takes it back need not be kept for ever. */
const LONGEST_LINK_MS = 366 * 24 * 3_600_000;

/** Sessions that fell silent, of which it is remembered by what they can be asked about again. */
const MAX_SILENT = 20_000;
const NOTHING: KnownSession['grants'] = new Map();

/** See the file's head. */
export class SessionRegistry {
  readonly #host: SessionsHost;
  readonly #sessions = new Map<SessionId, OpenSession>();
  /** Those that fell silent and may come back, by when they are forgotten, the first first. */
  readonly #silent = new Map<SessionId, { readonly credentials: Credentials; readonly until: number }>();
  readonly #ofSessions: OpenSessionHost;

  constructor(host: SessionsHost) {
    this.#host = host;
    this.#ofSessions = {
      access: host.access,
      clock: host.clock,
      life: () => host.settings().life,
      seal: (session) => host.seals.seal(session),
      ended: (session, reason) => this.#ended(session, reason),
    };
  }

  /** A session that is open, or fell silent a while ago. */
  known(id: SessionId): KnownSession | undefined {
    const silent = this.#silent.get(id);
    return this.#sessions.get(id)?.known ?? (silent && { ...silent, grants: NOTHING });
  }

  async open(request: SessionRequest, stage: string): Promise<Session> {
    const { cameraId, answer } = await this.#admit(request, stage);
    this.#makeRoom(answer, request, stage);
    const sealedId = answer.sealed?.id;
    const carried = sealedId !== undefined;
    const { sealed: _sealed, credentials = request.credentials, ...grant } = answer;
    // Taken up by two gateways at a time, it is two sessions.
    const id = sealedId === undefined || this.#sessions.has(sealedId) ? (randomUUID() as SessionId) : sealedId;
    const session = new OpenSession({ id, cameraId, stage, request, grant, credentials, carried }, this.#ofSessions);
    session.signal.throwIfAborted();
    this.#sessions.set(id, session);
    this.#silent.delete(id);
    const data = { session: id, userId: session.userId, protocol: request.peer.protocol, mode: session.status().mode };
    this.#host.events.emit({ type: 'session.started', cameraId, stage, data });
    return session;
  }

  /** Whether `open` would let in. */
  async check(request: SessionRequest, stage: string): Promise<ViewerAccess> {
    const { answer } = await this.#admit(request, stage);
    const { subject, maxBitrate, maxLines } = answer;
    return { userId: subject, earliest: this.#host.access.earliest(answer), maxBitrate, maxLines };
  }

  async administer(request: AdminRequest, stage: string): Promise<{ readonly userId: string }> {
    const { credentials, peer, what, change, quiet } = request;
    const { events, log, access } = this.#host;
    const told = { what, change, peer: peer.address };
    let grant: Grant;
    try {
      grant = assertAllowed(await access.ask({ action: 'admin', credentials, peer }), 'admin');
      if (change && grant.role === 'read-only') {
        const message = 'your role lets you look here, not change anything';
        throw new EddyError('WATCH_REFUSED', message, { details: { reason: 'forbidden', action: 'admin' } });
      }
    } catch (error) {
      if (!quiet) events.emit({ type: 'admin.refused', stage, data: told });
      throw error;
    }
    if (change && !quiet) {
      events.emit({ type: 'admin.allowed', stage, data: { ...told, userId: grant.subject } });
      log.info({ ...told, user: grant.subject, stage }, `administration: ${what}`);
    }
    return { userId: grant.subject };
  }

  list(): readonly SessionStatus[] {
    return [...this.#sessions.values()].map((session) => session.status());
  }

  /** Ends one session for good; false where there is none of this id. */
  end(id: string, message = 'an operator has ended this session'): boolean {
    const session = this.#sessions.get(id as SessionId);
    if (!session) return false;
    // What carries it can be opened for a life, and a link until it expires.
    const { expiresAt = 0 } = session.status();
    this.#host.revocations.end(id, Math.max(this.#host.clock.now() + this.#host.settings().life, expiresAt));
    session.finish(new EddyError('SESSION_ENDED', message));
    return true;
  }

  /** Ends the sessions that match; used for a stage that stops, and the end. Those over HTTP can be taken up again. */
  endWhere(match: (session: OpenSession) => boolean, reason: EddyError): number {
    const ending = [...this.#sessions.values()].filter(match);
    for (const session of ending) session.finish(reason);
    return ending.length;
  }

  get carry(): 'path' | 'cookie' {
    return this.#host.settings().carry;
  }

  /** A sealed session for somebody whom no authorizer need know. */
  invite(cameraId: CameraId, grant: Grant & { readonly expiresAt: number }): string {
    const [id, at] = [randomUUID() as SessionId, this.#host.clock.now()];
    const until = Math.min(grant.expiresAt, at + LONGEST_LINK_MS);
    return this.#host.seals.seal({ id, cameraId, at, until, unasked: until, grant });
  }

  /** Nothing is granted to this user for `ms`, and what they have open ends. */
  async revoke(userId: string, ms: number): Promise<Revocation> {
    const kept = this.#host.revocations.revoke(userId, ms);
    this.#endOf(userId);
    return kept;
  }

  unrevoke(userId: string): Promise<boolean> {
    return this.#host.revocations.unrevoke(userId);
  }

  revocations(): readonly Revocation[] {
    return this.#host.revocations.list();
  }

  /** An authorizer took something back: what this user carries is void, and what is open ends. */
  revoked(userId: string): void {
    const longest = Math.max(this.#host.settings().life, LONGEST_LINK_MS);
    this.#host.revocations.voidSealed(userId, this.#host.clock.now() + longest);
    this.#endOf(userId);
  }

  async #admit(
    request: SessionRequest,
    stage: string,
  ): Promise<{ cameraId: CameraId; answer: Extract<Answer, { allowed: true }> }> {
    const { access, events } = this.#host;
    const cameraId = parseCameraId(request.cameraId);
    if (!cameraId) {
      throw new EddyError('CAMERA_ID_INVALID', `"${request.cameraId.slice(0, 80)}" is not a camera name`);
    }
    this.#assertOpen();
    const { action, credentials, peer } = request;
    let answer;
    try {
      answer = assertAllowed(await access.ask({ action, cameraId, credentials, peer }), action, cameraId);
      if (request.action !== 'watch') access.assertReaches(answer, request.from);
    } catch (error) {
      const data = { action, reason: reasonOf(error), protocol: peer.protocol, peer: peer.address };
      if (!request.quiet) events.emit({ type: 'session.refused', cameraId, stage, data });
      throw error;
    }
    // Asked after the authorizer, so that strangers cannot find out which cameras exist.
    if (!(await this.#host.knows(cameraId)))
      throw new EddyError('CAMERA_UNKNOWN', `no camera "${cameraId}" has published here`);
    this.#assertOpen();
    return { cameraId, answer };
  }

  /** Throws SESSIONS_TOO_MANY, or ends the oldest, as the pipeline says. */
  #makeRoom(grant: Grant, { peer, action, replaces }: SessionRequest, stage: string): void {
    if (grant.sessions === undefined) return;
    const theirs = [...this.#sessions.values()].filter(({ userId, id }) => userId === grant.subject && id !== replaces);
    if (theirs.length < grant.sessions) return;
    if (this.#host.settings().atLimit === 'end-oldest' && grant.sessions > 0) {
      const excess = theirs.slice(0, theirs.length - grant.sessions + 1);
      for (const { id } of excess) this.end(id, 'a newer session of the same user took its place');
      return;
    }
    const data = { action, reason: 'SESSIONS_TOO_MANY', protocol: peer.protocol, peer: peer.address };
    this.#host.events.emit({ type: 'session.refused', stage, data: { ...data, userId: grant.subject } });
    throw new EddyError('SESSIONS_TOO_MANY', `you have ${theirs.length} sessions open, as many as you may`, {
      details: { limit: grant.sessions, retryAfter: 10 },
    });
  }

  #ended(session: OpenSession, reason: EddyError | undefined): void {
    this.#sessions.delete(session.id);
    if (!reason && session.isCarried) this.#remember(session);
    const { protocol, mode } = session.status();
    this.#host.events.emit({
      type: 'session.ended',
      cameraId: session.cameraId,
      stage: session.stage,
      data: { session: session.id, userId: session.userId, protocol, mode, ...(reason ? { code: reason.code } : {}) },
    });
  }

  #remember({ id, known: { credentials } }: OpenSession): void {
    const now = this.#host.clock.now();
    for (const [first, { until }] of this.#silent) {
      if (until > now && this.#silent.size < MAX_SILENT) break;
      this.#silent.delete(first);
    }
    if (credentials) this.#silent.set(id, { credentials, until: now + this.#host.settings().life });
  }

  /** Whoever lost a right is put out, of publishing too. */
  #endOf(userId: string): void {
    const details = { reason: 'revoked' };
    const watching = new EddyError('WATCH_REFUSED', 'the right was revoked', { details });
    this.endWhere((session) => session.userId === userId, watching);
    this.#host.endPublications(userId, new EddyError('PUBLISH_REFUSED', 'the right was revoked', { details }));
  }

  #assertOpen(): void {
    if (!this.#host.gateOpen())
      throw new EddyError('GATE_CLOSED', 'the pipeline is starting or stopping; try again shortly');
  }
}
