/**
 * Viewers over HTTP: many requests, one session. A viewer is known by camera, credentials, address and player, and has
 * left when it is silent. Two players that share all four are one session.
 */
import type { CameraId, Context, HttpRequest, Session } from 'eddy/plugin';

/** A viewer is gone after this many ms without a request. */
const SILENCE = 30_000;
const SWEEP = 5_000;

/** Who asks, for as long as one request takes. */
export interface Viewer {
  readonly session: Session;
  /** What every child URI must carry (`?token=...`), so that the player keeps it; empty where there is none. */
  readonly suffix: string;
}

/** What a request is for: the live playlist, one of the past, or the media that either of them lists. */
export type Purpose = 'watch' | 'rewind' | 'media';

interface Entry {
  readonly opened: Promise<Session>;
  /** Known once it is open; from then on requests are answered without a turn of the event loop. */
  session: Session | undefined;
  busy: number;
  seenAt: number;
}

export class Viewers {
  readonly #ctx: Pick<Context, 'sessions' | 'clock' | 'scope'>;
  readonly #protocol: string;
  readonly #entries = new Map<string, Entry>();

  /** `protocol` is what authorizers and the session list are told: `hls`, `dash`. */
  constructor(ctx: Pick<Context, 'sessions' | 'clock' | 'scope'>, protocol: string) {
    this.#ctx = ctx;
    this.#protocol = protocol;
    ctx.clock.every(SWEEP, () => this.#sweep());
    ctx.scope.add(() => this.#endAll());
  }

  /** How many viewers there are. */
  get size(): number {
    return this.#entries.size;
  }

  /**
   * Answers a request for a viewer who may watch, or rewind; rejects as `sessions.open` does for one who may not. Media is asked for
   * in either way: it is given to whoever has begun to do one of the two.
   */
  serve<T>(
    request: HttpRequest,
    answer: (viewer: Viewer) => T | Promise<T>,
    action: Purpose = 'watch',
  ): T | Promise<T> {
    const fromQuery = request.query.get('token') ?? undefined;
    const entry = this.#entryFor(request, fromQuery ?? bearer(request.headers.authorization), action);
    entry.seenAt = this.#ctx.clock.monotonic();
    const suffix = fromQuery === undefined ? '' : `?token=${encodeURIComponent(fromQuery)}`;
    const known = entry.session;
    const answered = known
      ? answer({ session: known, suffix })
      : entry.opened.then((session) => answer({ session, suffix }));
    return answered instanceof Promise ? this.#whileBusy(entry, answered) : answered;
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

  #entryFor(request: HttpRequest, token: string | undefined, purpose: Purpose): Entry {
    const cameraId: CameraId = request.params.camera;
    const { 'user-agent': userAgent, origin } = request.headers;
    // Only the last of these may hold a line break.
    const viewer = [cameraId, request.remoteAddress, userAgent, token].join('\n');
    const action = purpose === 'rewind' ? 'rewind' : 'watch';
    const key = `${action} ${viewer}`;
    const known = this.#entries.get(key) ?? (purpose === 'media' ? this.#entries.get(`rewind ${viewer}`) : undefined);
    if (known) return known;
    const opened = this.#ctx.sessions.open({
      cameraId,
      action,
      credentials: token === undefined ? {} : { token },
      peer: {
        address: request.remoteAddress,
        protocol: this.#protocol,
        ...(userAgent === undefined ? {} : { userAgent }),
        ...(origin === undefined ? {} : { origin }),
      },
    });
    const entry: Entry = { opened, session: undefined, busy: 0, seenAt: this.#ctx.clock.monotonic() };
    this.#entries.set(key, entry);
    const forget = () => {
      if (this.#entries.get(key) === entry) this.#entries.delete(key);
    };
    // A refusal is not kept: the next request asks again. A revoked session is asked for anew, and refused.
    opened.then((session) => {
      entry.session = session;
      session.signal.addEventListener('abort', forget, { once: true });
      if (session.signal.aborted) forget();
    }, forget);
    return entry;
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

function endSession({ opened }: Entry): void {
  opened.then(
    (session) => session.end(),
    () => undefined,
  );
}

/** The token of an `Authorization: Bearer` header (RFC 6750 2.1). */
function bearer(header: string | undefined): string | undefined {
  return /^Bearer +([^\s]+)$/i.exec(header ?? '')?.[1];
}
