/** HttpServer: routes that mount and unmount at run time. */
import type { CameraId } from '../model/index.ts';
import type { Credentials, Peer } from './authorizer.ts';
import { contract } from './contract.ts';

/** The methods that routes may take. */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** A request as a route's handler sees it. */
export interface HttpRequest {
  readonly method: HttpMethod;
  /** The path without query, percent-decoded once. */
  readonly path: string;
  /** Parameters of the route's pattern. A parameter named `camera` was validated: the handler is only called with one. */
  readonly params: Readonly<Record<string, string>> & { readonly camera: CameraId };
  readonly query: URLSearchParams;
  /** Header names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** The peer's address without port. */
  readonly remoteAddress: string;
  /** Aborted when the client is gone before the answer was sent. */
  readonly signal: AbortSignal;
  /** Reads the body whole; rejects with HTTP_BODY_TOO_LARGE past `limit` bytes (default 64 KiB). */
  body(limit?: number): Promise<Uint8Array>;
}

/** What a handler answers. HEAD is answered from GET's headers, ETag and gzip by the server. */
export interface HttpResponse {
  /** Default 200. */
  readonly status?: number;
  /** Names in lower case. With an `etag`, If-None-Match is answered by the server. */
  readonly headers?: Readonly<Record<string, string>>;
  /**
   * An async iterable is streamed, respecting back-pressure; end it when `request.signal` aborts. Give the same
   * Uint8Array for the same content: its gzip form is kept with it.
   */
  readonly body?: string | Uint8Array | AsyncIterable<Uint8Array | string>;
}

/** A route. */
export interface HttpRoute {
  readonly method: HttpMethod | readonly HttpMethod[];
  /**
   * `/hls/:camera/index.m3u8`: `:name` matches one path segment, a last `*` the rest (parameter `rest`).
   * A literal segment wins over a parameter.
   */
  readonly path: string;
  readonly handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>;
  /** Compress text answers where the client takes it; default true for text types. Streams are never compressed. */
  readonly compress?: boolean;
  /**
   * Pages of other origins may call it, as the server's `cors` option allows. Default: true for routes that only take
   * GET and HEAD, else false. Administration says false even for GET: a page must not read a local engine.
   */
  readonly cors?: boolean;
}

/** The contract. */
export interface HttpServer {
  /**
   * Mounts a route at once; the returned function unmounts it, and may be called again. Throws HTTP_ROUTE_TAKEN for a
   * duplicate, HTTP_ROUTE_INVALID for a path that is none.
   *
   * What a handler throws is answered as JSON `{ code, message, mend }`: the status follows the code, or
   * `details.status` of the error where it is set (`details.retryAfter`: seconds). Anything but an EddyError is answered 500 and logged.
   */
  route(route: HttpRoute): () => void;
  /** Base URLs it answers on, for messages: `http://127.0.0.1:8080`. Known once started. */
  readonly urls: readonly string[];
}

/** The token. */
export const HttpServer = contract<HttpServer>('http-server', 1, 'Serves HTTP routes that plugins mount and unmount.', [
  'route',
]);

/** What a request brings to prove who sends it: a bearer token, `?token=`, or Basic authentication. */
export function credentialsOf(request: Pick<HttpRequest, 'headers' | 'query'>): Credentials {
  const [scheme, value = ''] = (request.headers.authorization ?? '').split(/\s+/, 2);
  if (/^bearer$/i.test(scheme ?? '') && value !== '') return { token: value };
  if (/^basic$/i.test(scheme ?? '') && value !== '') {
    const [user = '', ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
    return { user, password: password.join(':') };
  }
  const token = request.query.get('token');
  return token === null || token === '' ? {} : { token };
}

/** Where a request comes from, for the engine. `protocol` as in {@link Peer}. */
export function peerOf(request: Pick<HttpRequest, 'headers' | 'remoteAddress'>, protocol: string): Peer {
  const { 'user-agent': userAgent, origin } = request.headers;
  return {
    address: request.remoteAddress,
    protocol,
    ...(userAgent === undefined ? {} : { userAgent }),
    ...(origin === undefined ? {} : { origin }),
  };
}
