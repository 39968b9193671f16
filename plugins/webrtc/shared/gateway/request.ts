/** Reading requests of WHIP and WHEP: media types, bodies, and whether a request belongs to a session's client. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { HttpRequest } from 'eddy/plugin';
import type { GatewayCode, Refusals } from './refusal.ts';

/** Offers of browsers have some 10 KiB; each codec and layer adds to it. */
export const SDP_LIMIT = 64 * 1024;
export const FRAGMENT_LIMIT = 16 * 1024;
const JSON_LIMIT = 4 * 1024;

/** An SDP offer. Rejects with CONTENT_TYPE_WRONG, SDP_INVALID or HTTP_BODY_TOO_LARGE. */
export const readSdp = (request: HttpRequest, refusals: Refusals): Promise<string> =>
  readText(request, refusals, 'application/sdp', SDP_LIMIT, 'SDP_INVALID');

/** An ICE fragment. */
export const readFragment = (request: HttpRequest, refusals: Refusals): Promise<string> =>
  readText(request, refusals, 'application/trickle-ice-sdpfrag', FRAGMENT_LIMIT, 'FRAGMENT_INVALID');

/** A JSON body; undefined where there is none. Rejects with CONTENT_TYPE_WRONG or HTTP_BAD_REQUEST by `invalid`. */
export async function readJson(request: HttpRequest, refusals: Refusals, invalid: () => Error): Promise<unknown> {
  const body = await request.body(JSON_LIMIT);
  if (body.length === 0) return undefined;
  assertType(request, refusals, 'application/json');
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    throw invalid();
  }
}

function assertType(request: HttpRequest, refusals: Refusals, wanted: string): void {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === wanted) return;
  throw refusals.of('CONTENT_TYPE_WRONG', `This address takes ${wanted}, not ${(type || 'nothing').slice(0, 80)}.`);
}

async function readText(
  request: HttpRequest,
  refusals: Refusals,
  type: string,
  limit: number,
  invalid: GatewayCode,
): Promise<string> {
  assertType(request, refusals, type);
  const body = await request.body(limit);
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw refusals.of(invalid, 'The body is not UTF-8 text.');
  }
}

/** The token of an `Authorization: Bearer` header (RFC 6750 2.1). */
export function bearerOf({ headers }: Pick<HttpRequest, 'headers'>): string | undefined {
  return /^Bearer +(\S+)\s*$/i.exec(headers.authorization ?? '')?.[1];
}

/**
 * Who may touch a session: its URL is secret, and where it was begun with a bearer token, that token must come again
 * (RFC 9725 4.6). The token itself is not kept.
 */
export class SessionKey {
  readonly #hash: Buffer | undefined;

  constructor(request: HttpRequest) {
    const token = bearerOf(request);
    this.#hash = token === undefined ? undefined : hash(token);
  }

  /** Throws TOKEN_MISSING where the request does not bring what the session was begun with. */
  check(request: HttpRequest, refusals: Refusals): void {
    if (this.#hash === undefined) return;
    const token = bearerOf(request);
    if (token !== undefined && timingSafeEqual(hash(token), this.#hash)) return;
    // As a refusal of the HTTP server's own making, so that the answer says which scheme is asked for.
    throw refusals.of('TOKEN_MISSING', 'Send the bearer token with which this session was begun.');
  }
}

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();
