/** publish.hls or publish.dash on a clock by hand, with a switchboard for its routes instead of sockets. */
import type { HttpRequest, HttpResponse, HttpRoute } from 'eddy/plugin';
import { EddyError } from 'eddy/plugin';
import { create as createDash } from '../../../plugins/publish/dash/dash.ts';
import { create as createHls } from '../../../plugins/publish/hls/hls.ts';
import { VirtualClock } from '../../../core/testing/clock.ts';
import { fakeContext, fakeFlow } from './fake-context.ts';

export interface Answer {
  readonly status: number;
  readonly code: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  readonly bytes: Uint8Array;
  /** The body as the handler gave it: a stream is not read. */
  readonly raw?: HttpResponse['body'];
}

export interface Ask {
  readonly headers?: Record<string, string>;
  readonly address?: string;
  readonly signal?: AbortSignal;
}

interface StageOptions {
  readonly config?: object;
  readonly timeline?: object;
  /** Server time at the start, epoch ms. */
  readonly now?: number;
  readonly carry?: 'path' | 'cookie';
}

export const hlsStage = (options: StageOptions = {}) =>
  publisherStage(
    createHls,
    { prefix: '/hls', window: 30_000, 'part-hold-back': undefined, recording: 60_000, ...options.config },
    options,
  );

export const dashStage = (options: StageOptions = {}) =>
  publisherStage(
    createDash,
    { prefix: '/dash', window: 30_000, latency: 1800, recording: 60_000, ...options.config },
    options,
  );

async function publisherStage(create: typeof createHls | typeof createDash, config: object, options: StageOptions) {
  const clock = new VirtualClock(options.now === undefined ? {} : { now: options.now });
  const routes: HttpRoute[] = [];
  const http = {
    urls: [],
    route: (route: HttpRoute) => {
      routes.push(route);
      return () => void routes.splice(routes.indexOf(route), 1);
    },
  };
  const { timeline, carry = 'path' } = options;
  const fake = fakeContext({ config, clock, services: { http, timeline }, carry });
  const stage = create(fake.ctx);
  await stage.start?.();

  const ask = async (target: string, { headers = {}, address = '127.0.0.1', signal }: Ask = {}): Promise<Answer> => {
    // As http.server does: a session in the path is no part of the route.
    const [, session, rest = target] = /^\/~([^/]+)(\/.*)$/.exec(target) ?? [];
    const url = new URL(rest, 'http://test');
    const found = find(routes, url.pathname);
    if (!found) throw new Error(`no route for ${url.pathname}`);
    const request = {
      method: 'GET',
      path: url.pathname,
      params: found.params,
      query: url.searchParams,
      session,
      secure: false,
      headers: { 'user-agent': 'test', ...headers },
      remoteAddress: address,
      signal: signal ?? new AbortController().signal,
      body: () => Promise.resolve(new Uint8Array()),
    } as unknown as HttpRequest;
    try {
      return answerOf(await found.route.handler(request));
    } catch (error) {
      if (!(error instanceof EddyError)) throw error;
      const status = typeof error.details.status === 'number' ? error.details.status : 0;
      return { status, code: error.code, headers: {}, text: error.message, bytes: new Uint8Array() };
    }
  };
  return {
    ...fake,
    clock,
    routes,
    ask,
    open(cameraId = 'cam1') {
      const flow = fakeFlow(cameraId, ['objects'], { wanted: false });
      fake.states.set(cameraId, 'live');
      void stage.flow(flow.flow);
      return flow;
    },
  };
}

function answerOf(response: HttpResponse): Answer {
  const { body } = response;
  const bytes = body instanceof Uint8Array ? body : Buffer.from(typeof body === 'string' ? body : '');
  const text = Buffer.from(bytes).toString();
  return { status: response.status ?? 200, code: undefined, headers: response.headers ?? {}, text, bytes, raw: body };
}

function find(routes: readonly HttpRoute[], path: string) {
  const parts = path.split('/');
  let best: { route: HttpRoute; params: Record<string, string>; literals: number } | undefined;
  for (const route of routes) {
    const pattern = route.path.split('/');
    if (pattern.length !== parts.length) continue;
    const params: Record<string, string> = {};
    let literals = 0;
    const fits = pattern.every((one, index) => {
      if (one.startsWith(':')) params[one.slice(1)] = decodeURIComponent(parts[index]!);
      else literals += 1;
      return one.startsWith(':') || one === parts[index];
    });
    if (fits && (!best || literals > best.literals)) best = { route, params, literals };
  }
  return best;
}
