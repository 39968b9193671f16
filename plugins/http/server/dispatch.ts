/** From a request to its answer: target, route, camera, handler, errors. Knows no sockets. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import {
  EddyError,
  failureResponse,
  parseCameraId,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type Logger,
} from 'eddy/plugin';
import { refuseAmbiguous } from './ambiguity.ts';
import type { CorsPolicy, Headers } from './cors.ts';
import type { Guard } from './guard.ts';
import { IncomingRequest, type ClientRules } from './request.ts';
import { respond, type Exchange } from './respond.ts';
import type { Match, Mounted, RouteTable } from './routes.ts';
import { parseTarget, type Target } from './target.ts';

/** What may change while the server runs. */
export interface DispatchOptions extends ClientRules {
  cors: CorsPolicy;
  guard: Guard;
  /** Headers of every answer; a handler's own win. */
  security: Readonly<Headers>;
}

interface Handled extends Exchange {
  compress: boolean;
  /** The client's address: once it has gone, its socket tells none. */
  readonly address: string;
}

/** Answers by class, counted as plain numbers: a labelled meter costs more than the rest of the fast path. */
export interface Tally {
  requests: number;
  failed: number;
  /** Answered 429 by the guard. */
  limited: number;
}

/** Answers requests from a route table. */
export class Dispatcher {
  readonly tally: Tally = { requests: 0, failed: 0, limited: 0 };
  options: DispatchOptions;
  readonly #routes: RouteTable;
  readonly #log: Logger;

  constructor(routes: RouteTable, log: Logger, options: DispatchOptions) {
    this.#routes = routes;
    this.#log = log;
    this.options = options;
  }

  /** Answers one request; a `request` listener of Node's servers. */
  readonly handle = (message: IncomingMessage, response: ServerResponse): void => {
    this.tally.requests += 1;
    const headers: Headers = { ...this.options.security };
    const forwardedFor = message.headers['x-forwarded-for'] as string | undefined;
    const address = this.options.addressOf(message.socket.remoteAddress ?? '', forwardedFor);
    const exchange: Handled = { message, response, compress: true, address };
    try {
      const answer = this.#answer(exchange, headers);
      if (!(answer instanceof Promise)) {
        this.options.guard.answered(message, address, false);
        const sent = respond(exchange, answer, headers);
        if (sent !== undefined) sent.catch((error: unknown) => this.#fail(exchange, error, headers));
        return;
      }
      answer
        .then((ready) => {
          this.options.guard.answered(message, address, false);
          return respond(exchange, ready, headers);
        })
        .catch((error: unknown) => this.#fail(exchange, error, headers));
    } catch (error) {
      this.#fail(exchange, error, headers);
    }
  };

  #answer(exchange: Handled, headers: Headers) {
    const { message, response, address } = exchange;
    const method = message.method as HttpMethod;
    refuseAmbiguous(message, headers);
    const tooMany = this.options.guard.judge(message, address);
    if (tooMany !== undefined) this.tally.limited += 1;
    if (message.url === '*' && method === 'OPTIONS') return { status: 204, headers: { allow: 'GET, HEAD, OPTIONS' } };
    const target = parseTarget(message.url ?? '/');
    const match = this.#routes.match(target.segments);
    if (match === undefined) throw tooMany ?? new EddyError('HTTP_NOT_FOUND', 'There is nothing at this address.');
    const mounted = match.methods.get(method) ?? (method === 'HEAD' ? match.methods.get('GET') : undefined);
    if (mounted === undefined) return this.#withoutRoute(message, method, match, headers);

    if (mounted.cors) {
      this.options.cors.addTo(headers, message.headers.origin);
      if (method === 'OPTIONS') this.options.cors.addPreflight(headers, methodsOf(match));
    }
    // Not before: a page of another origin is to read that it shall wait.
    if (tooMany !== undefined) throw tooMany;
    exchange.compress = mounted.route.compress !== false;
    const params = paramsOf(mounted, match, target);
    const client = { address, isProxy: this.options.isProxy };
    const request: HttpRequest = new IncomingRequest(message, response, target, params, client);
    return mounted.route.handler(request);
  }

  /** OPTIONS and CORS preflights for paths whose routes do not answer them, and 405 for the rest. */
  #withoutRoute(message: IncomingMessage, method: HttpMethod, match: Match, headers: Headers): HttpResponse {
    const methods = methodsOf(match);
    headers.allow = methods.join(', ');
    if (method !== 'OPTIONS') {
      throw new EddyError('HTTP_METHOD_NOT_ALLOWED', `This address takes ${methods.join(', ')}, not ${method}.`);
    }
    const asked = message.headers['access-control-request-method'] as HttpMethod | undefined;
    if ((asked === undefined ? undefined : match.methods.get(asked))?.cors === true) {
      this.options.cors.addTo(headers, message.headers.origin);
      this.options.cors.addPreflight(headers, methods);
    }
    return { status: 204 };
  }

  #fail(exchange: Handled, error: unknown, headers: Headers): void {
    const { message, response, address } = exchange;
    const answer = failureResponse(error);
    if (answer.status === 401 || answer.status === 403) this.options.guard.answered(message, address, true);
    if ((answer.status ?? 500) >= 500 && !response.destroyed) {
      this.tally.failed += 1;
      const known = error instanceof EddyError && error.kind !== 'internal' && error.kind !== 'plugin';
      const fields = { method: message.method, url: message.url, err: error };
      if (known) this.#log.debug(fields, 'a request was refused');
      else this.#log.error(fields, 'a request failed');
    }
    if (response.headersSent || response.destroyed) {
      response.destroy();
      return;
    }
    // A body that is not read would come in as the next request; the end of the connection says so plainly.
    const unread = !message.complete && message.httpVersionMajor === 1;
    if (unread) headers.connection = 'close';
    delete headers.etag;
    void respond({ ...exchange, compress: false, unread }, answer, headers);
  }
}

function methodsOf(match: Match): HttpMethod[] {
  const methods = new Set<HttpMethod>(match.methods.keys());
  if (methods.has('GET')) methods.add('HEAD');
  methods.add('OPTIONS');
  return [...methods];
}

function paramsOf(mounted: Mounted, match: Match, target: Target): HttpRequest['params'] {
  const params: Record<string, string> = {};
  for (const [index, name] of mounted.names.entries()) {
    const value = match.values[index]!;
    if (name === 'camera' && parseCameraId(value) === undefined) {
      throw new EddyError('CAMERA_ID_INVALID', `"${printable(value)}" in ${printable(target.path)} is no camera name.`);
    }
    params[name] = value;
  }
  return params as HttpRequest['params'];
}

const printable = (text: string): string => (text.length > 80 ? `${text.slice(0, 80)}...` : text);
