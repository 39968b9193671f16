import { once } from 'node:events';
import { mkdtempSync, renameSync, writeFileSync } from 'node:fs';
import { connect as connectHttp2 } from 'node:http2';
import { request as httpsRequest } from 'node:https';
import { connect as connectTcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { certify } from '../../support/certificates.ts';
import { startServer, type Started } from './start-server.ts';

const started: Started[] = [];
async function server(written: Readonly<Record<string, unknown>>) {
  const one = await startServer(written);
  started.push(one);
  return one;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

describe('TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eddy-tls-'));
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')];
  certify('first', cert, key);

  it('serves HTTP/2, and HTTP/1.1 to who asks for it, and stops with a session open', async () => {
    const one = await server({ tls: { cert, key } });
    expect(one.url).toMatch(/^https:/);
    one.http.route({
      method: 'POST',
      path: '/x/:camera',
      handler: async (request) => ({ status: 201, body: await request.body() }),
    });
    one.http.route({ method: 'GET', path: '/wait', handler: () => new Promise(() => {}) });
    const session = connectHttp2(one.url, { rejectUnauthorized: false });
    session.on('error', () => {});
    const stream = session.request({ ':method': 'POST', ':path': '/x/cam1' });
    stream.end('hello');
    const [headers] = (await once(stream, 'response')) as [Record<string, unknown>];
    expect(headers).toMatchObject({ ':status': 201, 'strict-transport-security': 'max-age=86400' });
    expect(Buffer.concat(await stream.toArray()).toString()).toBe('hello');

    const http1 = await new Promise<number>((resolve, reject) => {
      const request = httpsRequest(new URL('/x/cam1', one.url), {
        method: 'POST',
        rejectUnauthorized: false,
        agent: false,
      });
      request.on('response', (response) => (response.resume(), resolve(response.statusCode ?? 0)));
      request.on('error', reject);
      request.end('x');
    });
    expect(http1).toBe(201);
    const waiting = session.request({ ':path': '/wait' });
    waiting.on('error', () => {});
    const gone = once(session, 'close');
    await one.running.stop?.();
    await gone;
  });

  it('closes a connection whose handshake does not come to its end', async () => {
    const one = await server({ tls: { cert, key }, 'request-timeout': '300ms' });
    const silent = connectTcp(Number(new URL(one.url).port), '127.0.0.1');
    silent.on('error', () => {});
    await once(silent, 'close');
    // Nor does one that speaks plainly get an answer, or end anything else.
    const plain = connectTcp(Number(new URL(one.url).port), '127.0.0.1');
    let answer = '';
    plain.on('data', (data) => (answer += String(data))).on('error', () => {});
    plain.write('GET / HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(plain, 'close');
    expect(answer).not.toMatch(/HTTP\/1.1 [23]/);
    (await connected(one.url)).destroy();
  });

  it('says what is wrong with a certificate', async () => {
    writeFileSync(join(folder, 'bad.pem'), 'nonsense');
    await expect(server({ tls: { cert: join(folder, 'bad.pem'), key } })).rejects.toMatchObject({
      code: 'HTTP_TLS_INVALID',
    });
    await expect(server({ tls: { cert: join(folder, 'no.pem'), key } })).rejects.toMatchObject({
      code: 'HTTP_TLS_INVALID',
    });
  });

  it('takes a renewed certificate for new connections, and keeps the old one while the new pair is not whole', async () => {
    const [own, ownKey] = [join(folder, 'own.pem'), join(folder, 'own-key.pem')];
    const [next, nextKey] = [join(folder, 'next.pem'), join(folder, 'next-key.pem')];
    certify('before', own, ownKey);
    certify('after', next, nextKey);
    const one = await server({ tls: { cert: own, key: ownKey } });
    const open = await connected(one.url);
    expect(open.getPeerCertificate().subject.CN).toBe('before');
    const renewed = async (): Promise<string> => {
      one.engine.tick();
      const socket = await connected(one.url);
      const { CN } = socket.getPeerCertificate().subject;
      socket.destroy();
      return String(CN);
    };
    renameSync(next, own);
    expect(await renewed()).toBe('before');
    renameSync(nextKey, ownKey);
    await expect.poll(renewed).toBe('after');
    expect(open.destroyed).toBe(false);
    open.destroy();
  });
});

async function connected(url: string): Promise<TLSSocket> {
  const socket = connectTls({ host: '127.0.0.1', port: Number(new URL(url).port), rejectUnauthorized: false });
  await once(socket, 'secureConnect');
  return socket;
}
