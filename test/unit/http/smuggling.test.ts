/** Requests that two servers could read in two ways: refused, or harmless. Written to the socket as they are. */
import { once } from 'node:events';
import { mkdtempSync } from 'node:fs';
import { connect as connectHttp2, type ClientHttp2Session } from 'node:http2';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { afterEach, describe, expect, it } from 'vitest';
import { credentialsOf } from '../../../core/plugin/index.ts';
import { certify } from '../../support/certificates.ts';
import { startServer, type Started } from './start-server.ts';

const started: Started[] = [];
/** Requests that came to a handler: method, path, key, body. */
let handled: string[] = [];

async function server(written: Readonly<Record<string, unknown>> = {}): Promise<Started> {
  const one = await startServer(written);
  started.push(one);
  handled = [];
  one.http.route({
    method: ['GET', 'POST'],
    path: '/*',
    handler: async (request) => {
      const body = Buffer.from(await request.body()).toString();
      const { token = '' } = credentialsOf(request);
      handled.push([request.method, request.path, token, body].join(' ').trim());
      return { body: request.remoteAddress };
    },
  });
  return one;
}
afterEach(async () => {
  await Promise.all(started.splice(0).map((one) => one.stop()));
});

/** Sends bytes on one connection, and reads all that comes until the server closes it or is silent. */
async function send(url: string, ...lines: readonly string[]): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  let answer = '';
  socket.on('data', (data) => (answer += String(data)).length && socket.setTimeout(200));
  socket.on('error', () => {});
  await once(socket, 'connect');
  socket.setTimeout(1000, () => socket.destroy());
  socket.write(lines.join('\r\n'));
  await once(socket, 'close');
  return answer;
}
const statuses = (answer: string): number[] =>
  [...answer.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => Number(status));

const HOST = 'Host: eddy.example';
const HIDDEN = ['GET /hidden HTTP/1.1', HOST, '', ''];

describe('HTTP/1.1', () => {
  it.each<[string, readonly string[]]>([
    ['two lengths', ['Content-Length: 0', `Content-Length: ${HIDDEN.join('\r\n').length}`]],
    ['a list of lengths', ['Content-Length: 0, 5']],
    ['a length with a sign', ['Content-Length: +0']],
    ['a length with a space in its name', ['Content-Length : 0']],
    ['length and chunked', ['Content-Length: 4', 'Transfer-Encoding: chunked']],
    ['chunked and length', ['Transfer-Encoding: chunked', 'Content-Length: 4']],
    ['an encoding that is none', ['Transfer-Encoding: xchunked']],
    ['chunked, but not last', ['Transfer-Encoding: chunked, identity']],
    ['an encoding in two lines', ['Transfer-Encoding: identity', 'Transfer-Encoding: chunked, x']],
    ['a folded header', ['X: a', ' Content-Length: 0']],
    ['a bare line feed', ['X: a\nContent-Length: 0']],
    ['a null byte', ['X: a\0b']],
    ['no host', []],
  ])('refuses %s, and what is hidden behind it', async (what, headers) => {
    const { url } = await server();
    const host = what === 'no host' ? [] : [HOST];
    const answer = await send(url, 'POST /x HTTP/1.1', ...host, ...headers, '', '0', '', ...HIDDEN);
    expect(statuses(answer)[0], answer).toBe(400);
    expect(handled.join()).not.toContain('hidden');
    expect(handled.filter((line) => line.startsWith('POST'))).toEqual([]);
  });

  it.each([
    ['two hosts', ['Host: other.example']],
    ['two keys', ['Authorization: Bearer good', 'AUTHORIZATION: Bearer bad']],
  ])('refuses %s', async (_, headers) => {
    const { url } = await server();
    const answer = await send(url, 'GET /x HTTP/1.1', HOST, ...headers, '', '');
    expect(answer).toMatch(/^HTTP\/1.1 400 [^]*\r\nconnection: close\r\n[^]*HTTP_BAD_REQUEST/i);
    expect(handled).toEqual([]);
  });

  it('refuses chunks whose sizes can be read in two ways', async () => {
    const { url } = await server();
    for (const size of ['0x5', '5;\n', '-1', ' 5', '5 5']) {
      const answer = await send(
        url,
        'POST /x HTTP/1.1',
        HOST,
        'Transfer-Encoding: chunked',
        '',
        size,
        'hello',
        '0',
        '',
        ...HIDDEN,
      );
      expect(statuses(answer).slice(0, 1), JSON.stringify(size)).toEqual([400]);
    }
    expect(handled.join()).not.toContain('hidden');
  });

  it('refuses a key or an address that is far too long', async () => {
    const { url } = await server();
    const long = 'a'.repeat(20_000);
    for (const lines of [
      ['GET /x HTTP/1.1', HOST, `Authorization: Bearer ${long}`],
      [`GET /x?token=${long} HTTP/1.1`, HOST],
      ['GET /x HTTP/1.1', HOST, ...Array.from({ length: 2500 }, (_, i) => `X${i}: a`)],
    ]) {
      expect(statuses(await send(url, ...lines, '', ''))).toEqual([431]);
    }
    expect(handled).toEqual([]);
    expect(statuses(await send(url, ...HIDDEN))).toEqual([200]);
  });

  it('keeps the one reading that there is: an address with a host, a query with lengths, a body', async () => {
    const { url } = await server();
    const answer = await send(
      url,
      'POST http://other.example/x?Content-Length=99 HTTP/1.1',
      HOST,
      'Content-Length: 5',
      '',
      `hello${HIDDEN.join('\r\n')}`,
    );
    expect(statuses(answer)).toEqual([200, 200]);
    expect(handled.sort()).toEqual(['GET /hidden', 'POST /x  hello']);
  });

  it('refuses a tunnel, and answers an upgrade that it does not know as if it were not there', async () => {
    const { url } = await server();
    expect(await send(url, 'CONNECT other.example:443 HTTP/1.1', 'Host: other.example:443', '', '')).toBe('');
    const answer = await send(
      url,
      'GET /x HTTP/1.1',
      HOST,
      'Connection: Upgrade, HTTP2-Settings',
      'Upgrade: h2c',
      'HTTP2-Settings: AAMAAABk',
      '',
      '',
    );
    expect(statuses(answer)).toEqual([200]);
  });

  it('believes X-Forwarded-For only of its proxies, and of several lines only what they have seen', async () => {
    const lie = ['X-Forwarded-For: 203.0.113.9', 'Forwarded: for=203.0.113.9', 'X-Real-IP: 203.0.113.9'];
    const ask = async (config: object, ...headers: readonly string[]): Promise<string> => {
      const { url } = await server(config as Record<string, unknown>);
      return (await send(url, 'GET /x HTTP/1.1', HOST, ...headers, '', '')).split('\r\n\r\n')[1]!;
    };
    expect(await ask({}, ...lie)).toBe('127.0.0.1');
    expect(await ask({ proxies: ['10.0.0.0/8'] }, ...lie)).toBe('127.0.0.1');
    const proxies = ['127.0.0.1', '10.0.0.0/8'];
    expect(await ask({ proxies }, 'X-Forwarded-For: 203.0.113.9')).toBe('203.0.113.9');
    // The client's own line comes first, and says nothing.
    expect(await ask({ proxies }, ...lie, 'X-Forwarded-For: 198.51.100.7, 10.1.2.3')).toBe('198.51.100.7');
    expect(await ask({ proxies }, 'X-Forwarded-For: 203.0.113.9, nonsense')).toBe('127.0.0.1');
  });
});

describe('HTTP/2', () => {
  const folder = mkdtempSync(join(tmpdir(), 'eddy-smuggling-'));
  const tls = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') };
  certify('smuggling', tls.cert, tls.key);
  let session: ClientHttp2Session;

  /** The status, or how the stream ended. */
  async function ask(url: string, headers: Record<string, string | string[]>, body?: string): Promise<unknown> {
    session = connectHttp2(url, { rejectUnauthorized: false });
    session.on('error', () => {});
    try {
      const stream = session.request(headers, { endStream: body === undefined });
      if (body !== undefined) stream.end(body);
      const [answer] = (await once(stream, 'response')) as [Record<string, unknown>];
      return answer[':status'];
    } catch (error) {
      return (error as { code?: string }).code;
    } finally {
      session.destroy();
    }
  }

  it('refuses a host that is not the authority, a path that is none, and lengths that lie', async () => {
    const { url } = await server({ tls });
    const authority = new URL(url).host;
    expect(await ask(url, { ':path': '/x', ':authority': authority, host: authority })).toBe(200);
    expect(await ask(url, { ':path': '/x', ':authority': authority, host: 'other.example' })).toBe(400);
    expect(await ask(url, { ':path': '/a/../hidden' })).toBe(400);
    handled = [];
    const odd: [Record<string, string | string[]>, string?][] = [
      [{ ':path': 'hidden' }],
      [{ ':path': '/x', ':method': 'CONNECT' }],
      [{ ':path': '/x', ':method': 'POST', 'content-length': '2' }, 'hello'],
      [{ ':path': '/x', ':method': 'POST', 'content-length': '50' }, 'hello'],
    ];
    for (const [headers, body] of odd) expect(await ask(url, headers, body), JSON.stringify(headers)).not.toBe(200);
    expect(handled).toEqual([]);
  });

  it.each([
    ['a path with a line of headers in it', [0x04, ...text('/x HTTP/1.1\r\nX: y')]],
    ['a second path', [0x84, 0x04, ...text('/hidden')]],
    ['transfer-encoding', [0x84, 0x00, ...text('transfer-encoding'), ...text('chunked')]],
    ['connection', [0x84, 0x00, ...text('connection'), ...text('close')]],
    ['a name in capitals', [0x84, 0x00, ...text('X-Token'), ...text('a')]],
    ['a pseudo-header behind others', [0x00, ...text('x'), ...text('y'), 0x84]],
    ['a pseudo-header that there is not', [0x84, 0x00, ...text(':hidden'), ...text('/hidden')]],
    ['no path', []],
  ])('refuses %s', async (_, fields) => {
    const { url } = await server({ tls });
    const { frames, socket } = await sendBlock(url, fields);
    // RST_STREAM or GOAWAY, and never the HEADERS of an answer.
    await expect.poll(() => frames.some((type) => type === 3 || type === 7)).toBe(true);
    expect(frames).not.toContain(1);
    expect(handled).toEqual([]);
    socket.destroy();
  });

  it('leaves out a header with a line feed', async () => {
    const { url } = await server({ tls });
    const { frames, socket } = await sendBlock(url, [
      0x84,
      0x00,
      ...text('authorization'),
      ...text('Bearer a\r\nb: c'),
    ]);
    await expect.poll(() => frames.includes(1)).toBe(true);
    expect(handled).toEqual(['GET /']);
    socket.destroy();
  });

  /** Sends a block of headers as it is: `:method: GET`, `:scheme: https`, then these (RFC 9113 6.2, RFC 7541). */
  async function sendBlock(url: string, fields: readonly number[]) {
    const socket = connectTls({ port: Number(new URL(url).port), rejectUnauthorized: false, ALPNProtocols: ['h2'] });
    const frames: number[] = [];
    let bytes = Buffer.alloc(0);
    socket.on('data', (data: Buffer) => {
      bytes = Buffer.concat([bytes, data]);
      for (let size = 9; bytes.length >= 9 && bytes.length >= (size = 9 + bytes.readUIntBE(0, 3));) {
        frames.push(bytes[3]!);
        bytes = bytes.subarray(size);
      }
    });
    socket.on('error', () => {});
    await once(socket, 'secureConnect');
    const block = Buffer.from([0x82, 0x87, 0x01, ...text('eddy.example'), ...fields]);
    // HEADERS with END_STREAM and END_HEADERS on stream 1.
    const head = Buffer.from([0, 0, block.length, 1, 5, 0, 0, 0, 1]);
    socket.write(Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), SETTINGS, head, block]));
    return { frames, socket };
  }

  it('ends a request whose body never comes whole', async () => {
    const { url } = await server({ tls, 'request-timeout': '300ms' });
    session = connectHttp2(url, { rejectUnauthorized: false });
    const stream = session.request({ ':path': '/x', ':method': 'POST' });
    const drip = setInterval(() => stream.write('a'), 50);
    stream.on('error', () => {});
    await once(stream, 'close');
    clearInterval(drip);
    expect(stream.rstCode).toBe(8);
    expect(handled).toEqual([]);
    session.destroy();
  });
});

/** An empty SETTINGS frame. */
const SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** A string of HPACK, not Huffman coded (RFC 7541 5.2). */
function text(value: string): number[] {
  return [value.length, ...Buffer.from(value, 'latin1')];
}
