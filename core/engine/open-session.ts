/** One authorized viewer, from the engine's word to the end: what they may see, and for how long. */
import type { Action, Credentials, Grant } from '../contracts/index.ts';
import { asEddyError, EddyError } from '../errors/index.ts';
import type { CameraId, SessionId } from '../model/index.ts';
import type { Clock, Session, SessionRequest, SessionStatus, ViewerWish } from '../plugin/index.ts';
import type { Access, KnownSession } from './access.ts';
import { keepAsking } from './recheck.ts';
import type { SealedSession } from './seals.ts';

/** What a session needs of the registry. */
export interface OpenSessionHost {
  readonly access: Access;
  readonly clock: Clock;
  /** How long a sealed session can be opened, ms. */
  life(): number;
  seal(session: SealedSession): string;
  ended(session: OpenSession, reason: EddyError | undefined): void;
}

/** What a session begins with. */
export interface OpenSessionOptions {
  readonly id: SessionId;
  readonly cameraId: CameraId;
  readonly stage: string;
  readonly request: SessionRequest;
  readonly grant: Grant;
  /** By which it can be asked about again. */
  readonly credentials: Credentials;
  /** It was taken up by what somebody carries. */
  readonly carried: boolean;
}

/** Timers hold at most 2^31-1 ms; a later expiry is looked at again then. */
const MAX_TIMER_MS = 2_147_483_647;

const MODES = { watch: 'live', rewind: 'seek', export: 'export' } as const;

/** See the file's head. */
export class OpenSession implements Session {
  readonly id: SessionId;
  readonly cameraId: CameraId;
  readonly userId: string;
  readonly since: number;
  readonly #host: OpenSessionHost;
  readonly #options: OpenSessionOptions;
  readonly #abort = new AbortController();
  /** What each action was granted with; several where an authorizer was asked again for another. */
  readonly #grants = new Map<Action, Grant>();
  readonly #state: Record<string, unknown> = {};
  #cancelExpiry = (): void => {};
  #cancelRecheck = (): void => {};
  #over = false;
  #sealed = false;

  constructor(options: OpenSessionOptions, host: OpenSessionHost) {
    const { id, cameraId, grant, request, credentials } = options;
    const { action, peer } = request;
    this.id = id;
    this.cameraId = cameraId;
    this.userId = grant.subject;
    this.since = host.clock.now();
    this.#host = host;
    this.#options = options;
    this.#take(grant, action);
    this.#cancelRecheck = keepAsking(host, { action, cameraId, credentials, peer }, grant, {
      granted: (again) => this.#take(again, action),
      refused: (message) =>
        this.finish(new EddyError('WATCH_REFUSED', message, { details: { reason: 'forbidden', action } })),
    });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  get earliest(): number {
    return this.#host.access.earliest(this.#grants.get('rewind') ?? this.#grant);
  }

  get maxBitrate(): number | undefined {
    return this.#grant.maxBitrate;
  }

  get maxLines(): number | undefined {
    return this.#grant.maxLines;
  }

  admit(wish: ViewerWish, request: Pick<SessionRequest, 'credentials' | 'peer'>): void | Promise<void> {
    this.signal.throwIfAborted();
    const grant = this.#grants.get(wish.action);
    if (!grant) return this.#askFor(wish, request);
    const { access } = this.#host;
    if (grant.origins || grant.addresses) assertAllowed(access.hold(grant, request.peer), wish.action, this.cameraId);
    if (wish.action !== 'watch') access.assertReaches(grant, wish.from);
  }

  seal(): string {
    const { clock } = this.#host;
    const at = clock.now();
    const grants = [...this.#grants.values()];
    const grant = { ...this.#grant, ...limitsOf(this.#grants.get('rewind')), actions: [...this.#grants.keys()] };
    const until = Math.min(at + this.#host.life(), ...grants.map(({ expiresAt = Infinity }) => expiresAt));
    const unasked = Math.min(until, ...grants.map(({ recheck = Infinity }) => at + recheck));
    this.#sealed = true;
    return this.#host.seal({ id: this.id, cameraId: this.cameraId, at, until, unasked, grant });
  }

  update(state: Readonly<Record<string, unknown>>): void {
    Object.assign(this.#state, state);
  }

  end(): void {
    this.finish(undefined);
  }

  /** The end; `reason` where somebody else wants it. */
  finish(reason: EddyError | undefined): void {
    if (this.#over) return;
    this.#over = true;
    this.#cancelExpiry();
    this.#cancelRecheck();
    this.#host.ended(this, reason);
    this.#abort.abort(reason);
  }

  status(): SessionStatus {
    const { stage, request } = this.#options;
    const { mode, position, ...state } = this.#state as Partial<SessionStatus>;
    const { expiresAt } = this.#grant;
    return {
      id: this.id,
      userId: this.userId,
      cameraId: this.cameraId,
      mode: mode ?? MODES[request.action],
      ...(position === undefined ? {} : { position }),
      stage,
      protocol: request.peer.protocol,
      peer: request.peer.address,
      since: this.since,
      ...(expiresAt === undefined ? {} : { expiresAt }),
      state,
    };
  }

  get known(): KnownSession {
    const { credentials } = this.#options;
    return { grants: this.#grants, credentials: credentials.session === undefined ? credentials : undefined };
  }

  /** True where somebody may come back by what they carry. */
  get isCarried(): boolean {
    return this.#sealed || this.#options.carried;
  }

  get stage(): string {
    return this.#options.stage;
  }

  /** Of what was asked first. */
  get #grant(): Grant {
    return this.#grants.get(this.#options.request.action)!;
  }

  #take(grant: Grant, asked: Action): void {
    for (const action of [asked, ...(grant.actions ?? [])]) this.#grants.set(action, grant);
    this.#cancelExpiry();
    this.#watchExpiry();
  }

  async #askFor(wish: ViewerWish, request: Pick<SessionRequest, 'credentials' | 'peer'>): Promise<void> {
    const { access } = this.#host;
    const { action } = wish;
    const { cameraId } = this;
    const answer = assertAllowed(await access.ask({ action, cameraId, ...request }), action, cameraId);
    if (wish.action !== 'watch') access.assertReaches(answer, wish.from);
    this.#grants.set(action, answer);
  }

  #watchExpiry(): void {
    const { expiresAt } = this.#grant;
    if (expiresAt === undefined) return;
    const left = expiresAt - this.#host.clock.now();
    if (left > 0) this.#cancelExpiry = this.#host.clock.after(Math.min(left, MAX_TIMER_MS), () => this.#watchExpiry());
    else this.finish(new EddyError('WATCH_REFUSED', 'the grant has expired', { details: { reason: 'expired' } }));
  }
}

const limitsOf = (grant: Grant | undefined): Partial<Grant> =>
  grant?.rewind === undefined ? {} : { rewind: grant.rewind };

/** The grant, or throws WATCH_REFUSED. */
export function assertAllowed(answer: Awaited<ReturnType<Access['ask']>>, action: Action, cameraId?: CameraId): Grant {
  if (answer.allowed) return answer;
  throw new EddyError('WATCH_REFUSED', answer.message, {
    details: { reason: answer.reason, action, ...(cameraId === undefined ? {} : { cameraId }) },
  });
}

/** Why somebody was refused: `unauthenticated`, `forbidden`, else the code of the error. */
export function reasonOf(error: unknown): string {
  const { code, details } = asEddyError(error);
  return code === 'WATCH_REFUSED' ? String(details.reason) : code;
}
