/** The WHIP gateway in the test kit's engine, and parts that both gateways share. */
import { describe, expect, it } from 'vitest';
import { conformance, harness, settle } from '../../../core/testing/index.ts';
import { EddyError } from 'eddy/plugin';
import { writeLinks, iceServerLinks } from '../../../plugins/webrtc/shared/gateway/links.ts';
import whep from '../../../plugins/webrtc/whep/plugin.ts';
import whip from '../../../plugins/webrtc/whip/plugin.ts';
import { FakeRouters, FIGURE, handleOf } from './gateway-fakes.ts';
import { fixture } from './sdp-fixtures.ts';

const post = {
  method: 'POST',
  headers: { 'content-type': 'application/sdp' },
  body: fixture('chromium-156-whip'),
} as const;

describe('in the engine', () => {
  it('gives handles to who comes late, and ends with its transport', async () => {
    const routers = new FakeRouters();
    const h = await harness(whip, { services: { routers }, unwanted: true });
    const answer = await h.fakes.http.request('/whip/cam1', post);
    expect(answer.status).toBe(201);
    expect(h.out.rtp.items('cam1')).toEqual([]);
    h.out.rtp.want(true);
    await settle();
    expect(
      h.out.rtp
        .items('cam1')
        .map(({ kind, producerId }) => `${kind} ${producerId}`)
        .sort(),
    ).toEqual(['audio p2', 'video p1']);
    routers.transports[0]!.tell({ state: 'closed', cause: 'ice' });
    await settle();
    expect(h.status('cam1')).toMatchObject({ state: 'lingering', publications: [] });
    expect((await h.fakes.http.request(answer.headers.location!, { method: 'DELETE' })).status).toBe(404);
    expect(await h.metric('whip_sessions_ended_total', { reason: 'ice' })).toBe(1);
    await h.close();
  });

  it('tells a client when to come back while no worker runs, and leaves no publication', async () => {
    const routers = new FakeRouters();
    routers.failure = new EddyError('WEBRTC_WORKERS_DOWN', 'none runs');
    const h = await harness(whip, { services: { routers } });
    const answer = await h.fakes.http.request('/whip/cam1', post);
    expect([answer.status, answer.headers['retry-after']]).toEqual([503, '1']);
    expect(h.status('cam1')?.publications).toEqual([]);
    await h.close();
  });

  it('tells a client to come back at once where its worker died while it was taken in', async () => {
    const routers = new FakeRouters();
    routers.state = { state: 'closed', cause: 'worker-died' };
    const h = await harness(whip, { services: { routers } });
    const answer = await h.fakes.http.request('/whip/cam1', post);
    expect([answer.status, answer.headers['retry-after'], await answer.json()]).toMatchObject([
      503,
      '1',
      { code: 'WEBRTC_TRANSPORT_CLOSED' },
    ]);
    expect(h.status('cam1')?.publications).toEqual([]);
    await h.close();
  });

  it('closes what it has opened where a client hangs up before the answer', async () => {
    const routers = new FakeRouters();
    const h = await harness(whip, { services: { routers } });
    const gone = new AbortController();
    gone.abort();
    await h.fakes.http.request('/whip/cam1', { ...post, signal: gone.signal });
    expect(routers.transports.map(({ closed }) => closed)).toEqual([true]);
    expect(h.status('cam1')?.publications).toEqual([]);
    await h.close();
  });

  it('a viewer that comes in the moment in which the stream ends gets the next one', async () => {
    const routers = new FakeRouters();
    const h = await harness(whep, { services: { routers } });
    const camera = await h.camera('cam1').publish();
    const caps = { kind: 'video', codec: 'h264', clockRate: 90_000, layers: 1 } as const;
    const track = camera.out.in.addTrack('video', caps);
    void track.write(handleOf('p1'));
    await settle();
    routers.gone.add('p1');
    const watch = { ...post, body: fixture('chromium-156-whep') };
    const answer = h.fakes.http.request('/whep/cam1', watch);
    await h.advance(100);
    void track.write(handleOf('p2'));
    await h.advance(100);
    expect((await answer).status).toBe(201);
    expect(routers.transports.map(({ closed }) => closed)).toEqual([true, false]);
    expect(routers.transports[1]!.consumers.map(({ producerId }) => producerId)).toEqual(['p2']);
    // Where none comes, the client is to ask again.
    routers.gone.add('p2');
    const refused = h.fakes.http.request('/whep/cam1', watch);
    await h.advance(4000);
    expect([(await refused).status, (await refused).headers['retry-after']]).toEqual([409, '2']);
    await h.close();
  });

  it('a viewer is sent no more than the grant of the camera that they watch allows', async () => {
    const routers = new FakeRouters();
    const h = await harness(whep, { services: { routers }, config: { 'max-bitrate': '3Mbps' } });
    const caps = { kind: 'video', codec: 'h264', clockRate: 90_000, layers: 1 } as const;
    for (const id of ['cam1', 'cam2']) {
      const camera = await h.camera(id).publish();
      void camera.out.in.addTrack('video', caps).write(handleOf(id));
    }
    const watch = async () => {
      const answering = h.fakes.http.request('/whep/cam1', { ...post, body: fixture('chromium-156-whep') });
      await h.advance(100);
      return (await answering).headers.location!;
    };
    const limits = () => routers.transports.at(-1)!.calls.filter((call) => call.startsWith('limit'));
    await watch();
    expect(limits()).toEqual(['limit 3000000']);
    h.authorizer.limit({ maxBitrate: 2_000_000 });
    const location = await watch();
    expect(limits()).toEqual(['limit 2000000']);
    h.authorizer.limit({ maxBitrate: 1_000_000 });
    const body = JSON.stringify({ cameraId: 'cam2' });
    const switching = h.fakes.http.request(`${location}/camera`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
    });
    await h.advance(2000);
    expect((await switching).status).toBe(200);
    expect(limits()).toEqual(['limit 2000000', 'limit 1000000']);
    await h.close();
  });

  it('a viewer whose grant changes while they watch is held to the new one', async () => {
    const routers = new FakeRouters();
    routers.figures = [{ ...FIGURE, bitrate: 2_000_000 }];
    const h = await harness(whep, { services: { routers } });
    const camera = await h.camera('cam1').publish();
    const caps = { kind: 'video', codec: 'h264', clockRate: 90_000, layers: 1 } as const;
    void camera.out.in.addTrack('video', caps).write(handleOf('cam1'));
    h.authorizer.limit({ recheck: 5000 });
    const answering = h.fakes.http.request('/whep/cam1', { ...post, body: fixture('chromium-156-whep') });
    await h.advance(100);
    expect((await answering).status).toBe(201);
    const transport = routers.transports.at(-1)!;
    const limits = () => transport.calls.filter((call) => call.startsWith('limit'));
    expect(limits()).toEqual([]);
    h.authorizer.limit({ recheck: 5000, maxBitrate: 3_000_000 });
    await h.advance(8000);
    expect(limits()).toEqual(['limit 3000000']);
    h.authorizer.limit({ recheck: 5000 });
    await h.advance(8000);
    expect([limits(), transport.closed]).toEqual([['limit 3000000', 'limit Infinity'], false]);
    h.authorizer.limit({ recheck: 5000, maxBitrate: 1_000_000 });
    await h.advance(8000);
    expect(transport.closed).toBe(true);
    await h.close();
  });

  it('a viewer may stay on the line until a camera is back that was there or never was: ?wait=', async () => {
    const routers = new FakeRouters();
    const h = await harness(whep, { services: { routers } });
    const watch = (query: string) =>
      h.fakes.http.request(`/whep/cam1${query}`, { ...post, body: fixture('chromium-156-whep') });
    const caps = { kind: 'video', codec: 'h264', clockRate: 90_000, layers: 1 } as const;
    const publish = async (producerId: string) => {
      const camera = await h.camera('cam1').publish();
      void camera.out.in.addTrack('video', caps).write(handleOf(producerId));
      return camera;
    };
    const never = watch('?wait=5');
    await h.advance(1000);
    const camera = await publish('p1');
    await h.advance(100);
    expect((await never).status).toBe(201);
    camera.end('failed');
    await h.advance(100);
    expect((await watch('')).status).toBe(409);
    const back = watch('?wait=5');
    const tooShort = watch('?wait=1');
    await h.advance(1500);
    expect((await tooShort).status).toBe(409);
    await publish('p2');
    await h.advance(100);
    expect((await back).status).toBe(201);
    await h.close();
  });

  it('409 for a second publisher, where the pipeline refuses one; the first goes on', async () => {
    const routers = new FakeRouters();
    const h = await harness(whip, { services: { routers }, cameras: { secondPublisher: 'refuse' } });
    expect((await h.fakes.http.request('/whip/cam1', post)).status).toBe(201);
    const second = await h.fakes.http.request('/whip/cam1', post);
    expect([second.status, await second.json()]).toMatchObject([409, { code: 'PUBLISH_CONFLICT' }]);
    expect(routers.transports.map(({ closed }) => closed)).toEqual([false]);
    await h.close();
  });

  it('stops with everything: no session, transport or route is left', async () => {
    const routers = new FakeRouters();
    const h = await harness(whip, { services: { routers } });
    await h.fakes.http.request('/whip/cam1', post);
    await h.close();
    expect(routers.transports.every(({ closed }) => closed)).toBe(true);
  });

  for (const plugin of [whip, whep]) {
    for (const check of conformance(plugin as never, { services: () => ({ routers: new FakeRouters() }) })) {
      it(`${plugin.manifest.name}: ${check.name}`, check.run);
    }
  }
});

it('Link headers keep what they quote', () => {
  expect(writeLinks([])).toBeUndefined();
  const links = iceServerLinks([
    { urls: ['turn:a?transport=udp', 'stun:b>\r\nx: y'], username: 'a"b\\\r\n', credential: 'c' },
  ]);
  expect(writeLinks(links)).toBe(
    '<turn:a?transport=udp>; rel="ice-server"; username="a\\"b\\\\"; credential="c"; credential-type="password", ' +
      '<stun:b%3E%0D%0Ax:%20y>; rel="ice-server"; username="a\\"b\\\\"; credential="c"; credential-type="password"',
  );
});
