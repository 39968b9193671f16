/** Cross-origin rules (Fetch standard, CORS protocol): which pages of other origins may read answers. */
import type { HttpMethod } from 'eddy/plugin';

/** Headers of an answer or a preflight. */
export type Headers = Record<string, string>;

/** @eyevinn/whip-web-client sends the ETag that it was given as a header of that name. */
const ALLOW_HEADERS = 'authorization, content-type, if-match, if-none-match, etag, range';
/** WHIP and WHEP clients need Location, ETag, Link and what an endpoint takes; players the rest. */
const EXPOSE_HEADERS =
  'location, etag, link, accept-post, accept-patch, access-control-allow-methods, retry-after, date, content-length';

/** The rules of one server. */
export class CorsPolicy {
  readonly #anyone: boolean;
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#anyone = origins.includes('*');
    this.#origins = new Set(origins);
  }

  /** Adds the headers of an answer to a page of `origin` (undefined: no page, or of our own origin). */
  addTo(headers: Headers, origin: string | undefined): void {
    if (this.#anyone) {
      // On every answer, so that a cache may give it to anyone.
      headers['access-control-allow-origin'] = '*';
      headers['cross-origin-resource-policy'] = 'cross-origin';
    } else if (this.#origins.size > 0) {
      // <video src> and <img src> ask without an origin, so that a list cannot be told by it.
      headers['cross-origin-resource-policy'] = 'cross-origin';
      headers.vary = headers.vary === undefined ? 'origin' : `${headers.vary}, origin`;
      if (origin === undefined || !this.#origins.has(origin)) return;
      headers['access-control-allow-origin'] = origin;
    } else {
      return;
    }
    if (origin !== undefined) headers['access-control-expose-headers'] = EXPOSE_HEADERS;
  }

  /** Adds what a preflight asks for. */
  addPreflight(headers: Headers, methods: readonly HttpMethod[]): void {
    headers['access-control-allow-methods'] = methods.join(', ');
    headers['access-control-allow-headers'] = ALLOW_HEADERS;
    headers['access-control-max-age'] = '86400';
  }
}
