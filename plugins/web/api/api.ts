/** web.api at work. */
import {
  administer,
  credentialsOf,
  EddyError,
  latencyMeter,
  peerOf,
  type CameraStatus,
  type Context,
  type HttpRequest,
  type HttpResponse,
  type Running,
} from 'eddy/plugin';
import { json } from '../shared/json.ts';
import { openapi } from './openapi.ts';
import { pastRoutes } from './past.ts';
import type { manifest } from './plugin.ts';
import { sessionRoutes } from './sessions.ts';

type Ctx = Context<typeof manifest>;

/** Makes the routes; they are mounted from start to stop, so that health is told while the pipeline starts. */
export function create(ctx: Ctx): Running<typeof manifest> {
  const unmounts: (() => void)[] = [];
  const latency = latencyMeter(ctx.metrics);
  /** None may be read by pages of other origins: an engine without an authorizer trusts who reaches its port. */
  const get = (path: string, handler: (request: HttpRequest) => HttpResponse | Promise<HttpResponse>): void => {
    unmounts.push(ctx.services.http.route({ method: 'GET', path, handler, cors: false }));
  };
  return {
    start() {
      get('/livez', () => json({ status: 'live' }));
      get('/readyz', () => readiness(ctx));
      get('/metrics', (request) => metrics(ctx, request));
      get('/api/v1/pipeline', async (request) => {
        await administer(ctx, request);
        return json({ name: ctx.pipeline.name, state: ctx.pipeline.state(), ...ctx.pipeline.snapshot() });
      });
      get('/api/v1/cameras', (request) => listCameras(ctx, request));
      get('/api/v1/cameras/:camera', (request) => showCamera(ctx, request));
      for (const route of [...sessionRoutes(ctx), ...pastRoutes(ctx)]) unmounts.push(ctx.services.http.route(route));
      unmounts.push(
        ctx.services.http.route({
          method: 'POST',
          path: '/api/v1/cameras/:camera/latency',
          cors: false,
          handler: (request) => takeLatency(ctx, latency, request),
        }),
      );
      get('/api/v1/time', () => json({ now: ctx.clock.now() }));
      get('/api/v1/routes', async (request) => {
        await administer(ctx, request);
        return json({ routes: ctx.services.http.routes?.() ?? [] });
      });
      get('/api/v1/openapi.json', () => json(openapi));
    },
    stop() {
      for (const unmount of unmounts.splice(0)) unmount();
    },
  };
}

function readiness(ctx: Ctx): HttpResponse {
  const { ready, reasons } = ctx.pipeline.ready();
  return json({ status: ready ? 'ready' : 'not ready', state: ctx.pipeline.state(), reasons }, ready ? 200 : 503);
}

async function metrics(ctx: Ctx, request: HttpRequest): Promise<HttpResponse> {
  if (ctx.config.metrics === 'admin') await administer(ctx, request);
  const body = await ctx.pipeline.metrics();
  return { headers: { 'content-type': 'text/plain; version=0.0.4; charset=utf-8', 'cache-control': 'no-store' }, body };
}

/** Players that fetch playlists have no session to report to. Their clock is the playlist's: ingest time. */
const PATHS: ReadonlySet<unknown> = new Set(['hls', 'dash']);

async function takeLatency(
  ctx: Ctx,
  meter: ReturnType<typeof latencyMeter>,
  request: HttpRequest,
): Promise<HttpResponse> {
  const { camera } = request.params;
  await watch(ctx, request, { cameraId: camera });
  const said = Buffer.from(await request.body(256)).toString('utf8');
  const { latency, path } = parseObject(said);
  if (typeof latency !== 'number' || !(latency >= 0 && latency < 600_000) || !PATHS.has(path))
    throw new EddyError('HTTP_BAD_REQUEST', 'Expected {"latency": ms, "path": "hls" | "dash"}.');
  meter.observe(latency / 1000, { camera, path: path as string, from: 'ingest' });
  return json({ from: 'ingest' });
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Record<string, unknown>;
  } catch {
    return {};
  }
}

/** Who may administer sees every camera whole; a viewer sees those that they may watch, without who publishes them. */
async function listCameras(ctx: Ctx, request: HttpRequest): Promise<HttpResponse> {
  const cameras = ctx.cameras.list();
  const refusal = await refusalOf(administer(ctx, request, true));
  if (refusal === undefined) return json({ cameras });
  const watchable = await Promise.all(
    cameras.map(async (camera) => (await refusalOf(watch(ctx, request, camera, true))) === undefined),
  );
  const visible = cameras.filter((_camera, index) => watchable[index]);
  // With nothing to show, say what would help: credentials.
  if (visible.length === 0) throw refusal;
  return json({ cameras: visible.map(forViewers) });
}

async function showCamera(ctx: Ctx, request: HttpRequest): Promise<HttpResponse> {
  const cameraId = request.params.camera;
  const isAdmin = (await refusalOf(administer(ctx, request, true))) === undefined;
  if (!isAdmin) await watch(ctx, request, { cameraId });
  const camera = ctx.cameras.get(cameraId);
  if (camera === undefined) throw new EddyError('CAMERA_UNKNOWN', `No camera "${cameraId}" has published here.`);
  return json(isAdmin ? camera : forViewers(camera));
}

const watch = (
  ctx: Ctx,
  request: HttpRequest,
  { cameraId }: Pick<CameraStatus, 'cameraId'>,
  quiet = false,
): Promise<unknown> => {
  const [credentials, peer] = [credentialsOf(request), peerOf(request, 'api')];
  return ctx.sessions.check({ cameraId, action: 'watch', credentials, peer, quiet });
};

const forViewers = (camera: CameraStatus): CameraStatus => ({
  ...camera,
  publications: camera.publications.map((publication) => ({ ...publication, peer: '' })),
});

/** A refusal as a value; an authorizer that cannot tell stays an error. */
async function refusalOf(asked: Promise<unknown>): Promise<EddyError | undefined> {
  try {
    await asked;
    return undefined;
  } catch (error) {
    if (error instanceof EddyError && (error.code === 'WATCH_REFUSED' || error.code === 'CAMERA_UNKNOWN')) return error;
    throw error;
  }
}
