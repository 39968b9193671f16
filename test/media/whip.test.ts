/** WHIP over HTTP, as RFC 9725 asks: every row of the conformance list, with the real routers, engine and HTTP server. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FakeAuthorizer } from '../../core/testing/index.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { fixture, fixtures } from '../unit/webrtc/sdp-fixtures.ts';

const SDP = 'application/sdp';
const FRAGMENT = 'application/trickle-ice-sdpfrag';
const OFFER = fixture('chromium-156-whip');
const UFRAG = /a=ice-ufrag:(\S+)/.exec(OFFER)![1]!;
const CANDIDATE = 'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host';
const trickle = `a=ice-ufrag:${UFRAG}\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 RTP/AVP 0\r\na=mid:9\r\n${CANDIDATE}\r\n`;
const restart = `a=ice-ufrag:newufrag\r\na=ice-pwd:newpasswordnewpassword\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n`;

/** `secret` publishes anything, `other` too, as somebody else; without a token nobody does. Cameras `open...` are open. */
const authorizer = new FakeAuthorizer({
  decide: ({ credentials: { token }, cameraId }) => {
    if (cameraId?.startsWith('open') || token === 'secret') return { allowed: true, subject: 'alice' };
    if (token === 'other') return { allowed: true, subject: 'bob' };
    return { allowed: false, reason: token === undefined ? 'unauthenticated' : 'forbidden', message: 'no' };
  },
});

let eddy: WebrtcPipeline;
beforeAll(async () => {
  eddy = await webrtcPipeline({ authorizer, whip: { posts: '60 in 60s' } });
});
afterAll(() => eddy.close());

type Options = { body?: string | Uint8Array; headers?: Record<string, string> };
const ask = (method: string, path: string, { body, headers = {} }: Options = {}): Promise<Response> =>
  fetch(new URL(path, eddy.url), { method, headers, ...(body === undefined ? {} : { body: body as string }) });
const publish = (camera: string, body: string = OFFER, headers: Record<string, string> = {}): Promise<Response> =>
  ask('POST', `/whip/${camera}`, { body, headers: { 'content-type': SDP, ...headers } });
const patch = (path: string, body: string, headers: Record<string, string> = {}): Promise<Response> =>
  ask('PATCH', path, { body, headers: { 'content-type': FRAGMENT, ...headers } });
const codeOf = async (response: Response): Promise<string> => ((await response.json()) as { code: string }).code;

let count = 0;
/** A new session of a new camera: its address and ETag. */
async function session(headers: Record<string, string> = {}) {
  const camera = `open${++count}`;
  const response = await publish(camera, OFFER, headers);
  expect(response.status).toBe(201);
  return { camera, path: response.headers.get('location')!, etag: response.headers.get('etag')! };
}
const camera = (id: string) => eddy.pipeline.camera(id);

describe('POST', () => {
  it('answers an offer: 201, Location, ETag, an SDP answer that only receives', async () => {
    const response = await publish('openpost', OFFER, { origin: 'https://studio.example' });
    expect(response.status).toBe(201);
    expect(response.headers.get('content-type')).toBe(SDP);
    expect(response.headers.get('etag')).toMatch(/^"[\w-]+"$/);
    expect(response.headers.get('location')).toMatch(/^\/whip\/openpost\/[\w-]{24}$/);
    expect(response.headers.get('accept-patch')).toBe(FRAGMENT);
    expect(response.headers.get('access-control-expose-headers')).toMatch(/location.*etag.*link/);
    const answer = await response.text();
    expect(answer).toMatch(/a=recvonly/);
    expect(answer).not.toMatch(/a=send/);
    expect(answer).toMatch(/a=candidate:.* 127\.0\.0\.1 \d+ typ host/);
    expect(camera('openpost')).toMatchObject({
      state: 'live',
      publications: [{ stage: 'whip', peer: 'whip:127.0.0.1' }],
    });
    expect(
      camera('openpost')!
        .tracks.map(({ track, caps }) => [track, caps.codec])
        .sort(),
    ).toEqual([
      ['audio', 'opus'],
      ['video', 'h264'],
    ]);
  });

  it.each(fixtures('whip'))('takes the offer of %s', async (name) => {
    const response = await publish(`open-${name}`, fixture(name));
    expect(response.status).toBe(201);
    expect(await response.text()).toMatch(name.startsWith('ffmpeg') ? /a=setup:active/ : /a=setup:passive/);
    expect((await ask('DELETE', response.headers.get('location')!)).status).toBe(200);
  });

  it('names as many layers as the offer has', async () => {
    await publish('opensimulcast', fixture('chromium-156-whip-simulcast'));
    const video = camera('opensimulcast')!.tracks.find(({ track }) => track === 'video');
    expect(video!.caps).toMatchObject({ layers: 3, codec: 'h264' });
  });

  it.each([
    [415, 'CONTENT_TYPE_WRONG', { 'content-type': 'text/plain' }, OFFER],
    [400, 'SDP_INVALID', {}, 'v=1'],
    [400, 'SDP_INVALID', {}, OFFER.replace(/a=ice-pwd.*\r\n/g, '')],
    [400, 'SDP_INVALID', {}, ''],
    [422, 'OFFER_UNFIT', {}, fixture('chromium-156-whep')],
    [422, 'OFFER_UNFIT', {}, OFFER.replaceAll('a=sendonly', 'a=inactive')],
  ] as const)('%i %s, and nobody is replaced', async (status, code, headers, body) => {
    const { camera: id } = await session();
    const before = camera(id)!.publications;
    const response = await publish(id, body, headers);
    expect([response.status, await codeOf(response)]).toEqual([status, `webrtc.whip/${code}`]);
    expect(camera(id)!.publications).toEqual(before);
  });

  it('413 for a huge body, 404 for what is no camera', async () => {
    expect((await publish('openhuge', OFFER + 'a=x\r\n'.repeat(20_000))).status).toBe(413);
    expect(camera('openhuge')).toBeUndefined();
    expect((await publish('..%2fetc')).status).toBe(400);
    expect((await publish('-bad')).status).toBe(404);
  });

  it('a second publisher takes over, as the pipeline says; the first session is gone', async () => {
    const { camera: id, path } = await session();
    expect((await publish(id)).status).toBe(201);
    expect((await ask('DELETE', path)).status).toBe(404);
    expect(camera(id)!.publications).toHaveLength(1);
  });
});

describe('who may', () => {
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

  it('401 without a token, 403 with a wrong one, 201 with the right one', async () => {
    const none = await publish('closed');
    expect(none.status).toBe(401);
    expect(none.headers.get('www-authenticate')).toMatch(/^Bearer/);
    expect((await publish('closed', OFFER, bearer('wrong'))).status).toBe(403);
    expect((await publish('closed', OFFER, bearer('secret'))).status).toBe(201);
    expect((await publish('closed?token=secret')).status).toBe(201);
  });

  it('every verb of a session asks for the token that began it', async () => {
    const { path } = await session(bearer('secret'));
    for (const headers of [{}, bearer('other')] as Record<string, string>[]) {
      expect((await patch(path, trickle, headers)).status).toBe(401);
      expect((await ask('DELETE', path, { headers })).status).toBe(401);
    }
    expect((await patch(path, trickle, bearer('secret'))).status).toBe(204);
    expect((await ask('DELETE', path, { headers: bearer('secret') })).status).toBe(200);
  });

  it('OPTIONS answers anyone: Accept-Post, and what CORS asks', async () => {
    const plain = await ask('OPTIONS', '/whip/closed');
    expect([200, 204]).toContain(plain.status);
    expect(plain.headers.get('accept-post')).toBe(SDP);
    const { path } = await session();
    for (const [address, method] of [
      ['/whip/closed', 'POST'],
      [path, 'PATCH'],
      [path, 'DELETE'],
    ] as const) {
      const response = await ask('OPTIONS', address, {
        headers: {
          origin: 'https://studio.example',
          'access-control-request-method': method,
          'access-control-request-headers': 'authorization,content-type,if-match',
        },
      });
      expect([200, 204]).toContain(response.status);
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-allow-methods')).toContain(method);
      for (const name of ['authorization', 'content-type', 'if-match'])
        expect(response.headers.get('access-control-allow-headers')).toContain(name);
    }
  });
});

describe('a session', () => {
  it('DELETE ends it: 200, the publication ends, then 404', async () => {
    const { camera: id, path } = await session();
    expect((await ask('DELETE', path)).status).toBe(200);
    expect(camera(id)).toMatchObject({ state: 'lingering', publications: [] });
    expect((await ask('DELETE', path)).status).toBe(404);
    expect((await patch(path, trickle)).status).toBe(404);
  });

  it('is nobody else’s: unknown ids, and ids under another camera, are 404', async () => {
    const { camera: id, path } = await session();
    expect((await ask('DELETE', `/whip/${id}/AAAAAAAAAAAAAAAAAAAAAAAA`)).status).toBe(404);
    expect((await ask('DELETE', path.replace(id, 'openother'))).status).toBe(404);
    expect((await ask('GET', path)).status).toBe(405);
    const ids = new Set(
      await Promise.all(Array.from({ length: 3 }, async () => (await session()).path.split('/').at(-1))),
    );
    expect(ids.size).toBe(3);
  });

  it('takes candidates: 204 without ETag, with If-Match or without', async () => {
    const { path, etag } = await session();
    for (const headers of [{ 'if-match': etag }, {}] as Record<string, string>[]) {
      const response = await patch(path, trickle, headers);
      expect(response.status).toBe(204);
      expect(response.headers.get('etag')).toBeNull();
    }
  });

  it('412 for a stale ETag, 400 for what is no fragment, 415 for another type', async () => {
    const { path } = await session();
    const stale = await patch(path, trickle, { 'if-match': '"stale"' });
    expect([stale.status, await codeOf(stale)]).toEqual([412, 'webrtc.whip/ETAG_STALE']);
    for (const body of ['hello', '', 'm=audio 9 RTP/AVP 0\r\na=mid:0\r\n', 'a=candidate:nonsense\r\n'])
      expect((await patch(path, body)).status).toBe(400);
    expect((await patch(path, trickle, { 'content-type': SDP })).status).toBe(415);
    expect((await patch(path, `${CANDIDATE}\r\n`.repeat(2000))).status).toBe(413);
  });

  it('restarts ICE with If-Match: *: 200, new credentials and ETag, all candidates', async () => {
    const { path, etag } = await session();
    const response = await patch(path, restart, { 'if-match': '*' });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe(FRAGMENT);
    const next = response.headers.get('etag')!;
    expect(next).not.toBe(etag);
    const fragment = await response.text();
    expect(fragment).toMatch(/a=ice-ufrag:\S{4,}\r\na=ice-pwd:\S{22,}\r\na=candidate:/);
    expect(fragment).toMatch(/a=ice-lite/);
    expect((await patch(path, restart, { 'if-match': etag })).status).toBe(412);
    expect((await patch(path, restart, { 'if-match': next })).status).toBe(204);
    expect((await patch(path, 'a=ice-ufrag:third\r\n', { 'if-match': '*' })).status).toBe(400);
  });
});

it('names ICE servers by Link', async () => {
  const servers = [
    { urls: ['stun:stun.example.org'] },
    { urls: ['turn:turn.example.org?transport=tcp'], username: 'u"ser', credential: 'pass' },
  ];
  const other = await webrtcPipeline({ workers: { 'ice-servers': servers } });
  try {
    const response = await fetch(`${other.url}/whip/a`, {
      method: 'POST',
      headers: { 'content-type': SDP },
      body: OFFER,
    });
    expect(response.headers.get('link')).toBe(
      '<stun:stun.example.org>; rel="ice-server", <turn:turn.example.org?transport=tcp>; rel="ice-server"; ' +
        'username="u\\"ser"; credential="pass"; credential-type="password"',
    );
  } finally {
    await other.close();
  }
});

it('many POSTs of one address are 429 with Retry-After, and live sessions stay', async () => {
  const { camera: id } = await session();
  const statuses = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const response = await publish('openflood', 'v=0');
      return [response.status, response.headers.get('retry-after')] as const;
    }),
  );
  const refused = statuses.filter(([status]) => status === 429);
  expect(refused.length).toBeGreaterThan(100);
  expect(refused.every(([, after]) => Number(after) >= 1)).toBe(true);
  expect(camera(id)!.publications).toHaveLength(1);
});
