/**
 * One WHIP or WHEP session (RFC 9725, draft-ietf-wish-whep): an offer by POST, its answer, and the session's own URL. No
 * candidates are trickled: the server answers wherever the client comes from.
 */
import type { Refusal } from './refusal.ts';
import { refusalOf, token, withSession } from './server.ts';

/** The server did not take the offer, or did not answer. */
export class SessionRefused extends Error {
  /** Status 0: no answer at all. */
  readonly refusal: Refusal;
  /** What Retry-After says, seconds. */
  readonly retryAfter: number | undefined;

  constructor(refusal: Refusal, retryAfter?: number) {
    super(refusal.message ?? `the server answered ${refusal.status}`);
    this.refusal = refusal;
    this.retryAfter = retryAfter;
  }
}

/** A link of the answer. */
export interface Link {
  readonly target: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** How long the server may think about an offer, ms. */
const PATIENCE = 10_000;

/** See the file's head. */
export class SdpSession {
  readonly url: string;
  readonly links: readonly Link[];
  #ended = false;

  private constructor(url: string, links: readonly Link[]) {
    this.url = url;
    this.links = links;
  }

  /**
   * Offers what the connection has and applies the answer; rejects with SessionRefused, or with the browser's own error
   * where it does not take the answer.
   */
  static async open(endpoint: string, connection: RTCPeerConnection, signal: AbortSignal): Promise<SdpSession> {
    await connection.setLocalDescription();
    const answer = await send(endpoint, 'POST', {
      headers: { 'content-type': 'application/sdp' },
      body: connection.localDescription!.sdp,
      signal: AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)]),
    });
    if (answer.status !== 201) {
      const wait = Number(answer.headers.get('retry-after') ?? NaN);
      throw new SessionRefused(await refusalOf(answer), Number.isFinite(wait) ? wait : undefined);
    }
    const base = new URL(endpoint, location.href);
    const session = new SdpSession(
      new URL(answer.headers.get('location') ?? '', base).href,
      parseLinks(answer.headers.get('link') ?? '', base),
    );
    try {
      await connection.setRemoteDescription({ type: 'answer', sdp: await answer.text() });
    } catch (error) {
      session.end();
      throw error;
    }
    return session;
  }

  /** STUN and TURN servers that the answer named (RFC 9725 4.5). */
  get iceServers(): RTCIceServer[] {
    return this.links
      .filter(({ parameters }) => parameters.rel === 'ice-server')
      .map(({ target, parameters: { username, credential } }) => ({
        urls: target,
        ...(username === undefined ? {} : { username }),
        ...(credential === undefined ? {} : { credential }),
      }));
  }

  /** The address of a protocol extension whose name ends like this. */
  extension(name: string): Link | undefined {
    return this.links.find(({ parameters }) => parameters.rel?.endsWith(`:${name}`));
  }

  /** Asks something of the session; `target` is an address of it. Rejects with SessionRefused. */
  async post(target: string, value: unknown): Promise<Response> {
    const headers = { 'content-type': 'application/json' };
    const answer = await send(target, 'POST', { headers, body: JSON.stringify(value) });
    if (!answer.ok) throw new SessionRefused(await refusalOf(answer));
    return answer;
  }

  /** False where the server says that there is no such session; undefined where it does not answer. */
  async isAlive(): Promise<boolean | undefined> {
    try {
      const { status } = await send(this.url, 'HEAD', { signal: AbortSignal.timeout(2000) });
      return status !== 404;
    } catch {
      return undefined;
    }
  }

  /** As `isAlive`, for WHIP, whose sessions only PATCH asks about: an ICE fragment that brings nothing new (RFC 9725 4.3). */
  async isAliveByPatch(connection: RTCPeerConnection): Promise<boolean | undefined> {
    const lines = connection.localDescription?.sdp.match(/^(a=ice-(?:ufrag|pwd):.*|m=.*|a=mid:.*)$/gm) ?? [];
    // The session's part and its first m-line are enough.
    const ice = ['a=ice-ufrag', 'a=ice-pwd', 'm=', 'a=mid'].flatMap(
      (start) => lines.find((line) => line.startsWith(start)) ?? [],
    );
    try {
      const headers = { 'content-type': 'application/trickle-ice-sdpfrag' };
      const body = `${ice.map((line) => line.trim()).join('\r\n')}\r\n`;
      const { status } = await send(this.url, 'PATCH', { headers, body, signal: AbortSignal.timeout(2000) });
      return status !== 404;
    } catch {
      return undefined;
    }
  }

  /** Ends it, also while the page is being left. Safe to repeat. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    void send(this.url, 'DELETE', { keepalive: true }).catch(() => {});
  }
}

/** Fetches with the page's token as a bearer; rejects with a SessionRefused of status 0 where nobody answers. */
export async function send(url: string, method: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  if (token !== null) headers.set('authorization', `Bearer ${token}`);
  try {
    return await fetch(withSession(String(url)), { ...init, method, headers, cache: 'no-store' });
  } catch (error) {
    throw new SessionRefused({ status: 0, message: error instanceof Error ? error.message : String(error) });
  }
}

/** `Link` headers (RFC 8288), several in one. */
export function parseLinks(header: string, base: URL): Link[] {
  return [...header.matchAll(/<([^>]*)>((?:\s*;\s*[\w-]+\s*=\s*(?:"(?:[^"\\]|\\.)*"|[^\s;,"]+))*)/g)].map((match) => {
    const parameters: Record<string, string> = {};
    for (const [, name, quoted, plain] of match[2]!.matchAll(/;\s*([\w-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;,"]+))/g))
      parameters[name!.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain!;
    // `turn:host` is no address relative to anything.
    const target = parameters.rel === 'ice-server' ? match[1]! : new URL(match[1]!, base).href;
    return { target, parameters };
  });
}
