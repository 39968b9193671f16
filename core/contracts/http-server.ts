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
  /**
   * The sealed session that the path carries before all else, `/~{session}/hls/...`, which neither `path` nor a route shows: so every
   * route can be asked with one.
   */
  readonly session?: string | undefined;
  /** Whether it came over TLS, to this server or to a proxy that it trusts. */
  readonly secure: boolean;
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

/** A route that is mounted. */
export interface MountedRoute {
  readonly method: HttpMethod;
  /** As in {@link HttpRoute}. */
  readonly path: string;
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
  /** What is mounted now, by path then method. */
  routes?(): readonly MountedRoute[];
  /** Base URLs it answers on, for messages: `http://127.0.0.1:8080`. Known once started. */
  readonly urls: readonly string[];
}

/** The token. */
export const HttpServer = contract<HttpServer>('http-server', 1, 'Serves HTTP routes that plugins mount and unmount.', [
  'route',
]);

/** The cookie that carries a viewer's sealed session of a camera, where the pipeline says `sessions: { carry: cookie }`. */
export const sessionCookie = (camera: CameraId): string => `eddy-session-${camera}`;

/** What of a request {@link credentialsOf} looks at. */
export type CredentialedRequest = Pick<HttpRequest, 'headers' | 'query'> &
  Partial<Pick<HttpRequest, 'session' | 'params'>>;

/**
 * What a request brings to prove who sends it: a session in its path, a bearer token (RFC 6750), Basic authentication, `?token=`, or a session
 * in a cookie. The first of these counts.
 */
export function credentialsOf(request: CredentialedRequest): Credentials {
  if (request.session !== undefined) return { session: request.session };
  const { authorization, cookie } = request.headers;
  const [scheme, value = ''] = (authorization ?? '').split(/\s+/, 2);
  if (/^bearer$/i.test(scheme ?? '') && value !== '') return { token: value };
  if (/^basic$/i.test(scheme ?? '') && value !== '') {
    const [user = '', ...password] = Buffer.from(value, 'base64').toString('utf8').split(':');
    return { user, password: password.join(':') };
  }
  const token = request.query.get('token');
  if (token !== null && token !== '') return { token };
  const session = cookie && request.params?.camera && cookieOf(cookie, sessionCookie(request.params.camera));
  return session ? { session } : {};
}

function cookieOf(header: string, name: string): string | undefined {
  for (const pair of header.split(';')) {
    const [key, value] = pair.trim().split('=', 2);
    if (key === name) return value;
  }
  return undefined;
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
