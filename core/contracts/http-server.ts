/** HttpServer: routes that mount and unmount at run time. */
import type { CameraId } from '../model/index.ts';
import { contract } from './contract.ts';

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
  /** Aborted when the client is gone. */
  readonly signal: AbortSignal;
  /** Reads the body whole; rejects with HTTP_BODY_TOO_LARGE past `limit` bytes (default 64 KiB). */
  body(limit?: number): Promise<Uint8Array>;
}

/** What a handler answers. HEAD is answered from GET's headers, ETag and gzip by the server. */
export interface HttpResponse {
  readonly status?: number;
  readonly headers?: Readonly<Record<string, string>>;
  /** An async iterable is streamed with chunked transfer, respecting back-pressure. */
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
  /** Compress text answers where the client takes it; default true for text types. */
  readonly compress?: boolean;
}

/** The contract. */
export interface HttpServer {
  /** Mounts a route at once; the returned function unmounts it. Throws HTTP_ROUTE_TAKEN for a duplicate. */
  route(route: HttpRoute): () => void;
  /** Base URLs it answers on, for messages: `http://127.0.0.1:8080`. Known once started. */
  readonly urls: readonly string[];
}

/** The token. */
export const HttpServer = contract<HttpServer>('http-server', 1, 'Serves HTTP routes that plugins mount and unmount.');
