import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  EddyError,
  parseCameraId,
  type CameraStatus,
  type Context,
  type Credentials,
} from '../../../core/plugin/index.ts';
import { FakeTimeline } from '../../../core/testing/fakes/segments.ts';
import { create } from '../../../plugins/web/api/api.ts';
import plugin, { type manifest } from '../../../plugins/web/api/plugin.ts';
import { raw } from '../../contract/http-server.ts';
import { fakeContext, type FakeEngine } from '../http/fake-context.ts';
import { startServer, type Started } from '../http/start-server.ts';

const NO_DVR = {
  limit: 'no-dvr',
  kind: 'video',
  code: 'CAMERA_NO_DVR',
  stage: 'sfu',
  pad: 'video',
  track: 'video',
  to: 'cmaf.video',
  reason: 'the track is VP8 video',
  mend: 'publish H.264',
} as const;
const camera = (name: string): CameraStatus => ({
  cameraId: parseCameraId(name)!,
  state: 'live',
  since: 1000,
  publications: [{ id: 'p1' as never, stage: 'rtmp', active: true, peer: '203.0.113.9', since: 1000 }],
  tracks: [
    { stage: 'rtmp', pad: 'video', track: 'video', caps: { codec: 'h264', config: new Uint8Array(9) }, links: [] },
  ],
  findings: [],
  limits: [NO_DVR],
});

let server: Started;
let engine: FakeEngine;
let running: ReturnType<typeof create>;
async function start(
  written: Readonly<Record<string, unknown>> = {},
  services: Readonly<Record<string, unknown>> = {},
) {
  const made = fakeContext<Context<typeof manifest>>(plugin, written, { http: server.http, ...services });
  engine = made.engine;
  running = create(made.ctx);
  await running.start?.();
}
beforeEach(async () => {
  server = await startServer();
});
afterEach(async () => {
  await running.stop?.();
  await engine.close();
  await server.stop();
});
const get = async (path: string, headers: Record<string, string> = {}) => {
  const { status, headers: answered, body } = await raw(server.url, path, { headers });
  const isJson = String(answered['content-type']).startsWith('application/json');
  return { status, headers: answered, body: isJson ? JSON.parse(body.toString()) : body.toString() };
};

/** Lets in who brings this token, as an authorizer would. */
const needs = (token: string) => (credentials: Credentials) => {
  if (credentials.token === token) return;
  const reason = credentials.token === undefined ? 'unauthenticated' : 'forbidden';
  throw new EddyError('WATCH_REFUSED', 'not you', { details: { reason } });
};

describe('web.api', () => {
  it('tells health to anyone', async () => {
    await start();
    engine.admin = needs('boss');
    expect(await get('/livez')).toMatchObject({ status: 200, body: { status: 'live' } });
    expect(await get('/readyz')).toMatchObject({ status: 200, body: { status: 'ready', reasons: [] } });
    engine.ready = { ready: false, reasons: ['stage "dvr" is starting'] };
    engine.state = 'starting';
    expect(await get('/readyz')).toMatchObject({
      status: 503,
      body: { status: 'not ready', state: 'starting', reasons: ['stage "dvr" is starting'] },
    });
  });

  it('shows pipeline, sessions and metrics to who administers only', async () => {
    await start();
    engine.admin = needs('boss');
    for (const path of ['/api/v1/pipeline', '/api/v1/sessions', '/metrics']) {
      expect((await get(path)).status, path).toBe(401);
      expect((await get(`${path}?token=other`)).status, path).toBe(403);
      expect((await get(path, { authorization: 'Bearer boss' })).status, path).toBe(200);
    }
    expect((await get('/api/v1/pipeline?token=boss')).body).toMatchObject({
      name: 'fake',
      state: 'running',
      links: [],
    });
  });

  it('opens metrics to anyone where it is told to', async () => {
    await start({ metrics: 'public' });
    engine.admin = needs('boss');
    engine.metrics.counter('x_total', 'X.').add(3);
    const answer = await get('/metrics');
    expect(answer.headers['content-type']).toMatch(/^text\/plain; version=0\.0\.4/);
    expect(answer.body).toContain('eddy_x_total 3');
  });

  it('lists to viewers what they may watch, without who publishes it', async () => {
    await start();
    engine.cameras = [camera('acme.door1'), camera('zoo')];
    engine.admin = needs('boss');
    engine.viewer = (cameraId, credentials) => needs(cameraId === 'zoo' ? 'keeper' : 'acme')(credentials);
    expect((await get('/api/v1/cameras?token=boss')).body.cameras).toMatchObject([
      { cameraId: 'acme.door1', publications: [{ peer: '203.0.113.9' }], tracks: [{ caps: { config: '9 bytes' } }] },
      { cameraId: 'zoo' },
    ]);
    expect((await get('/api/v1/cameras/zoo?token=boss')).body.limits).toEqual([NO_DVR]);
    const keeper = await get('/api/v1/cameras?token=keeper');
    expect(keeper.body.cameras).toMatchObject([{ cameraId: 'zoo', publications: [{ peer: '' }] }]);
    expect((await get('/api/v1/cameras')).status).toBe(401);
    expect((await get('/api/v1/cameras?token=wrong')).status).toBe(403);
    expect((await get('/api/v1/cameras/zoo?token=keeper')).body).toMatchObject({ cameraId: 'zoo' });
    expect((await get('/api/v1/cameras/zoo?token=acme')).status).toBe(403);
    expect(await get('/api/v1/cameras/none?token=boss')).toMatchObject({
      status: 404,
      body: { code: 'CAMERA_UNKNOWN' },
    });
    expect(await get('/api/v1/cameras/-x?token=boss')).toMatchObject({
      status: 404,
      body: { code: 'CAMERA_ID_INVALID' },
    });
  });

  it('does not hide an authorizer that cannot tell', async () => {
    await start();
    engine.admin = () => {
      throw new EddyError('AUTH_UNAVAILABLE', 'down');
    };
    expect((await get('/api/v1/cameras')).status).toBe(503);
  });

  it('is closed to pages of other origins, and gone after stop', async () => {
    await start();
    const answer = await get('/api/v1/cameras', { origin: 'https://evil.example' });
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
    await running.stop?.();
    expect((await get('/livez')).status).toBe(404);
  });

  it('describes every route that it has', async () => {
    await start({}, { timeline: new FakeTimeline() });
    const { body } = await get('/api/v1/openapi.json');
    for (const path of Object.keys(body.paths)) {
      const { status } = await get(path.replace('{camera}', 'cam1'));
      expect([path, status === 200 || path.includes('{')]).toEqual([path, true]);
    }
    const refs = [...JSON.stringify(body).matchAll(/"\$ref":"#\/components\/schemas\/(\w+)"/g)].map(
      (match) => match[1]!,
    );
    expect(refs.filter((name) => !(name in body.components.schemas))).toEqual([]);
  });
});
