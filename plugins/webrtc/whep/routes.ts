/** The routes of WHEP (draft-ietf-wish-whep-02), its extensions, and what players of ours ask beyond it. */
import {
  credentialsOf,
  EddyError,
  peerOf,
  type Context,
  type HttpMethod,
  type HttpRequest,
  type HttpResponse,
  type PeerRate,
} from 'eddy/plugin';
import { iceServerLinks, writeLinks } from '../shared/gateway/links.ts';
import { readJson, readSdp } from '../shared/gateway/request.ts';
import { EVENT_TYPES, type EventType } from './event-streams.ts';
import { isCameraName, type Asker, type Joining } from './joining.ts';
import { chooseLayer } from './layers.ts';
import type { manifest } from './plugin.ts';
import type { Viewer } from './viewer.ts';

/** What the routes need. */
export interface RoutesHost {
  readonly joining: Joining;
  readonly rate: PeerRate;
  readonly find: (id: string) => Viewer | undefined;
}

/** A request that is held is a connection that is held; proxies cut what takes much longer. ms. */
const LONGEST_WAIT = 10_000;

type Answer = HttpResponse | Promise<HttpResponse>;

/** Mounts them; the returned function unmounts them. */
export function mountRoutes(ctx: Context<typeof manifest>, { joining, rate, find }: RoutesHost): () => void {
  const { http, routers } = ctx.services;
  const { prefix } = ctx.config;
  const { refusals } = joining;

  const urlOf = (viewer: Viewer): string => `${prefix}/${viewer.home}/${viewer.id}`;
  const unknown = (): EddyError => refusals.of('SESSION_UNKNOWN', 'There is no such session, or it has ended.');
  const bad = (message: string) => () => new EddyError('HTTP_BAD_REQUEST', message);

  /** The session of this URL. An event stream is read by pages that cannot send a token: its own URL is the secret. */
  const viewerOf = (request: HttpRequest, byUrlAlone = false): Viewer => {
    const viewer = find(request.params.session ?? '');
    if (!viewer || viewer.home !== request.params.camera) throw unknown();
    if (!byUrlAlone) viewer.key.check(request, refusals);
    return viewer;
  };

  /** A JSON object; `{}` where the body is empty. */
  const objectOf = async (request: HttpRequest, expected: string): Promise<Readonly<Record<string, unknown>>> => {
    const body = (await readJson(request, refusals, bad(`Expected ${expected}.`))) ?? {};
    if (typeof body !== 'object' || body === null || Array.isArray(body)) throw bad(`Expected ${expected}.`)();
    return body as Readonly<Record<string, unknown>>;
  };

  async function post(request: HttpRequest): Promise<HttpResponse> {
    const wait = rate.take(request.remoteAddress);
    if (wait > 0)
      throw refusals.of('TOO_MANY', 'Too many sessions were begun from this address.', { retryAfter: wait });
    const sdp = await readSdp(request, refusals);
    const servers = await routers.iceServers();
    const viewer = await joining.join(request, sdp, { ...askerOf(request), wait: waitOf(request) });
    const url = urlOf(viewer);
    const link = writeLinks([
      ...iceServerLinks(servers),
      {
        target: `${url}/sse`,
        rel: 'urn:ietf:params:whep:ext:core:server-sent-events',
        parameters: { events: EVENT_TYPES.join(',') },
      },
      { target: `${url}/layer`, rel: 'urn:ietf:params:whep:ext:core:layer' },
      { target: `${url}/camera`, rel: 'urn:eddy:whep:camera' },
    ])!;
    return {
      status: 201,
      headers: {
        'content-type': 'application/sdp',
        location: url,
        etag: viewer.ice.etag,
        link,
        'accept-patch': 'application/trickle-ice-sdpfrag',
        'cache-control': 'no-store',
      },
      body: viewer.answer,
    };
  }

  async function switchCamera(request: HttpRequest): Promise<HttpResponse> {
    const viewer = viewerOf(request);
    const { cameraId } = await objectOf(request, '{"cameraId": "..."}');
    if (!isCameraName(cameraId)) throw bad('Expected {"cameraId": "..."} with the name of a camera.')();
    await joining.switch(viewer, cameraId, askerOf(request));
    if (viewer.ended) throw unknown();
    return json({ cameraId });
  }

  async function chooseLayers(request: HttpRequest): Promise<HttpResponse> {
    const viewer = viewerOf(request);
    const body = await objectOf(request, '{"rid": "...", "spatialLayerId": 0, "temporalLayerId": 0}');
    const handle = viewer.video?.handle;
    const choice = handle ? chooseLayer(body, handle) : { unknown: 'there is no video now' };
    if ('unknown' in choice) throw refusals.own('LAYER_UNKNOWN', 409, `This layer cannot be had: ${choice.unknown}.`);
    await viewer.prefer(choice.cap);
    return json({});
  }

  /** Back to automatic, as npm whip-whep asks for it; POST of `{}` says the same. */
  async function unchooseLayers(request: HttpRequest): Promise<HttpResponse> {
    await viewerOf(request).prefer(undefined);
    return json({});
  }

  const pause =
    (paused: boolean) =>
    async (request: HttpRequest): Promise<HttpResponse> => {
      const viewer = viewerOf(request);
      const { kind } = await objectOf(request, '{"kind": "audio" | "video"}, or nothing for both');
      if (kind !== undefined && kind !== 'audio' && kind !== 'video') throw bad('"kind" is "audio" or "video".')();
      await viewer.pause(paused, kind);
      return json({});
    };

  async function report(request: HttpRequest): Promise<HttpResponse> {
    const viewer = viewerOf(request);
    const { latency, from } = await objectOf(request, '{"latency": ms, "from": "capture" | "ingest"}');
    const valid = typeof latency === 'number' && latency >= 0 && latency < 60_000;
    if (!valid || (from !== 'capture' && from !== 'ingest'))
      throw bad('"latency" is ms, "from" "capture" or "ingest".')();
    return json({ from: viewer.reportLatency(latency, from) });
  }

  async function createStream(request: HttpRequest): Promise<HttpResponse> {
    const viewer = viewerOf(request);
    const wanted = await readJson(request, refusals, bad('Expected a JSON array of event names.'));
    if (wanted !== undefined && !Array.isArray(wanted)) throw bad('Expected a JSON array of event names.')();
    // Players may ask for events of drafts to come; what is not known is not told.
    const types = wanted === undefined ? undefined : EVENT_TYPES.filter((type) => (wanted as unknown[]).includes(type));
    return { status: 201, headers: { location: `${urlOf(viewer)}/sse/${newStream(viewer, types)}` } };
  }

  function newStream(viewer: Viewer, types: readonly EventType[] | undefined): string {
    const id = viewer.events.create(types);
    if (id === undefined) throw refusals.of('TOO_MANY', 'This session has too many event streams.');
    void viewer.tellLayers();
    return id;
  }

  function readStream(request: HttpRequest): HttpResponse {
    const viewer = viewerOf(request, true);
    const { stream } = request.params;
    // Some players read the announced address itself.
    const id = stream ?? newStream(viewer, undefined);
    const body = viewer.events.read(id, request.signal, stream === undefined);
    if (!body) throw refusals.of('SESSION_UNKNOWN', 'There is no such event stream, or it has ended.');
    return { headers: { 'content-type': 'text/event-stream', 'cache-control': 'no-store' }, body };
  }

  const cameraPath = `${prefix}/:camera`;
  const sessionPath = `${prefix}/:camera/:session`;
  const routes: readonly (readonly [HttpMethod, string, (request: HttpRequest) => Answer])[] = [
    ['POST', cameraPath, post],
    ['OPTIONS', cameraPath, () => ({ status: 200, headers: { 'accept-post': 'application/sdp' } })],
    [
      'HEAD',
      cameraPath,
      (request) => joining.probe(request.params.camera, askerOf(request)).then(() => ({ status: 200 })),
    ],
    ['PATCH', sessionPath, (request) => asyncly(() => viewerOf(request).ice.patch(request))],
    ['DELETE', sessionPath, (request) => (viewerOf(request).end('deleted'), { status: 200 })],
    ['OPTIONS', sessionPath, () => ({ status: 200, headers: { 'accept-patch': 'application/trickle-ice-sdpfrag' } })],
    ['HEAD', sessionPath, (request) => ({ status: 200, headers: { etag: viewerOf(request).ice.etag } })],
    ['POST', `${sessionPath}/camera`, switchCamera],
    ['POST', `${sessionPath}/layer`, chooseLayers],
    ['DELETE', `${sessionPath}/layer`, unchooseLayers],
    ['POST', `${sessionPath}/pause`, pause(true)],
    ['POST', `${sessionPath}/resume`, pause(false)],
    ['POST', `${sessionPath}/report`, report],
    ['POST', `${sessionPath}/sse`, createStream],
    ['GET', `${sessionPath}/sse`, readStream],
    ['GET', `${sessionPath}/sse/:stream`, readStream],
    [
      'DELETE',
      `${sessionPath}/sse/:stream`,
      (request) => {
        if (viewerOf(request).events.remove(request.params.stream ?? '')) return { status: 200 };
        throw refusals.of('SESSION_UNKNOWN', 'There is no such event stream, or it has ended.');
      },
    ],
  ];
  const unmount = routes.map(([method, path, handler]) =>
    http.route({ method, path, handler, cors: true, compress: false }),
  );
  return () => unmount.forEach((undo) => undo());
}

const askerOf = (request: HttpRequest): Asker => ({
  credentials: credentialsOf(request),
  peer: peerOf(request, 'whep'),
  signal: request.signal,
});

/** `?wait=` in seconds: players that lost their session stay on the line until its camera is back. */
function waitOf(request: HttpRequest): number | undefined {
  const asked = Number(request.query.get('wait') ?? NaN);
  return asked >= 0 ? Math.min(asked * 1000, LONGEST_WAIT) : undefined;
}

/** What is thrown becomes a rejection. */
const asyncly = async (answer: () => Promise<HttpResponse>): Promise<HttpResponse> => answer();

const json = (body: object): HttpResponse => ({
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  body: JSON.stringify(body),
});
