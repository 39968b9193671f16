/** Sessions, revocations and links over HTTP. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Context, SessionStatus } from '../../../core/plugin/index.ts';
import { create } from '../../../plugins/web/api/api.ts';
import plugin, { type manifest } from '../../../plugins/web/api/plugin.ts';
import { fakeContext, type FakeEngine } from '../http/fake-context.ts';
import { startServer, type Started } from '../http/start-server.ts';

let server: Started;
let engine: FakeEngine;
let running: ReturnType<typeof create>;
beforeEach(async () => {
  server = await startServer();
  const made = fakeContext<Context<typeof manifest>>(plugin, {}, { http: server.http });
  engine = made.engine;
  running = create(made.ctx);
  await running.start?.();
  engine.sessions = [
    session('1', 'ann', 'cam1', 'live'),
    session('2', 'ann', 'cam2', 'seek'),
    session('3', 'bob', 'cam1', 'live'),
  ];
});
afterEach(async () => {
  await running.stop?.();
  await engine.close();
  await server.stop();
});

const session = (id: string, userId: string, cameraId: string, mode: SessionStatus['mode']): SessionStatus => ({
  id: id as never,
  userId,
  cameraId: cameraId as never,
  mode,
  stage: 'hls',
  protocol: 'hls',
  peer: '192.0.2.1',
  since: 1,
  state: {},
});

async function ask(method: string, path: string, body?: unknown) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const answer = await fetch(`${server.url}/api/v1/${path}`, { method, ...(body === undefined ? {} : { body: text }) });
  return {
    status: answer.status,
    body: (await answer.json()) as Record<string, never> & { message: string; mend: string },
  };
}

describe('sessions', () => {
  it.each([
    ['', ['1', '2', '3']],
    ['?user=ann', ['1', '2']],
    ['?user=ann&user=bob&camera=cam1', ['1', '3']],
    ['?mode=seek', ['2']],
    ['?protocol=whep', []],
  ])('are listed by what is asked for: %s', async (query, ids) => {
    const { sessions } = (await ask('GET', `sessions${query}`)).body as unknown as { sessions: SessionStatus[] };
    expect(sessions.map(({ id }) => id)).toEqual(ids);
  });

  it('end by id, or all that match; never all by leaving something out', async () => {
    expect(await ask('DELETE', 'sessions/2')).toMatchObject({ status: 200, body: { ended: '2' } });
    expect(await ask('DELETE', 'sessions/2')).toMatchObject({ status: 404, body: { code: 'SESSION_UNKNOWN' } });
    expect(await ask('DELETE', 'sessions?camera=cam1&user=bob')).toMatchObject({ status: 200, body: { ended: ['3'] } });
    expect(await ask('DELETE', 'sessions?users=ann')).toMatchObject({
      status: 400,
      body: { message: expect.stringContaining('Say which: user, camera, mode, protocol, stage.') },
    });
    expect(engine.sessions.map(({ id }) => id)).toEqual(['1']);
  });
});

describe('revocations', () => {
  it('are made for a while, told, and taken back', async () => {
    expect(await ask('POST', 'revocations', { user: 'ann', for: '2h' })).toMatchObject({
      status: 201,
      body: { userId: 'ann', until: 1 + 7_200_000 },
    });
    expect(await ask('POST', 'revocations', { user: 'bob' })).toMatchObject({ body: { until: 1 + 86_400_000 } });
    expect((await ask('GET', 'revocations')).body.revocations).toHaveLength(2);
    expect(await ask('DELETE', 'revocations/ann')).toMatchObject({ status: 200, body: { restored: 'ann' } });
    expect(await ask('DELETE', 'revocations/ann')).toMatchObject({
      status: 404,
      body: { code: 'REVOCATION_UNKNOWN', mend: 'GET /api/v1/revocations lists those that hold.' },
    });
  });

  it.each([
    ['no', /Expected a JSON object with user, for/],
    [{}, /"user" is missing/],
    [{ user: 'a\nb' }, /"user" is missing/],
    [{ user: 'ann', fro: '1h' }, /"fro" is not known here; there are user, for/],
    [{ user: 'ann', for: 60 }, /"for": .*unit/],
    [{ user: 'ann', for: '0s' }, /"for":/],
  ])('of %j say what is wrong', async (body, message) => {
    expect(await ask('POST', 'revocations', body)).toMatchObject({
      status: 400,
      body: { code: 'HTTP_BAD_REQUEST', message: expect.stringMatching(message) },
    });
    expect(engine.revocations).toEqual([]);
  });
});

describe('links', () => {
  it('begin the path of a camera, until they expire', async () => {
    const before = Date.now();
    const { status, body } = await ask('POST', 'cameras/cam1/links', {
      user: 'guest',
      for: '1h',
      rewind: '30m',
      sessions: 2,
    });
    expect([status, body.prefix]).toEqual([201, '/~sealed-cam1']);
    expect(body.expiresAt).toBeGreaterThanOrEqual(before + 3_600_000);
  });

  it.each([
    [{ user: 'guest' }, /"for" is missing: how long the link is good/],
    [{ for: '1h' }, /"user" is missing/],
    [{ user: 'guest', for: '1h', actions: ['publish'] }, /"actions" is a list of watch, rewind, export/],
    [{ user: 'guest', for: '1h', actions: 'watch' }, /"actions" is a list/],
    [{ user: 'guest', for: '1h', sessions: 0 }, /"sessions" is a whole number/],
    [{ user: 'guest', for: '400d' }, /"for":/],
  ])('of %j say what is wrong', async (body, message) => {
    expect(await ask('POST', 'cameras/cam1/links', body)).toMatchObject({
      status: 400,
      body: { message: expect.stringMatching(message) },
    });
  });
});
