/** WHEP over HTTP: the conformance list, its extensions and ours, with the real routers, engine and HTTP server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAuthorizer } from '../../core/testing/index.ts';
import { atLevel } from '../level.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { fixture, fixtures } from '../unit/webrtc/sdp-fixtures.ts';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const OFFER = fixture('chromium-156-whep');
const trickle = 'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host\r\n';
const restart = 'a=ice-ufrag:newufrag\r\na=ice-pwd:newpasswordnewpassword\r\n';

/** Anyone publishes; `token` `secret` watches all, everybody what is called `open...`. */
const authorizer = new FakeAuthorizer({
  decide: ({ action, credentials: { token }, cameraId }) => {
    if (action === 'publish' || cameraId?.startsWith('open')) return { allowed: true, subject: 'anonymous' };
    if (token === 'secret') return { allowed: true, subject: 'alice' };
    return { allowed: false, reason: token === undefined ? 'unauthenticated' : 'forbidden', message: 'no' };
  },
});

let eddy: WebrtcPipeline;
beforeAll(async () => {
  eddy = await webrtcPipeline({ authorizer, cameras: { linger: 300 }, whip: { posts: '1000 in 1s' } });
  for (const [id, offer] of [
    ['open', 'chromium-156-whip'],
    ['openav1', 'chromium-156-whip-av1'],
    ['openlayers', 'chromium-156-whip-simulcast'],
    ['closed', 'chromium-156-whip'],
  ] as const) {
    expect((await send('POST', `/whip/${id}`, fixture(offer), { 'content-type': SDP })).status).toBe(201);
  }
});
afterAll(() => eddy.close());

const send = (method: string, path: string, body?: string, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(new URL(path, eddy.url), { method, headers, ...(body === undefined ? {} : { body }) });
const watch = (camera: string, offer = OFFER, headers: Record<string, string> = {}): Promise<Response> =>
  send('POST', `/whep/${camera}`, offer, { 'content-type': SDP, ...headers });
const patch = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  send('PATCH', path, body, { 'content-type': FRAGMENT, ...headers });
const post = (path: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> =>
  send('POST', path, JSON.stringify(body), { 'content-type': 'application/json', ...headers });
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;
const sessions = () => eddy.pipeline.engine.container.get('sessions').list();
/** A new session: its address and ETag. */
async function session(camera = 'open', headers: Record<string, string> = {}) {
  const response = await watch(camera, OFFER, headers);
  expect(response.status).toBe(201);
  return { path: response.headers.get('location')!, etag: response.headers.get('etag')! };
}

/** Reads an event stream until this text has come. */
async function eventsUntil(path: string, wanted: string): Promise<string> {
  const response = await fetch(new URL(path, eddy.url), { signal: AbortSignal.timeout(3000) });
  expect(response.headers.get('content-type')).toBe('text/event-stream');
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  while (!text.includes(wanted)) {
    const { value, done } = await reader.read();
    if (done) throw new Error(`the stream ended after ${text}`);
    text += value;
  }
  await reader.cancel();
  return text;
}

describe('POST', () => {
  it('answers an offer: 201, Location, ETag, Link, an SDP answer that only sends', async () => {
    const response = await watch('open');
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe(SDP);
    const location = response.headers.get('location')!;
    expect(location).toMatch(/^\/whep\/open\/[\w-]{24}$/);
    expect(response.headers.get('etag')).toMatch(/^"[\w-]+"$/);
    const link = response.headers.get('link')!;
    expect(link).toContain(`<${location}/layer>; rel="urn:ietf:params:whep:ext:core:layer"`);
    expect(link).toMatch(/rel="urn:ietf:params:whep:ext:core:server-sent-events"; events="active,inactive,layers,/);
    const answer = await response.text();
    expect(answer).toMatch(/a=sendonly/);
    expect(answer).not.toMatch(/a=recv|a=ssrc/);
    // The codec that flows comes first, in the client's own number.
    expect(/m=video 9 \S+ (\d+)/.exec(answer)![1]).toBe(/a=rtpmap:(\d+) H264/.exec(answer)![1]);
    expect((await send('DELETE', location)).status).toBe(200);
  });

  it.each(fixtures('whep'))('takes the offer of %s', async (name) => {
    // A Firefox that has not downloaded its H.264 yet plays what else it has.
    const response = await watch(fixture(name).includes('H264') ? 'open' : 'openav1', fixture(name));
    expect(response.status).toBe(201);
    await send('DELETE', response.headers.get('location')!);
  });

  it.each([
    [415, 'CONTENT_TYPE_WRONG', OFFER, { 'content-type': 'text/plain' }],
    [400, 'SDP_INVALID', 'hello', {}],
    [422, 'OFFER_UNFIT', fixture('chromium-156-whip'), {}],
  ] as const)('%i %s', async (status, code, offer, headers) => {
    const before = sessions().length;
    const response = await watch('open', offer, headers);
    expect([response.status, await codeOf(response)]).toEqual([status, `webrtc.whep/${code}`]);
    expect(sessions()).toHaveLength(before);
  });

  it('409 where the camera’s codec was not offered, with the reason', async () => {
    const response = await watch('openav1', fixture('libdatachannel-0.24-whep'));
    expect(response.status).toBe(409);
    expect(await response.json()).toMatchObject({
      code: 'webrtc.whep/CODEC_UNFIT',
      message: expect.stringMatching(/AV1/i),
    });
  });

  it('409 with Retry-After without a publisher; HEAD tells the same', async () => {
    for (const method of ['POST', 'HEAD']) {
      const response = method === 'POST' ? await watch('opennobody') : await send('HEAD', '/whep/opennobody');
      expect(response.status).toBe(409);
      expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
    }
    expect((await send('HEAD', '/whep/open')).status).toBe(200);
    expect((await send('HEAD', '/whep/closed')).status).toBe(401);
  });

  it('waits for a publisher, where it is told to', async () => {
    const patient = await webrtcPipeline({ whep: { wait: '5s' } });
    try {
      const ask = (path: string, body: string): Promise<Response> =>
        fetch(patient.url + path, { method: 'POST', headers: { 'content-type': SDP }, body });
      const waiting = ask('/whep/late', OFFER);
      await new Promise((resolve) => setTimeout(resolve, 300));
      expect((await ask('/whip/late', fixture('chromium-156-whip'))).status).toBe(201);
      expect((await waiting).status).toBe(201);
    } finally {
      await patient.close();
    }
  });

  it('401, 403 and the token on every verb', async () => {
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    expect((await watch('closed')).status).toBe(401);
    expect((await watch('closed', OFFER, bearer('wrong'))).status).toBe(403);
    const { path } = await session('closed', bearer('secret'));
    for (const [method, suffix] of [
      ['PATCH', ''],
      ['POST', '/layer'],
      ['POST', '/camera'],
      ['POST', '/sse'],
      ['DELETE', ''],
    ] as const) {
      const response = await send(method, path + suffix, method === 'DELETE' ? undefined : '{}', {
        'content-type': method === 'PATCH' ? FRAGMENT : 'application/json',
      });
      expect([method, suffix, response.status]).toEqual([method, suffix, 401]);
    }
    expect((await send('DELETE', path, undefined, bearer('secret'))).status).toBe(200);
  });
});

describe('a session', () => {
  it('is shown with its role, and ends by DELETE: 200, then 404', async () => {
    const { path } = await session();
    expect(sessions().at(-1)).toMatchObject({
      cameraId: 'open',
      stage: 'whep',
      protocol: 'whep',
      state: { role: 'viewer', video: 'H264' },
    });
    const before = sessions().length;
    expect((await send('HEAD', path)).headers.get('etag')).toMatch(/^"/);
    expect((await send('DELETE', path)).status).toBe(200);
    expect(sessions()).toHaveLength(before - 1);
    for (const method of ['DELETE', 'HEAD']) expect((await send(method, path)).status).toBe(404);
    expect((await send('DELETE', path.replace('/open/', '/openav1/'))).status).toBe(404);
  });

  it('ends by revocation: its address is gone at once', async () => {
    const { path } = await session();
    const { id } = sessions().at(-1)!;
    const registry = eddy.pipeline.engine.container.get('sessions');
    const { EddyError } = await import('../../core/errors/index.ts');
    registry.endWhere((each) => each.id === id, new EddyError('WATCH_REFUSED', 'revoked'));
    expect((await send('HEAD', path)).status).toBe(404);
  });

  it('trickles and restarts ICE', async () => {
    const { path, etag } = await session();
    expect((await patch(path, trickle, { 'if-match': etag })).status).toBe(204);
    expect((await patch(path, trickle, { 'if-match': '"stale"' })).status).toBe(412);
    expect((await patch(path, 'hello')).status).toBe(400);
    expect((await patch(path, trickle, { 'content-type': SDP })).status).toBe(415);
    const restarted = await patch(path, restart, { 'if-match': '*' });
    expect(restarted.status).toBe(200);
    expect(restarted.headers.get('etag')).not.toBe(etag);
    expect(await restarted.text()).toMatch(/a=ice-pwd:\S{22,}/);
  });

  it('changes camera where it may and can', async () => {
    const { path } = await session();
    expect((await post(`${path}/camera`, { cameraId: 'openav1' })).status).toBe(200);
    expect(sessions().at(-1)).toMatchObject({ cameraId: 'openav1', state: { video: 'AV1' } });
    for (const [cameraId, status] of [
      ['closed', 401],
      ['opennobody', 409],
      ['../etc', 400],
      [undefined, 400],
    ] as const) {
      const before = sessions().length;
      expect([cameraId, (await post(`${path}/camera`, { cameraId })).status]).toEqual([cameraId, status]);
      expect(sessions()).toHaveLength(before);
    }
    expect(sessions().at(-1)).toMatchObject({ cameraId: 'openav1' });
    // Its address stays where it began.
    expect((await send('DELETE', path)).status).toBe(200);
  });

  it('409 for a camera whose codec it lacks, and the old one stays', async () => {
    const response = await watch('open', fixture('libdatachannel-0.24-whep'));
    const path = response.headers.get('location')!;
    const refused = await post(`${path}/camera`, { cameraId: 'openav1' });
    expect([refused.status, await codeOf(refused)]).toEqual([409, 'webrtc.whep/CODEC_UNFIT']);
    expect(sessions().at(-1)).toMatchObject({ cameraId: 'open' });
    await send('DELETE', path);
  });

  it('chooses layers', async () => {
    const { path } = await session('openlayers');
    for (const body of [
      { rid: 'h' },
      { encodingId: 'q' },
      { mediaId: '0', spatialLayerId: 2, temporalLayerId: 0 },
      { maxSpatialLayerId: 7 },
      {},
    ]) {
      expect([body, (await post(`${path}/layer`, body)).status]).toEqual([body, 200]);
    }
    for (const body of [{ rid: 'x' }, { spatialLayerId: 3 }, { spatialLayerId: -1 }])
      expect([body, (await post(`${path}/layer`, body)).status]).toEqual([body, 409]);
    expect((await send('POST', `${path}/layer`, '[]', { 'content-type': 'application/json' })).status).toBe(400);
    expect((await send('POST', `${path}/layer`, 'x', { 'content-type': 'text/plain' })).status).toBe(415);
    await send('DELETE', path);
  });

  it('tells events in streams of chosen types', async () => {
    const { path } = await session('openlayers');
    const created = await post(`${path}/sse`, ['layers', 'viewercount', 'of-the-future']);
    expect(created.status).toBe(201);
    const stream = created.headers.get('location')!;
    expect(stream).toMatch(new RegExp(`^${path}/sse/[\\w-]+$`));
    const text = await eventsUntil(stream, 'event: layers');
    expect(text).toContain('event: viewercount\ndata: {"viewercount":1}\n\n');
    expect(text).not.toContain('event: active');
    expect(JSON.parse(/event: layers\ndata: (.*)/.exec(text)![1]!)).toEqual({
      0: ['q', 'h', 'f'].map((rid, spatialLayerId) => ({ rid, encodingId: rid, spatialLayerId })),
    });
    expect((await send('DELETE', stream)).status).toBe(200);
    expect((await send('GET', stream)).status).toBe(404);
    // Some players read the announced address itself.
    expect(await eventsUntil(`${path}/sse`, 'event: active')).toContain('data: {}');
    await send('DELETE', path);
    expect((await send('GET', `${path}/sse`)).status).toBe(404);
  });

  it('pauses, resumes, and takes what its player measured', async () => {
    const { path } = await session();
    expect((await post(`${path}/pause`, { kind: 'video' })).status).toBe(200);
    expect(sessions().at(-1)!.state).toMatchObject({ paused: ['video'] });
    expect((await post(`${path}/resume`, {})).status).toBe(200);
    expect(sessions().at(-1)!.state).toMatchObject({ paused: [] });
    expect((await post(`${path}/pause`, { kind: 'smell' })).status).toBe(400);
    expect((await post(`${path}/report`, { latency: 87.4, from: 'capture' })).status).toBe(200);
    expect(sessions().at(-1)!.state).toMatchObject({ latency: 87, latencyFrom: 'capture' });
    expect((await post(`${path}/report`, { latency: 'low' })).status).toBe(400);
    await send('DELETE', path);
  });

  it('stays while the publisher returns within linger, and ends when it does not', async () => {
    const publish = () => send('POST', '/whip/openback', fixture('chromium-156-whip'), { 'content-type': SDP });
    const first = (await publish()).headers.get('location')!;
    const { path } = await session('openback');
    const stream = eventsUntil(`${path}/sse`, 'event: inactive');
    await new Promise((resolve) => setTimeout(resolve, 50));
    await send('DELETE', first);
    await stream;
    const second = (await publish()).headers.get('location')!;
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await send('HEAD', path)).status).toBe(200);
    await send('DELETE', second);
    await expect.poll(async () => (await send('HEAD', path)).status, { timeout: 3000 }).toBe(404);
  });
});

it('cameras come through webrtc.sfu too, to the first viewer and to the next', async () => {
  const whole = await webrtcPipeline({ sfu: true });
  try {
    const ask = (path: string, body: string): Promise<Response> =>
      fetch(whole.url + path, { method: 'POST', headers: { 'content-type': SDP }, body });
    expect((await ask('/whip/cam1', fixture('chromium-156-whip'))).status).toBe(201);
    for (let i = 0; i < 2; i++) {
      const answer = await ask('/whep/cam1', OFFER);
      expect(answer.status).toBe(201);
      expect(await answer.text()).toMatch(/a=group:BUNDLE 0 1/);
    }
    const list = whole.pipeline.engine.container.get('sessions').list();
    expect(list.map(({ state }) => state.video)).toEqual(['H264', 'H264']);
  } finally {
    await whole.close();
  }
});

it('sessions opened and dropped leave nothing behind', async () => {
  const routers = async () => {
    const { RtpRouters } = await import('../../core/contracts/index.ts');
    const all = await eddy.pipeline.service(RtpRouters, 'rtc').describe();
    return all.map(({ transports, consumers, producers }) => ({ transports, consumers, producers }));
  };
  const before = { sessions: sessions().length, routers: await routers() };
  const rounds = atLevel({ test: 8, proof: 84 });
  for (let i = 0; i < rounds; i++) {
    const opened = await Promise.all(Array.from({ length: 12 }, () => session('open')));
    for (const { path } of opened) expect((await send('DELETE', path)).status).toBe(200);
  }
  expect({ sessions: sessions().length, routers: await routers() }).toEqual(before);
});
