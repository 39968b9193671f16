/** An HttpServer without a socket: routes are called by the test. */
import {
  failureResponse,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type HttpRoute,
  type HttpServer,
} from '../../contracts/index.ts';
import { EddyError } from '../../errors/index.ts';
import { parseCameraId } from '../../model/index.ts';

/** What a test asks; the rest has defaults. */
export interface FakeRequest {
  readonly method?: HttpMethod;
  /** Names in any case. */
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly body?: string | Uint8Array;
  /** Default `127.0.0.1`. */
  readonly remoteAddress?: string;
  /** Aborts where the client goes away. */
  readonly signal?: AbortSignal;
}

/** What came back. */
export interface FakeResponse {
  readonly status: number;
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** The body as the handler gave it: a stream is not read. */
  readonly raw: HttpResponse['body'];
  /** Reads the body whole. */
  bytes(): Promise<Uint8Array>;
  text(): Promise<string>;
  json(): Promise<unknown>;
}

interface Match {
  readonly route: HttpRoute;
  readonly params: Record<string, string>;
  readonly rank: string;
}

/** See the file's head. Answers as `http.server` does, without compression, ETags and CORS. */
export class FakeHttpServer implements HttpServer {
  readonly urls: readonly string[];
  readonly #routes = new Set<HttpRoute>();

  constructor(urls: readonly string[] = ['http://127.0.0.1:8080']) {
    this.urls = urls;
  }

  /** Routes that are mounted: `GET /hls/:camera/index.m3u8`. */
  get mounted(): string[] {
    return [...this.#routes].flatMap((route) => methodsOf(route).map((method) => `${method} ${route.path}`)).sort();
  }

  route(route: HttpRoute): () => void {
    if (!/^\/([^?#\s]*)$/.test(route.path)) throw new EddyError('HTTP_ROUTE_INVALID', `"${route.path}" is no path`);
    const shape = shapeOf(route.path);
    for (const other of this.#routes) {
      const taken = methodsOf(route).find((method) => methodsOf(other).includes(method));
      if (taken && shapeOf(other.path) === shape)
        throw new EddyError('HTTP_ROUTE_TAKEN', `${taken} ${route.path} is served already, as ${other.path}`);
    }
    const mounted = { ...route };
    this.#routes.add(mounted);
    return () => void this.#routes.delete(mounted);
  }

  /** Asks for a path with its query. Rejects for no reason: what a handler throws is answered, as over a socket. */
  async request(target: string, options: FakeRequest = {}): Promise<FakeResponse> {
    const method = options.method ?? 'GET';
    try {
      return answer(await this.#handle(method, target, options), method);
    } catch (error) {
      return answer(failureResponse(error), method);
    }
  }

  async #handle(method: HttpMethod, target: string, options: FakeRequest): Promise<HttpResponse> {
    const [rawPath = '/', query = ''] = target.split(/\?(.*)/s, 2);
    const segments = segmentsOf(rawPath);
    const matches = [...this.#routes].flatMap((route) => match(route, segments) ?? []);
    matches.sort((a, b) => (a.rank < b.rank ? -1 : 1));
    const best = matches.filter((candidate) => candidate.rank === matches[0]?.rank);
    if (best.length === 0) throw new EddyError('HTTP_NOT_FOUND', 'There is nothing at this address.');
    const methods = best.flatMap(({ route }) => methodsOf(route));
    const served = methods.includes(method) ? method : method === 'HEAD' ? 'GET' : method;
    const found = best.find(({ route }) => methodsOf(route).includes(served));
    if (!found) {
      const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
      const refused = failureResponse(new EddyError('HTTP_METHOD_NOT_ALLOWED', `This address takes ${allow}.`));
      return { ...refused, headers: { ...refused.headers, allow } };
    }
    if (found.params.camera !== undefined && !parseCameraId(found.params.camera))
      throw new EddyError('CAMERA_ID_INVALID', 'That is not a camera name.');
    const bytes = typeof options.body === 'string' ? new TextEncoder().encode(options.body) : options.body;
    const request: HttpRequest = {
      method,
      path: `/${segments.join('/')}`,
      params: found.params as never,
      query: new URLSearchParams(query),
      headers: lowerCase(options.headers ?? {}),
      secure: false,
      remoteAddress: options.remoteAddress ?? '127.0.0.1',
      signal: options.signal ?? new AbortController().signal,
      body: async (limit = 65_536) => {
        if ((bytes?.length ?? 0) > limit)
          throw new EddyError('HTTP_BODY_TOO_LARGE', `the body is larger than ${limit} bytes`);
        return bytes ?? new Uint8Array(0);
      },
    };
    return found.route.handler(request);
  }
}

const methodsOf = (route: HttpRoute): readonly HttpMethod[] =>
  typeof route.method === 'string' ? [route.method] : route.method;
const shapeOf = (path: string): string => path.replace(/:[^/]+/g, ':');

/** Decoded once; what could be read in two ways is refused. */
function segmentsOf(path: string): string[] {
  const bad = (): never => {
    throw new EddyError('HTTP_BAD_PATH', 'This address cannot be read in one way only.', { details: { status: 400 } });
  };
  return path
    .slice(1)
    .split('/')
    .map((segment) => {
      let decoded = '';
      try {
        decoded = decodeURIComponent(segment);
      } catch {
        bad();
      }

      return decoded === '.' || decoded === '..' || /[/\\%\u0000-\u001f]/.test(decoded) ? bad() : decoded;
    });
}

function match(route: HttpRoute, segments: readonly string[]): Match | undefined {
  const pattern = route.path.slice(1).split('/');
  const params: Record<string, string> = {};
  let rank = '';
  for (const [i, part] of pattern.entries()) {
    if (part === '*' && i === pattern.length - 1) {
      params.rest = segments.slice(i).join('/');
      return { route, params, rank: `${rank}2` };
    }
    const segment = segments[i];
    if (segment === undefined || segment === '') {
      if (part !== segment) return undefined;
    } else if (part.startsWith(':')) params[part.slice(1)] = segment;
    else if (part !== segment) return undefined;
    // A literal wins over a parameter, both over the rest.
    rank += part.startsWith(':') ? '1' : '0';
  }
  return segments.length === pattern.length ? { route, params, rank } : undefined;
}

function answer(response: HttpResponse, method: HttpMethod): FakeResponse {
  const { status = 200, body } = response;
  const whole =
    body === undefined || typeof body === 'string' || body instanceof Uint8Array ? bytesOf(body) : undefined;
  const headers: Record<string, string> = {
    ...(whole && { 'content-length': String(whole.length) }),
    ...lowerCase(response.headers ?? {}),
  };
  const raw = method === 'HEAD' ? undefined : body;
  const bytes = async (): Promise<Uint8Array> => {
    if (raw === undefined) return new Uint8Array(0);
    if (whole) return whole;
    const chunks: Uint8Array[] = [];
    for await (const chunk of raw as AsyncIterable<Uint8Array | string>) chunks.push(bytesOf(chunk));
    return Buffer.concat(chunks);
  };
  const text = async (): Promise<string> => new TextDecoder().decode(await bytes());
  return { status, headers, raw, bytes, text, json: async () => JSON.parse(await text()) as unknown };
}

const bytesOf = (body: string | Uint8Array | undefined): Uint8Array =>
  typeof body === 'string' ? new TextEncoder().encode(body) : (body ?? new Uint8Array(0));

function lowerCase<T>(headers: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
