/** What every provider of HttpServer must do. Call it from a test file with a way to start one. */
import { request as httpRequest } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { HttpServer } from '../../core/contracts/index.ts';
import { EddyError } from '../../core/errors/index.ts';

/** A started server and its end. */
export interface StartedServer {
  readonly http: HttpServer;
  stop(): Promise<void>;
}

/** A request whose path is sent as it is: fetch would tidy it. */
export function raw(
  url: string,
  path: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; headers: Record<string, string | string[] | undefined>; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const request = httpRequest({
      hostname,
      port,
      path,
      method: options.method ?? 'GET',
      headers: options.headers ?? {},
      agent: false,
    });
    request.on('error', reject);
    request.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.end(options.body);
  });
}

/** The suite. */
export function httpServerContract(name: string, start: () => Promise<StartedServer>): void {
  describe(`${name} keeps the contract HttpServer`, () => {
    let server: StartedServer;
    let http: HttpServer;
    const get = (path: string, options?: Parameters<typeof raw>[2]) => raw(http.urls[0]!, path, options);
    beforeEach(async () => {
      server = await start();
      http = server.http;
    });
    afterEach(() => server.stop());

    it('serves a route from the moment it is mounted until it is unmounted', async () => {
      expect((await get('/x')).status).toBe(404);
      const unmount = http.route({ method: 'GET', path: '/x', handler: () => ({ body: 'one' }) });
      expect(await get('/x')).toMatchObject({ status: 200, body: Buffer.from('one') });
      unmount();
      unmount();
      expect((await get('/x')).status).toBe(404);
      http.route({ method: 'GET', path: '/x', handler: () => ({ body: 'two' }) });
      expect((await get('/x')).body.toString()).toBe('two');
    });

    it('refuses a duplicate', () => {
      http.route({ method: 'GET', path: '/x/:a', handler: () => ({}) });
      expect(() => http.route({ method: ['POST', 'GET'], path: '/x/:b', handler: () => ({}) })).toThrow(
        expect.objectContaining({ code: 'HTTP_ROUTE_TAKEN' }),
      );
    });

    it('gives the handler method, path, parameters, query, headers, address and body', async () => {
      http.route({
        method: 'POST',
        path: '/whip/:camera/:session',
        handler: async (request) => ({
          status: 201,
          headers: { location: '/there', 'content-type': 'application/json' },
          body: JSON.stringify({
            method: request.method,
            path: request.path,
            params: request.params,
            token: request.query.get('token'),
            type: request.headers['content-type'],
            address: request.remoteAddress,
            body: Buffer.from(await request.body()).toString(),
          }),
        }),
      });
      const answer = await get('/whip/acme.door1/a%20b?token=x%2Fy', {
        method: 'POST',
        headers: { 'Content-Type': 'application/sdp' },
        body: 'v=0',
      });
      expect(answer.status).toBe(201);
      expect(answer.headers.location).toBe('/there');
      expect(JSON.parse(answer.body.toString())).toEqual({
        method: 'POST',
        path: '/whip/acme.door1/a b',
        params: { camera: 'acme.door1', session: 'a b' },
        token: 'x/y',
        type: 'application/sdp',
        address: '127.0.0.1',
        body: 'v=0',
      });
    });

    it('lets a literal win over a parameter, and the rest take what is left', async () => {
      const say = (text: string) => () => ({ body: text });
      http.route({ method: 'GET', path: '/a/:x', handler: say('parameter') });
      http.route({ method: 'GET', path: '/a/b', handler: say('literal') });
      http.route({ method: 'GET', path: '/a/*', handler: (request) => ({ body: `rest ${request.params.rest}` }) });
      expect((await get('/a/b')).body.toString()).toBe('literal');
      expect((await get('/a/c')).body.toString()).toBe('parameter');
      expect((await get('/a/c/d')).body.toString()).toBe('rest c/d');
    });

    it('calls the handler only with a valid camera', async () => {
      let called = 0;
      http.route({ method: 'GET', path: '/hls/:camera/index.m3u8', handler: () => ({ body: String(++called) }) });
      for (const bad of ['-cam', 'c%20m', 'caf%C3%A9', 'x'.repeat(65)]) {
        const answer = await get(`/hls/${bad}/index.m3u8`);
        expect(answer.status, bad).toBe(404);
        expect(JSON.parse(answer.body.toString())).toMatchObject({
          code: 'CAMERA_ID_INVALID',
          mend: expect.any(String),
        });
      }
      expect(called).toBe(0);
      expect((await get('/hls/cam1/index.m3u8')).status).toBe(200);
    });

    it('refuses paths that can be read in two ways', async () => {
      http.route({ method: 'GET', path: '/*', handler: () => ({ body: 'reached' }) });
      for (const path of ['/a/../b', '/a/%2e%2e/b', '/a%2fb', '/a%252fb', '/a%00b', '/a%5cb', '/%zz', '/a/./b']) {
        const answer = await get(path);
        expect(answer.status, path).toBe(400);
        expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'HTTP_BAD_PATH' });
      }
    });

    it('answers HEAD as GET without a body, and 405 with Allow for other methods', async () => {
      http.route({ method: 'GET', path: '/x', handler: () => ({ headers: { 'x-a': 'b' }, body: 'hello' }) });
      const head = await get('/x', { method: 'HEAD' });
      expect(head).toMatchObject({ status: 200, headers: { 'content-length': '5', 'x-a': 'b' } });
      expect(head.body).toHaveLength(0);
      const put = await get('/x', { method: 'PUT' });
      expect(put.status).toBe(405);
      expect(put.headers.allow).toBe('GET, HEAD, OPTIONS');
      expect(JSON.parse(put.body.toString())).toMatchObject({ code: 'HTTP_METHOD_NOT_ALLOWED' });
    });

    it('limits bodies, announced or not', async () => {
      http.route({ method: 'POST', path: '/x', handler: async (request) => ({ body: await request.body(10) }) });
      expect((await get('/x', { method: 'POST', body: '0123456789' })).body.toString()).toBe('0123456789');
      for (const headers of [{}, { 'transfer-encoding': 'chunked' }] as Record<string, string>[]) {
        const answer = await get('/x', { method: 'POST', headers, body: '0123456789a' });
        expect(answer.status).toBe(413);
        expect(JSON.parse(answer.body.toString())).toMatchObject({ code: 'HTTP_BODY_TOO_LARGE' });
      }
    });

    it('answers errors as JSON with code and mend, and keeps unknown errors to itself', async () => {
      const fail = (path: string, error: Error) =>
        http.route({ method: 'GET', path, handler: () => Promise.reject(error) });
      fail('/away', new EddyError('CAMERA_AWAY', 'cam1 is away'));
      fail('/who', new EddyError('WATCH_REFUSED', 'who are you', { details: { reason: 'unauthenticated' } }));
      fail('/no', new EddyError('WATCH_REFUSED', 'not you', { details: { reason: 'forbidden' } }));
      fail('/own', new EddyError('acme.x/FULL', 'full', { kind: 'peer', details: { status: 409, retryAfter: 7 } }));
      fail('/bug', new TypeError('the secret is 42'));
      http.route({
        method: 'GET',
        path: '/sync',
        handler: () => {
          throw new EddyError('GATE_CLOSED', 'draining');
        },
      });
      const answers = await Promise.all(['/away', '/who', '/no', '/own', '/bug', '/sync'].map((path) => get(path)));
      expect(answers.map((answer) => answer.status)).toEqual([404, 401, 403, 409, 500, 503]);
      expect(JSON.parse(answers[0]!.body.toString())).toEqual({
        code: 'CAMERA_AWAY',
        message: 'cam1 is away',
        mend: expect.any(String),
      });
      expect(answers[1]!.headers['www-authenticate']).toMatch(/^Bearer/);
      expect(JSON.parse(answers[3]!.body.toString())).toEqual({ code: 'acme.x/FULL', message: 'full' });
      expect(answers[3]!.headers['retry-after']).toBe('7');
      expect(answers[4]!.body.toString()).not.toContain('42');
      expect(answers[5]!.headers['retry-after']).toBeDefined();
    });

    it('streams with back-pressure and tells the handler when the client is gone', async () => {
      let produced = 0;
      let ended!: () => void;
      const over = new Promise<void>((resolve) => (ended = resolve));
      let aborted = false;
      http.route({
        method: 'GET',
        path: '/stream',
        handler: (request) => {
          request.signal.addEventListener('abort', () => (aborted = true));
          return {
            body: (async function* () {
              try {
                for (;;) {
                  produced += 1;
                  yield Buffer.alloc(256 * 1024);
                }
              } finally {
                ended();
              }
            })(),
          };
        },
      });
      const request = httpRequest(new URL('/stream', http.urls[0]), { agent: false });
      request.on('error', () => {});
      request.end();
      await new Promise((resolve) => request.on('response', (response) => (response.pause(), resolve(undefined))));
      let before = -1;
      while (before !== produced) {
        before = produced;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(produced).toBeLessThan(200);
      request.destroy();
      await over;
      expect(aborted).toBe(true);
    });
  });
}
