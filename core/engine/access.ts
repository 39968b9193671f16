/** Who may do what: asks the authorizer, or opens a sealed session, and holds the answer to what it tells. */
import type { AccessRequest, Action, Authorizer, Credentials, Decision, Grant, Peer } from '../contracts/index.ts';
import { EddyError } from '../errors/index.ts';
import type { SessionId } from '../model/index.ts';
import { addressRule } from '../plugin/addresses.ts';
import type { Clock } from '../plugin/index.ts';
import type { Revocations } from './revocations.ts';
import type { Seals, SealedSession } from './seals.ts';

/** What access needs of the pipeline. */
export interface AccessHost {
  readonly clock: Clock;
  readonly revocations: Revocations;
  readonly seals: Seals;
  authorizer(): Authorizer | undefined;
  /** A session that is open, or was until it fell silent. */
  known(id: SessionId): KnownSession | undefined;
}

/** What the engine still has of a session. */
export interface KnownSession {
  /** What it was granted; nothing where it is not open. */
  readonly grants: ReadonlyMap<Action, Grant>;
  /** What it was begun with; undefined where that was a sealed session. */
  readonly credentials: Credentials | undefined;
}

/** An answer; where it came from a sealed session with that, and with the credentials by which it can be asked about again. */
export type Answer = Decision & { readonly sealed?: SealedSession; readonly credentials?: Credentials };

/** An answer for pipelines without an authorizer: they bind loopback only, the graph checks see to it. */
const OPEN: Decision = { allowed: true, subject: 'anonymous', actions: ['watch', 'rewind', 'export'] };

/** A player that holds a playlist of a moment ago still reads it, although the limit has moved on, ms. */
const SLACK = 30_000;

const forbidden = (message: string): Decision => ({ allowed: false, reason: 'forbidden', message });
const unauthenticated = (message: string): Decision => ({ allowed: false, reason: 'unauthenticated', message });

/** See the file's head. */
export class Access {
  readonly #host: AccessHost;

  constructor(host: AccessHost) {
    this.#host = host;
  }

  /** Rejects with AUTH_UNAVAILABLE: an authorizer that cannot tell lets nobody in. */
  async ask(request: AccessRequest): Promise<Answer> {
    const { session, ...credentials } = request.credentials;
    if (session !== undefined) return this.#unseal(session, request);
    const authorizer = this.#host.authorizer();
    if (!authorizer) return OPEN;
    let decision: Decision;
    try {
      decision = await authorizer.authorize({ ...request, credentials });
    } catch (error) {
      throw new EddyError('AUTH_UNAVAILABLE', 'the authorizer cannot tell who you are; try again', { cause: error });
    }
    if (!decision.allowed) return decision;
    if (this.#host.revocations.isRevoked(decision.subject)) return forbidden('the rights of this user were revoked');
    return this.hold(decision, request.peer);
  }

  /** The grant where it holds now and for this peer, else the refusal. */
  hold(grant: Grant, peer: Peer): Decision {
    const { expiresAt, origins, addresses } = grant;
    if (expiresAt !== undefined && expiresAt <= this.#host.clock.now())
      return unauthenticated('the grant has expired; bring a new token');
    if (origins && peer.origin !== undefined && !origins.includes(peer.origin))
      return forbidden('this grant is not for pages of this origin');
    if (addresses && !isWithin(addresses, peer.address)) return forbidden('this grant is not for your address');
    return grant;
  }

  /** The earliest moment that a grant reaches, epoch ms. */
  earliest({ rewind }: Grant): number {
    return rewind === undefined ? 0 : this.#host.clock.now() - rewind;
  }

  /** Throws REWIND_TOO_DEEP. */
  assertReaches(grant: Grant, from: number | 'earliest'): void {
    const earliest = this.earliest(grant);
    if (from === 'earliest' || from >= earliest - SLACK) return;
    const at = new Date(earliest).toISOString();
    throw new EddyError('REWIND_TOO_DEEP', `you may go back to ${at} here, no further`, { details: { earliest } });
  }

  async #unseal(text: string, request: AccessRequest): Promise<Answer> {
    const { seals, revocations, clock } = this.#host;
    const { action, cameraId, peer } = request;
    const sealed = seals.open(text);
    if (!sealed) return unauthenticated('this session is not known here; begin anew with your token');
    if (sealed.cameraId !== cameraId) return forbidden('this session is for another camera');
    if (revocations.isEnded(sealed)) return forbidden('this session was ended');
    const known = this.#host.known(sealed.id);
    const granted = known?.grants.get(action);
    // One that is open does not end by what it is carried in.
    if (granted) return this.#from(sealed, this.hold(granted, peer));
    const now = clock.now();
    if (sealed.until <= now) return unauthenticated('this session has expired; begin anew with your token');
    const told = sealed.grant.actions?.includes(action) === true;
    const credentials = known?.credentials;
    if (credentials && !(told && now < sealed.unasked)) {
      const answer = await this.ask({ ...request, credentials });
      return answer.allowed ? { ...answer, sealed, credentials } : answer;
    }
    if (!told) return forbidden(`this session does not let you ${action}; begin anew with your token`);
    if (credentials) return { ...this.#from(sealed, this.hold(sealed.grant, peer)), credentials };
    // Whose grant is to be asked about again, and cannot be without the token, goes on no longer than one answer holds.
    const expiresAt = Math.min(sealed.grant.expiresAt ?? Infinity, sealed.grant.recheck ? sealed.unasked : Infinity);
    const bounded = Number.isFinite(expiresAt) ? { expiresAt } : {};
    return this.#from(sealed, this.hold({ ...sealed.grant, ...bounded }, peer));
  }

  #from(sealed: SealedSession, held: Decision): Answer {
    return held.allowed ? { ...held, sealed } : held;
  }
}

const rules = new WeakMap<readonly string[], (address: string) => boolean>();

function isWithin(blocks: readonly string[], address: string): boolean {
  let rule = rules.get(blocks);
  if (!rule) rules.set(blocks, (rule = addressRule(blocks)));
  return rule(address);
}
