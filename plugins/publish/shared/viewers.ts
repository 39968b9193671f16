/**
 * Viewers over HTTP: many requests, one session. Who comes with a token is given a sealed session to carry from then on, in the path of every
 * URL or in a cookie. A viewer is known by it, else by camera, credentials, address and player, and has left when it is silent.
 */
import {
  credentialsOf,
  peerOf,
  sessionCookie,
  type CameraId,
  type Context,
  type Credentials,
  type HttpRequest,
  type HttpResponse,
  type Session,
  type ViewerWish,
} from 'eddy/plugin';

/** A viewer is gone after this many ms without a request. */
const SILENCE = 30_000;
const SWEEP = 5_000;
/** What a player may hold of a live playlist, ms: older media is the past, which is a right of its own. */
const LIVE_REACH = 120_000;

/** Who asks, for as long as one request takes. */
export interface Viewer {
  readonly session: Session;
  /** Throws or rejects as `sessions.open` does where media that begins then (epoch ms) is not for this viewer. */
  readonly reach: (startTs: number) => void | Promise<void>;
}

/** What a request is for: a playlist, live or of the past, or the media that either of them lists. */
export type Purpose = ViewerWish | 'media';

interface Entry {
  readonly cameraId: CameraId;
  readonly opened: Promise<Session>;
  /** Known once it is open; from then on requests are answered without a turn of the event loop. */
  session: Session | undefined;
  /** What carries it, by what it was begun for: what was not asked for then may not be in it. */
  readonly sealed: Map<ViewerWish['action'], string>;
  busy: number;
  seenAt: number;
}

type Ctx = Pick<Context, 'sessions' | 'clock' | 'scope'>;

/** See the file's head. */
export class Viewers {
  readonly #ctx: Ctx;
  readonly #protocol: string;
  readonly #entries = new Map<string, Entry>();

  /** `protocol` is what authorizers and the session list are told: `hls`, `dash`. */
  constructor(ctx: Ctx, protocol: string) {
    this.#ctx = ctx;
    this.#protocol = protocol;
    ctx.clock.every(SWEEP, () => this.#sweep());
    ctx.scope.add(() => this.#endAll());
  }

  /** How many viewers there are. */
  get size(): number {
    return new Set(this.#entries.values()).size;
  }

  /**
   * Answers a request for a viewer who may watch, or rewind; rejects as `sessions.open` does for one who may not. Media is asked for
   * in either way: it is given to whoever has begun to do one of the two, as far as `reach` lets them.
   */
  serve(
    request: HttpRequest,
    answer: (viewer: Viewer) => HttpResponse | Promise<HttpResponse>,
    purpose: Purpose = { action: 'watch' },
  ): HttpResponse | Promise<HttpResponse> {
    const credentials = credentialsOf(request);
    const entry = this.#entryFor(request, credentials, purpose);
    entry.seenAt = this.#ctx.clock.monotonic();
    const go = (session: Session): HttpResponse | Promise<HttpResponse> => {
      const admitted = purpose === 'media' ? undefined : session.admit(purpose, this.#asker(request, credentials));
      return admitted ? admitted.then(() => give(session)) : give(session);
    };
    const give = (session: Session): HttpResponse | Promise<HttpResponse> => {
      if (purpose !== 'media') session.update(stateOf(purpose));
      // A token in a URL is changed for a session at once, so that it stands in no other one.
      const exchange = purpose !== 'media' && credentials.token !== undefined && request.query.has('token');
      if (!exchange) {
        const answered = answer(this.#viewer(request, credentials, session));
        // What a cookie opened is for nobody else, which the address does not tell a cache.
        const byCookie = credentials.session !== undefined && request.session === undefined;
        return byCookie ? then(answered, asPrivate) : answered;
      }
      const sealed = this.#seal(entry, session, request, purpose.action);
      if (this.#ctx.sessions.carry === 'path') return redirect(request, sealed);
      return then(answer(this.#viewer(request, credentials, session)), (response) =>
        withCookie(request, response, sealed),
      );
    };
    const answered = entry.session ? go(entry.session) : entry.opened.then(go);
    return answered instanceof Promise ? this.#whileBusy(entry, answered) : answered;
  }

  #viewer(request: HttpRequest, credentials: Credentials, session: Session): Viewer {
    return {
      session,
      reach: (startTs) => {
        const position = Math.round(startTs);
        if (startTs >= this.#ctx.clock.now() - LIVE_REACH) return session.update({ position });
        session.update({ mode: 'seek', position });
        return session.admit({ action: 'rewind', from: startTs }, this.#asker(request, credentials));
      },
    };
  }

  /** A request that waits is no silence. What it waited for is not given to one whose session has ended meanwhile. */
  async #whileBusy<T>(entry: Entry, answered: Promise<T>): Promise<T> {
    entry.busy += 1;
    const settled = await Promise.allSettled([answered]);
    entry.busy -= 1;
    entry.seenAt = this.#ctx.clock.monotonic();
    // Said first: whoever waited in vain because the session ended is told that, not that the wait was too long.
    entry.session?.signal.throwIfAborted();
    if (settled[0].status === 'rejected') throw settled[0].reason;
    return settled[0].value;
  }

  #entryFor(request: HttpRequest, credentials: Credentials, purpose: Purpose): Entry {
    const { camera: cameraId } = request.params;
    const key = credentials.session ?? keyOf(request, credentials);
    const known = this.#entries.get(key);
    if (known?.cameraId === cameraId) return known;
    const wish = purpose === 'media' ? ({ action: 'watch' } as const) : purpose;
    const asked = { cameraId, ...this.#asker(request, credentials) };
    const opened = this.#ctx.sessions.open({ ...asked, ...wish }).catch((error: unknown) => {
      // Whose sealed session is for the past alone goes on with its media after a silence, or a restart of the engine.
      if (purpose !== 'media' || credentials.session === undefined) throw error;
      return this.#ctx.sessions.open({ ...asked, action: 'rewind', from: 'earliest' }).catch(() => {
        throw error;
      });
    });
    const entry: Entry = {
      cameraId,
      opened,
      session: undefined,
      sealed: new Map(),
      busy: 0,
      seenAt: this.#ctx.clock.monotonic(),
    };
    // A session that is carried to another camera is refused, and stays what it is.
    if (!known) this.#keep(key, entry);
    opened.then(
      (session) => (entry.session = session),
      () => undefined,
    );
    return entry;
  }

  #keep(key: string, entry: Entry): void {
    this.#entries.set(key, entry);
    const forget = () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    // A refusal is not kept: the next request asks again. A revoked session is asked for anew, and refused.
    entry.opened.then(({ signal }) => {
      signal.addEventListener('abort', forget, { once: true });
      if (signal.aborted) forget();
    }, forget);
  }

  /** The same for as long as it lasts, so that a player which comes by its token again is no other viewer. */
  #seal(entry: Entry, session: Session, request: HttpRequest, action: ViewerWish['action']): string {
    let sealed = entry.sealed.get(action);
    if (sealed === undefined) {
      entry.sealed.set(action, (sealed = session.seal()));
      this.#keep(sealed, entry);
    }
    return sealed;
  }

  #asker(request: HttpRequest, credentials: Credentials) {
    return { credentials, peer: peerOf(request, this.#protocol) };
  }

  #sweep(): void {
    const silentSince = this.#ctx.clock.monotonic() - SILENCE;
    for (const [key, entry] of this.#entries) {
      if (entry.busy > 0 || entry.seenAt > silentSince) continue;
      this.#entries.delete(key);
      endSession(entry);
    }
  }

  #endAll(): void {
    for (const entry of this.#entries.values()) endSession(entry);
    this.#entries.clear();
  }
}

/** Of a viewer who carries no session. Only the last part may hold a line break, and a sealed session has none. */
function keyOf(request: HttpRequest, { token, user, password }: Credentials): string {
  const { camera } = request.params;
  return [
    camera,
    request.remoteAddress,
    request.headers['user-agent'],
    cmcdSession(request),
    user,
    password,
    token,
  ].join('\n');
}

/** The session id that a player tells (CTA-5004 3.3, key `sid`), which tells players behind one address apart. */
function cmcdSession({ query, headers }: HttpRequest): string | undefined {
  const said = headers['cmcd-session'] ?? query.get('CMCD');
  return said ? /(?:^|,)sid="([^"\n]{1,64})"/.exec(said)?.[1] : undefined;
}

const stateOf = (wish: ViewerWish): Readonly<Record<string, unknown>> =>
  wish.action === 'watch'
    ? { mode: 'live' }
    : { mode: 'seek', ...(wish.from === 'earliest' ? {} : { position: Math.round(wish.from) }) };

/** The same address, with the session instead of the token: whatever its answer names relatively has it too. */
function redirect(request: HttpRequest, sealed: string): HttpResponse {
  const query = new URLSearchParams(request.query);
  query.delete('token');
  const search = query.size > 0 ? `?${query.toString()}` : '';
  const path = request.path.split('/').map(encodeURIComponent).join('/');
  return { status: 302, headers: { location: `/~${sealed}${path}${search}`, 'cache-control': 'no-store' } };
}

function withCookie(request: HttpRequest, response: HttpResponse, sealed: string): HttpResponse {
  const cookie = `${sessionCookie(request.params.camera)}=${sealed}; Path=/; HttpOnly; SameSite=Lax`;
  const headers = { ...response.headers, 'set-cookie': request.secure ? `${cookie}; Secure` : cookie };
  // The answer to one viewer: no cache may give it to another.
  return { ...response, headers: { ...headers, 'cache-control': 'private, no-store' } };
}

function asPrivate(response: HttpResponse): HttpResponse {
  const cacheControl = response.headers?.['cache-control'];
  return {
    ...response,
    headers: { ...response.headers, 'cache-control': cacheControl ? `private, ${cacheControl}` : 'private, no-cache' },
  };
}

const then = <T>(value: T | Promise<T>, next: (value: T) => T): T | Promise<T> =>
  value instanceof Promise ? value.then(next) : next(value);

function endSession({ opened }: Entry): void {
  opened.then(
    (session) => session.end(),
    () => undefined,
  );
}
