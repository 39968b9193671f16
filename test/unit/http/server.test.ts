import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { raw } from '../../contract/http-server.ts';
import { startServer, type Started } from './start-server.ts';

const started: Started[] = [];
async function server(written?: Readonly<Record<string, unknown>>) {
  const one = await startServer(written);
  started.push(one);
  return one;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

const playlist = Buffer.from('#EXTM3U\n'.repeat(200));

describe('answers', () => {
  it('packs text once for all who take gzip, weakens its tag, and leaves media alone', async () => {
    const { http, url } = await server();
    const headers = { 'content-type': 'application/vnd.apple.mpegurl', etag: '"a"' };
    http.route({ method: 'GET', path: '/list', handler: () => ({ headers, body: playlist }) });
    http.route({
      method: 'GET',
      path: '/media',
      handler: () => ({ headers: { 'content-type': 'video/mp4' }, body: playlist }),
    });
    http.route({ method: 'GET', path: '/off', compress: false, handler: () => ({ headers, body: playlist }) });
    const gzip = { 'accept-encoding': 'br, gzip;q=0.5' };
    const packed = await raw(url, '/list', { headers: gzip });
    expect(packed.headers).toMatchObject({ 'content-encoding': 'gzip', etag: 'W/"a"', vary: 'accept-encoding' });
    expect(gunzipSync(packed.body)).toEqual(playlist);
    const head = await raw(url, '/list', { headers: gzip, method: 'HEAD' });
    expect(head.headers['content-length']).toBe(String(packed.body.length));
    const plain = await raw(url, '/list', { headers: { 'accept-encoding': 'gzip;q=0' } });
    expect(plain.headers).toMatchObject({ etag: '"a"', vary: 'accept-encoding' });
    expect(plain.body).toEqual(playlist);
    for (const path of ['/media', '/off']) {
      expect((await raw(url, path, { headers: gzip })).headers['content-encoding'], path).toBeUndefined();
    }
  });

  it('answers If-None-Match with 304, weakly compared', async () => {
    const { http, url } = await server();
    const headers = { 'content-type': 'text/plain', etag: '"v1"', 'cache-control': 'max-age=1' };
    http.route({ method: 'GET', path: '/x', handler: () => ({ headers, body: 'body' }) });
    for (const condition of ['"v1"', '"v0", W/"v1"', '*']) {
      const answer = await raw(url, '/x', { headers: { 'if-none-match': condition } });
      expect(answer.status, condition).toBe(304);
      expect(answer.headers).toMatchObject({ etag: '"v1"', 'cache-control': 'max-age=1' });
      expect(answer.body).toHaveLength(0);
    }
    expect((await raw(url, '/x', { headers: { 'if-none-match': '"v2"' } })).status).toBe(200);
  });

  it('lets a client that sends too much hear why, and cuts off one that never ends', async () => {
    const { http, url } = await server();
    http.route({ method: 'POST', path: '/x', handler: async (request) => ({ body: await request.body(10) }) });
    const send = async (mebibytes: number): Promise<{ answer: string; error: unknown; sent: number }> => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      let [answer, error, sent]: [string, unknown, number] = ['', undefined, 0];
      socket.on('data', (data) => (answer += String(data))).on('error', (cause) => (error = cause));
      const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()));
      await once(socket, 'connect');
      socket.write(`POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: ${mebibytes * 1024 * 1024}\r\n\r\n`);
      for (; sent < mebibytes && socket.writable; sent += 1) {
        if (!socket.write(Buffer.alloc(1024 * 1024)))
          await Promise.race([once(socket, 'drain').catch(() => undefined), closed]);
      }
      await closed;
      return { answer, error, sent };
    };
    expect(await send(8)).toMatchObject({
      answer: expect.stringMatching(/^HTTP\/1.1 413 /),
      error: undefined,
      sent: 8,
    });
    expect((await send(500)).sent).toBeLessThan(200);
  });

  it('cuts the connection when a stream fails half way, so that half is not taken for the whole', async () => {
    const { http, url } = await server();
    http.route({
      method: 'GET',
      path: '/x',
      handler: () => ({
        body: (async function* () {
          yield 'half';
          throw new Error('disk gone');
        })(),
      }),
    });
    await expect(raw(url, '/x')).rejects.toThrow(/aborted|hang up|ECONNRESET/);
  });

  it('does not start a stream for HEAD, and gives it back', async () => {
    const { http, url } = await server();
    let reads = 0;
    let returned = 0;
    const body = {
      [Symbol.asyncIterator]: () => ({
        next: async () => ({ done: false as const, value: String(++reads) }),
        return: async () => ({ done: true as const, value: String(++returned) }),
      }),
    };
    http.route({ method: 'GET', path: '/x', handler: () => ({ body }) });
    await raw(url, '/x', { method: 'HEAD' });
    expect([reads, returned]).toEqual([0, 1]);
  });
});

describe('other origins', () => {
  const origin = { origin: 'https://player.example' };

  it('may read media, may not read administration, and get preflights for what allows them', async () => {
    const { http, url } = await server();
    const handler = () => ({ body: 'x' });
    http.route({ method: 'GET', path: '/media', handler });
    http.route({ method: 'GET', path: '/admin', cors: false, handler });
    http.route({ method: 'POST', path: '/whip', cors: true, handler });
    http.route({ method: 'DELETE', path: '/session', handler });
    expect((await raw(url, '/media', { headers: origin })).headers).toMatchObject({
      'access-control-allow-origin': '*',
      'access-control-expose-headers': expect.stringContaining('location'),
    });
    expect((await raw(url, '/admin', { headers: origin })).headers['access-control-allow-origin']).toBeUndefined();
    const preflight = (path: string, method: string) =>
      raw(url, path, { method: 'OPTIONS', headers: { ...origin, 'access-control-request-method': method } });
    expect(await preflight('/whip', 'POST')).toMatchObject({
      status: 204,
      headers: {
        'access-control-allow-origin': '*',
        'access-control-allow-methods': 'POST, OPTIONS',
        'access-control-allow-headers': expect.stringContaining('if-match'),
      },
    });
    expect((await preflight('/session', 'DELETE')).headers['access-control-allow-methods']).toBeUndefined();
  });

  it('are told apart where a list is configured, and refusals are readable too', async () => {
    const { http, url } = await server({ cors: ['https://player.example'] });
    http.route({ method: 'GET', path: '/hls/:camera', handler: () => ({ headers: { vary: 'x' }, body: 'x' }) });
    expect((await raw(url, '/hls/a', { headers: origin })).headers).toMatchObject({
      'access-control-allow-origin': 'https://player.example',
      vary: 'origin, x',
    });
    const other = await raw(url, '/hls/a', { headers: { origin: 'https://evil.example' } });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    const bad = await raw(url, '/hls/-a', { headers: origin });
    expect(bad).toMatchObject({ status: 404, headers: { 'access-control-allow-origin': 'https://player.example' } });
  });

  it('lets a route answer OPTIONS itself, with the preflight added', async () => {
    const { http, url } = await server();
    const handler = () => ({ status: 200, headers: { 'accept-post': 'application/sdp' } });
    http.route({ method: ['POST', 'OPTIONS'], path: '/whip', cors: true, handler });
    expect(await raw(url, '/whip', { method: 'OPTIONS', headers: origin })).toMatchObject({
      status: 200,
      headers: {
        'accept-post': 'application/sdp',
        'access-control-allow-origin': '*',
        'access-control-max-age': '86400',
      },
    });
  });
});

describe('clients', () => {
  it('are known by the address that a trusted proxy says, and by no other', async () => {
    const path = '/x';
    const headers = { 'x-forwarded-for': '6.6.6.6, 203.0.113.9, 10.1.2.3' };
    const ask = async (written: Readonly<Record<string, unknown>>) => {
      const { http, url } = await server(written);
      http.route({ method: 'GET', path, handler: (request) => ({ body: request.remoteAddress }) });
      return (await raw(url, path, { headers })).body.toString();
    };
    expect(await ask({})).toBe('127.0.0.1');
    expect(await ask({ proxies: ['127.0.0.1', '10.0.0.0/8'] })).toBe('203.0.113.9');
    expect(await ask({ proxies: ['192.168.0.0/16'] })).toBe('127.0.0.1');
    await expect(server({ proxies: ['nobody'] })).rejects.toThrow(/neither an address nor a CIDR/);
  });

  it('came over TLS where they did, or where a trusted proxy says so', async () => {
    const headers = { 'x-forwarded-proto': 'https' };
    for (const [proxies, secure] of [
      [[], 'false'],
      [['192.168.0.0/16'], 'false'],
      [['127.0.0.1'], 'true'],
    ] as const) {
      const { http, url } = await server({ proxies });
      http.route({ method: 'GET', path: '/x', handler: (request) => ({ body: String(request.secure) }) });
      expect((await raw(url, '/x', { headers })).body.toString()).toBe(secure);
      expect((await raw(url, '/x')).body.toString()).toBe('false');
    }
  });

  it('that are slow with their request, idle, or take nothing of their answer are cut; those that wait are not', async () => {
    const { http, url } = await server({
      'request-timeout': '200ms',
      'idle-timeout': '200ms',
      'stall-timeout': '200ms',
    });
    const stalled = new Promise<void>((resolve) => {
      http.route({
        method: 'GET',
        path: '/big',
        handler: (request) => {
          request.signal.addEventListener('abort', () => resolve());
          return { body: Buffer.alloc(64 * 1024 * 1024) };
        },
      });
    });
    http.route({
      method: 'GET',
      path: '/wait',
      handler: () => new Promise((resolve) => setTimeout(resolve, 900, { body: 'at last' })),
    });
    const { hostname, port } = new URL(url);
    const dial = (send: string) =>
      connect(Number(port), hostname, function (this: Socket) {
        this.write(send);
      });
    const whole = async (socket: Socket) => Buffer.concat(await socket.toArray()).toString();
    const taker = dial('GET /big HTTP/1.1\r\nHost: x\r\n\r\n');
    const [slow, idle, waiting] = await Promise.all([
      whole(dial('GET /big HTTP/1.1\r\nHost: x\r\nX-')),
      whole(dial('GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n')),
      raw(url, '/wait'),
      stalled,
    ]);
    expect(slow).toMatch(/^HTTP\/1.1 408/);
    expect(idle).toMatch(/^HTTP\/1.1 404/);
    expect(waiting.body.toString()).toBe('at last');
    taker.destroy();
  });

  it('beyond the limit are turned away', async () => {
    const { http, url } = await server({ 'max-connections': 1 });
    http.route({ method: 'GET', path: '/x', handler: () => ({ body: 'x' }) });
    const { hostname, port } = new URL(url);
    const first = connect(Number(port), hostname);
    await once(first, 'connect');
    first.write('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(first, 'data');
    await expect(raw(url, '/x')).rejects.toThrow();
    first.destroy();
  });
});

describe('life', () => {
  it('stops before start, twice, and at once with a request open', async () => {
    const one = await server();
    one.http.route({ method: 'GET', path: '/never', handler: () => new Promise(() => {}) });
    const open = raw(one.url, '/never').catch((error: Error) => error);
    await raw(one.url, '/x');
    await one.running.stop?.();
    await one.running.stop?.();
    expect(await open).toBeInstanceOf(Error);
    await expect(raw(one.url, '/x')).rejects.toThrow(/ECONNREFUSED/);
  });

  it('lets open requests finish while it drains, takes no new ones, and cuts them at the deadline', async () => {
    const one = await server();
    const answer = Promise.withResolvers<{ body: string }>();
    const asked = Promise.withResolvers<void>();
    one.http.route({ method: 'GET', path: '/slow', handler: () => (asked.resolve(), answer.promise) });
    one.http.route({ method: 'GET', path: '/never', handler: () => new Promise(() => {}) });
    const slow = raw(one.url, '/slow');
    const never = raw(one.url, '/never').catch((error: Error) => error);
    await asked.promise;
    const deadline = new AbortController();
    let drained = false;
    const draining = Promise.resolve(one.running.drain?.(deadline.signal)).then(() => (drained = true));
    await expect(raw(one.url, '/slow')).rejects.toThrow(/ECONNREFUSED/);
    answer.resolve({ body: 'done' });
    expect((await slow).body.toString()).toBe('done');
    expect(drained).toBe(false);
    deadline.abort();
    await draining;
    expect(await never).toBeInstanceOf(Error);
  });

  it('says which address is taken and by what code', async () => {
    const one = await server();
    await expect(server({ listen: new URL(one.url).host })).rejects.toMatchObject({
      code: 'HTTP_LISTEN_FAILED',
      message: expect.stringContaining('another program holds the port'),
    });
  });

  it('takes a changed configuration without losing its routes', async () => {
    const one = await server();
    one.http.route({ method: 'GET', path: '/x', handler: () => ({ body: 'x' }) });
    const origin = { origin: 'https://a.example' };
    const changed = { ...one.ctx.config, cors: [], 'max-connections': 5 };
    expect(await one.running.reconfigure?.(changed as never)).toBe(true);
    const moved = one.http.urls[0]!;
    const answer = await raw(moved, '/x', { headers: origin });
    expect(answer.body.toString()).toBe('x');
    expect(answer.headers['access-control-allow-origin']).toBeUndefined();
  });

  it('counts requests', async () => {
    const one = await server();
    one.http.route({ method: 'GET', path: '/bug', handler: () => Promise.reject(new Error('x')) });
    await raw(one.url, '/bug');
    await raw(one.url, '/x');
    one.engine.tick();
    expect(await one.engine.metrics.text()).toMatch(/eddy_http_requests_total 2/);
    expect(await one.engine.metrics.text()).toMatch(/eddy_http_requests_failed_total 1/);
  });
});
