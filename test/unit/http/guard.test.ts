import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { EddyError, credentialsOf } from '../../../core/plugin/index.ts';
import { raw } from '../../contract/http-server.ts';
import { certify } from '../../support/certificates.ts';
import { startServer, type Started } from './start-server.ts';

const started: Started[] = [];
/** A server that does not make an exception for this machine, with a route that takes the keys `good...`. */
async function server(written: Readonly<Record<string, unknown>> = {}): Promise<Started> {
  const one = await startServer({ unlimited: [], ...written });
  started.push(one);
  one.http.route({
    method: 'GET',
    path: '/watch/:camera',
    handler: (request) => {
      const { token } = credentialsOf(request);
      if (token?.startsWith('good')) return { body: 'media' };
      throw new EddyError('WATCH_REFUSED', 'This key is not known.', { details: { reason: 'unauthenticated' } });
    },
  });
  return one;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** The statuses of requests one after another. */
async function ask(url: string, paths: readonly string[], headers: Record<string, string> = {}): Promise<number[]> {
  const statuses: number[] = [];
  for (const path of paths) statuses.push((await raw(url, path, { headers })).status);
  return statuses;
}
const times = (count: number, path: string): string[] => Array.from({ length: count }, () => path);
const GOOD = '/watch/cam1?token=good';

describe('rate', () => {
  it('answers what is too much with 429, when to ask again, and so that pages of other origins can read it', async () => {
    const { url } = await server({ rate: '5 in 1h' });
    expect(await ask(url, times(6, GOOD))).toEqual([200, 200, 200, 200, 200, 429]);
    const refused = await raw(url, GOOD, { headers: { origin: 'https://player.example' } });
    expect(refused.headers).toMatchObject({ 'retry-after': '720', 'access-control-allow-origin': '*' });
    expect(refused.headers['access-control-expose-headers']).toContain('retry-after');
    expect(JSON.parse(refused.body.toString())).toMatchObject({ code: 'HTTP_TOO_MANY_REQUESTS' });
    // Nor does it find out what exists.
    expect(await ask(url, ['/nothing'])).toEqual([429]);
  });

  it('counts clients behind a proxy one by one, and proxies and trusted addresses not at all', async () => {
    const { url } = await server({ rate: '2 in 1h', proxies: ['127.0.0.1'] });
    const from = (address: string) => ask(url, times(3, GOOD), { 'x-forwarded-for': address });
    expect(await from('198.51.100.7')).toEqual([200, 200, 429]);
    expect(await from('198.51.100.8')).toEqual([200, 200, 429]);
    expect(await from('2001:db8::1')).toEqual([200, 200, 429]);
    expect(await from('2001:db8::2')).toEqual([429, 429, 429]);
    expect(await ask(url, times(3, GOOD))).toEqual([200, 200, 200]);
    const trusting = await server({ rate: '2 in 1h', unlimited: ['127.0.0.0/8'] });
    expect(await ask(trusting.url, times(4, GOOD))).toEqual([200, 200, 200, 200]);
  });
});

describe('refusals', () => {
  it('stop an address that tries keys, unseen, while keys that were good there go on', async () => {
    const { url } = await server({ refusals: '3 in 1h' });
    const guesses = Array.from({ length: 6 }, (_, i) => `/watch/cam1?token=guess${i}`);
    // The first good one is known only once somebody was refused: before, nothing is kept of anybody.
    expect(await ask(url, [...guesses.slice(0, 1), GOOD, ...guesses.slice(1)])).toEqual([
      401, 200, 401, 401, 429, 429, 429,
    ]);
    expect(await ask(url, [GOOD, '/watch/cam1?token=good2'])).toEqual([200, 429]);
    expect(await ask(url, ['/watch/cam1'], { authorization: 'Bearer good2' })).toEqual([429]);
    // A door that is open to anyone says of no key that it is good.
    expect(await ask(url, ['/page?token=guess9', '/watch/cam1?token=guess9'])).toEqual([429, 429]);
    // A sealed session is no key: nobody guesses one.
    expect(await ask(url, ['/~sealed-session/watch/cam1'], { cookie: 'eddy=sealed' })).not.toContain(429);
    // Without a key there is nothing to guess: a page may load, and ask for one.
    expect(await ask(url, ['/watch/cam1', '/nothing'])).toEqual([401, 404]);
  });

  it('are not got around by a door that is open to anyone', async () => {
    const one = await server({ refusals: '2 in 1h' });
    one.http.route({ method: 'GET', path: '/page', handler: () => ({ body: 'page' }) });
    const tries = Array.from({ length: 4 }, (_, i) => [`/page?token=guess${i}`, `/watch/cam1?token=guess${i}`]).flat();
    expect(await ask(one.url, tries)).toEqual([200, 401, 200, 401, 429, 429, 429, 429]);
    expect(await ask(one.url, ['/watch/cam1?%74oken=guess', '/watch/cam1?a=b&t%6Fken=guess'])).toEqual([429, 429]);
  });

  it('of requests without a key, and of other kinds, count for nothing', async () => {
    const { url } = await server({ refusals: '2 in 1h' });
    expect(await ask(url, times(4, '/watch/cam1'))).toEqual([401, 401, 401, 401]);
    expect(await ask(url, times(4, '/nothing?token=a'))).toEqual([404, 404, 404, 404]);
    expect(await ask(url, ['/watch/cam1?token=a'])).toEqual([401]);
  });

  it('of one address are nothing to another', async () => {
    const { url } = await server({ refusals: '1 in 1h', proxies: ['127.0.0.1'] });
    const bad = times(2, '/watch/cam1?token=bad');
    expect(await ask(url, bad, { 'x-forwarded-for': '198.51.100.7' })).toEqual([401, 429]);
    expect(await ask(url, bad, { 'x-forwarded-for': '198.51.100.8' })).toEqual([401, 429]);
    expect(await ask(url, ['/watch/cam1?token=good3'], { 'x-forwarded-for': '198.51.100.9' })).toEqual([200]);
  });

  it('count for an address whose connection has gone when they are refused', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'eddy-guard-'));
    const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
    certify('guard', tls.cert, tls.key);
    const one = await server({ refusals: '1 in 1h', tls });
    const asked = Promise.withResolvers<void>();
    const gone = Promise.withResolvers<void>();
    const refused = Promise.withResolvers<void>();
    one.http.route({
      method: 'GET',
      path: '/slow',
      handler: async () => {
        asked.resolve();
        await gone.promise;
        setImmediate(refused.resolve);
        throw new EddyError('WATCH_REFUSED', 'This key is not known.', { details: { reason: 'unauthenticated' } });
      },
    });
    const guess = connectHttp2(one.url, { rejectUnauthorized: false });
    guess.request({ ':path': '/slow?token=guess' }).on('error', () => {});
    await asked.promise;
    guess.destroy();
    await expect
      .poll(() => (one.engine.tick(), one.ctx.pipeline.metrics()))
      .toMatch(/^eddy_http_connections(\{.*\})? 0$/m);
    gone.resolve();
    await refused.promise;
    const next = connectHttp2(one.url, { rejectUnauthorized: false });
    const [headers] = (await once(next.request({ ':path': '/watch/cam1?token=guess2' }), 'response')) as [object];
    expect(headers).toMatchObject({ ':status': 429 });
    next.close();
  });
});

describe('connections of one address', () => {
  it('end at their limit, and make room when they close', async () => {
    const { url } = await server({ 'connections-per-address': 2 });
    const open = async (): Promise<Socket> => {
      const socket = connect(Number(new URL(url).port), '127.0.0.1');
      socket.on('error', () => {});
      await once(socket, 'connect');
      return socket;
    };
    const held = [await open(), await open()];
    const third = await open();
    await once(third, 'close');
    expect(held.map(({ destroyed }) => destroyed)).toEqual([false, false]);
    held[0]!.destroy();
    await expect.poll(() => ask(url, [GOOD]).catch(() => 'closed')).toEqual([200]);
    held[1]!.destroy();
  });
});

describe('headers of every answer', () => {
  it('keep browsers strict; other origins may embed what they may read, and nothing else', async () => {
    const one = await server({ cors: ['https://player.example'] });
    one.http.route({ method: 'GET', path: '/page', cors: false, handler: () => ({ body: 'page' }) });
    for (const [path, status, policy] of [
      [GOOD, 200, 'cross-origin'],
      ['/watch/cam1', 401, 'cross-origin'],
      ['/page', 200, 'same-origin'],
      ['/nothing', 404, 'same-origin'],
    ] as const) {
      const answer = await raw(one.url, path);
      expect(answer.status).toBe(status);
      expect(answer.headers, path).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-resource-policy': policy,
      });
      expect(answer.headers['strict-transport-security']).toBeUndefined();
      if (status >= 400) expect(answer.headers['content-security-policy']).toMatch(/default-src 'none'/);
    }
    const closed = await server({ cors: [] });
    expect((await raw(closed.url, GOOD)).headers['cross-origin-resource-policy']).toBe('same-origin');
  });
});
