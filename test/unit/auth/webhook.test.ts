import type { ServerResponse } from 'node:http';
import { Webhook } from 'standardwebhooks';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { access } from '../../contract/authorizer.ts';
import { startJsonServer, type Answerer } from '../../support/json-server.ts';
import { manifest } from '../../../plugins/auth/webhook/plugin.ts';
import { problemsOf, startTlsServer, stopping } from './kit.ts';
import { startWebhook } from './webhook-kit.ts';

const start = stopping(startWebhook);
const problems = (written: Readonly<Record<string, unknown>>) => problemsOf(manifest, written).map(({ code }) => code);

const yes = (more: Readonly<Record<string, unknown>> = {}): Answerer => {
  return () => ({ allowed: true, subject: 'ada', ...more });
};
const status =
  (code: number): Answerer =>
  (_, response) =>
    void response.writeHead(code).end();
const unavailable = { code: 'auth.webhook/UNAVAILABLE' };

describe('a question', () => {
  it('tells who wants what, and nothing else', async () => {
    const { ask, auth, server } = await start(yes());
    const peer = { address: '192.0.2.7', protocol: 'whep', origin: 'https://example.org', userAgent: 'VLC' };
    await ask({ token: 'a', user: 'ada', password: 'p' }, 'watch', 'door1', peer);
    await auth.authorize(access('admin', undefined, {}));
    expect(server.asked.map(({ method, headers }) => [method, headers['content-type']])).toEqual([
      ['POST', 'application/json'],
      ['POST', 'application/json'],
    ]);
    expect(server.asked.map(({ body }) => JSON.parse(body) as unknown)).toEqual([
      { version: 1, action: 'watch', camera: 'door1', credentials: { token: 'a', user: 'ada', password: 'p' }, peer },
      { version: 1, action: 'admin', credentials: {}, peer: { address: '127.0.0.1', protocol: 'internal' } },
    ]);
  });

  it('is not asked for credentials that are no such', async () => {
    const { ask, server } = await start(yes());
    for (const part of ['token', 'user', 'password'])
      expect(await ask({ [part]: 'x'.repeat(16_385) })).toMatchObject({ reason: 'unauthenticated' });
    expect(server.asked).toEqual([]);
  });

  it('is signed as the Standard Webhooks want it', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    const { ask, server } = await start(yes(), { secret });
    await ask();
    const [{ body, headers }] = server.asked as [(typeof server.asked)[0]];
    expect(new Webhook(secret).verify(body, headers as Record<string, string>)).toMatchObject({ action: 'watch' });
    expect(() => new Webhook(secret).verify(`${body} `, headers as Record<string, string>)).toThrow();
  });
});

describe('an answer', () => {
  it('becomes a grant with every limit', async () => {
    const { ask } = await start(
      yes({
        ttl: '30s',
        expiresAt: '2999-01-01T00:00:00Z',
        actions: ['rewind'],
        rewind: '30m',
        maxBitrate: '4Mbps',
        maxLines: 720,
        sessions: 2,
        origins: ['https://example.org'],
        addresses: ['10.0.0.0/8'],
        role: 'read-only',
      }),
      { 'on-outage': 'end' },
    );
    expect(await ask()).toEqual({
      allowed: true,
      subject: 'ada',
      actions: ['watch', 'rewind'],
      recheck: 30_000,
      onOutage: 'end',
      expiresAt: Date.UTC(2999, 0, 1),
      rewind: 1_800_000,
      maxBitrate: 4_000_000,
      maxLines: 720,
      sessions: 2,
      origins: ['https://example.org'],
      addresses: ['10.0.0.0/8'],
      role: 'read-only',
    });
  });

  it('may refuse, with a reason and a message', async () => {
    const { ask, server } = await start(() => ({ allowed: false, reason: 'forbidden', message: 'Not paid.' }));
    expect(await ask()).toEqual({ allowed: false, reason: 'forbidden', message: 'Not paid.' });
    server.answer = () => ({ allowed: false });
    expect(await ask({})).toMatchObject({ reason: 'unauthenticated' });
    expect(await ask({ token: 'b' })).toMatchObject({ reason: 'forbidden' });
  });

  it('holds for its ttl, for Cache-Control, or as configured; then it is asked for again', async () => {
    const cached =
      (header: string): Answerer =>
      (_, response) =>
        void response.setHeader('cache-control', header).end(JSON.stringify({ allowed: true, subject: 'ada' }));
    for (const [answer, recheck] of [
      [yes({ ttl: '20s' }), 20_000],
      [cached('private, max-age=30'), 30_000],
      [yes(), 60_000],
      [yes({ ttl: '10h' }), 3_600_000],
    ] as const) {
      const { ask, server, pass } = await start(answer);
      expect(await ask()).toMatchObject({ recheck });
      pass(recheck - 1000);
      await ask();
      expect(server.asked.length).toBe(1);
      pass(1001);
      await ask();
      expect(server.asked.length).toBe(2);
    }
    for (const answer of [yes({ ttl: '0s' }), cached('no-store'), cached('max-age=0')]) {
      const { ask, server } = await start(answer);
      expect(await ask()).toMatchObject({ recheck: 5000 });
      await ask();
      expect(server.asked.length).toBe(2);
    }
  });

  it('that refuses holds for a short time only', async () => {
    const { ask, server, pass } = await start(() => ({ allowed: false, ttl: '1h' }));
    await ask();
    await ask();
    expect(server.asked.length).toBe(1);
    pass(10_001);
    server.answer = yes();
    expect(await ask()).toMatchObject({ allowed: true });
  });

  it('is that to one question: another camera, action, address, token or page is another', async () => {
    const { ask, server } = await start(yes());
    const questions = [
      () => ask(),
      () => ask({ token: 'b' }),
      () => ask({ user: 'a' }),
      () => ask({ token: 'a' }, 'publish'),
      () => ask({ token: 'a' }, 'watch', 'door2'),
      () => ask({ token: 'a' }, 'watch', 'door1', { address: '192.0.2.7' }),
      () => ask({ token: 'a' }, 'watch', 'door1', { origin: 'https://example.org' }),
      () => ask({ token: 'a' }, 'watch', 'door1', { protocol: 'hls' }),
    ];
    for (const question of [...questions, ...questions]) await question();
    expect(server.asked.length).toBe(questions.length);
  });

  it('is one for equal questions at one time', async () => {
    const { ask, server } = await start(yes({ ttl: '0s' }));
    const answers = await Promise.all(Array.from({ length: 50 }, () => ask()));
    expect(answers.every(({ allowed }) => allowed)).toBe(true);
    expect(server.asked.length).toBe(1);
  });
});

describe('nobody new is let in', () => {
  const later = (ms: number, send: (response: ServerResponse) => void): Answerer => {
    return (_, response) => void setTimeout(() => send(response), ms);
  };
  const text = (body: string): Answerer => {
    return (_, response) => void response.end(body);
  };
  const yesText = JSON.stringify({ allowed: true, subject: 'ada' });

  it.each<[string, Answerer, string]>([
    ['404', status(404), 'it answered 404'],
    ['a yes with 500', (_, response) => void response.writeHead(500).end(yesText), 'it answered 500'],
    ['a yes with 201', (_, response) => void response.writeHead(201).end(yesText), 'it answered 201'],
    ['a yes with 401', (_, response) => void response.writeHead(401).end(yesText), 'it answered 401'],
    ['nothing', text(''), 'not JSON'],
    ['HTML', text('<html>allowed</html>'), 'not JSON'],
    ['half of it', text(yesText.slice(0, -4)), 'not JSON'],
    ['true', text('true'), 'it is no object'],
    ['null', text('null'), 'it is no object'],
    ['a list', text(`[${yesText}]`), 'it is no object'],
    ['an empty object', text('{}'), 'does not say whether'],
    ['"allowed": "true"', text('{"allowed":"true","subject":"ada"}'), '"allowed" must be boolean'],
    ['"allowed": 1', text('{"allowed":1,"subject":"ada"}'), '"allowed" must be boolean'],
    ['a yes to nobody', text('{"allowed":true}'), 'names no "subject"'],
    ['a misspelt limit', text('{"allowed":true,"subject":"ada","rewnd":"30m"}'), 'no member "rewnd"'],
    ['a limit without a unit', text('{"allowed":true,"subject":"ada","rewind":"30"}'), 'has no unit'],
    ['an endless body', text(`{"allowed":true,"subject":"${'a'.repeat(100_000)}"}`), 'longer than 65536 bytes'],
    ['silence', () => undefined, 'no whole answer within'],
    ['a slow yes', later(600, (response) => void response.end(yesText)), 'no whole answer within'],
    ['a body that stops', (_, response) => void response.write('{"allowed":true,'), 'no whole answer within'],
    ['a closed connection', (_, response) => void response.socket!.destroy(), 'socket hang up'],
  ])('by %s', async (_, answer, said) => {
    const { ask, engine } = await start(answer, { timeout: '300ms', retries: 0 });
    await expect(ask()).rejects.toMatchObject({ ...unavailable, message: expect.stringContaining(said) });
    // Told to the operator once, not to the one who asked a second time.
    await expect(ask()).rejects.toMatchObject(unavailable);
    expect(engine.reports.length).toBe(1);
  });

  it('by a redirect, wherever it leads', async () => {
    const elsewhere = await startJsonServer(yes());
    onTestFinished(elsewhere.close);
    for (const code of [301, 302, 303, 307, 308]) {
      const { ask } = await start((_, response) => void response.writeHead(code, { location: elsewhere.url }).end());
      await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining(`it answered ${code}`) });
    }
    expect(elsewhere.asked).toEqual([]);
  });

  it('by a server whose certificate is not trusted', async () => {
    const { tls, ca } = await startTlsServer(yes());
    const strict = await start(yes(), { url: tls.url, retries: 0 });
    await expect(strict.ask()).rejects.toMatchObject(unavailable);
    expect(tls.asked).toEqual([]);
    const { ask } = await start(yes(), { url: tls.url, ca });
    expect(await ask()).toMatchObject({ allowed: true });
    const missing = start(yes(), { ca: `${ca}.none` });
    await expect(missing).rejects.toMatchObject({ code: 'auth.webhook/CA_UNREADABLE' });
  });
});

describe('a server in trouble', () => {
  it('is asked again at once, a few times', async () => {
    let failures = 2;
    const { ask, server } = await start((asked, response) => {
      if (failures-- > 0) return status(failures === 0 ? 429 : 503)(asked, response);
      return { allowed: true, subject: 'ada' };
    });
    expect(await ask()).toMatchObject({ allowed: true });
    expect(server.asked.length).toBe(3);
    failures = 9;
    await expect(ask({ token: 'b' })).rejects.toMatchObject(unavailable);
    expect(server.asked.length).toBe(6);
  });

  it('is left alone after five failures, then tried by one question', async () => {
    const { ask, server, pass, engine } = await start(yes());
    expect(await ask({ token: 'known' })).toMatchObject({ allowed: true });
    await server.down();
    for (let n = 0; n < 5; n++) await expect(ask({ token: `${n}` })).rejects.toMatchObject(unavailable);
    await server.up();
    await expect(ask()).rejects.toMatchObject({ message: expect.stringContaining('left alone for now') });
    // What was answered before holds for its time.
    expect(await ask({ token: 'known' })).toMatchObject({ allowed: true });
    expect(server.asked.length).toBe(1);
    expect(await engine.metrics.text()).toContain('eddy_auth_webhook_up 0');
    pass(5001);
    server.answer = (_, response) => void setTimeout(() => response.end('{"allowed":true,"subject":"ada"}'), 50);
    const probe = ask();
    await expect(ask({ token: 'meanwhile' })).rejects.toMatchObject(unavailable);
    expect(await probe).toMatchObject({ allowed: true });
    expect(await ask({ token: 'after' })).toMatchObject({ allowed: true });
    expect(await engine.metrics.text()).toContain('eddy_auth_webhook_up 1');
    expect(engine.reports.map(({ code }) => code)).toEqual(['auth.webhook/UNAVAILABLE']);
  });

  it('is asked so many questions at once and no more; those that wait too long are not answered', async () => {
    const open: ServerResponse[] = [];
    const { ask, server } = await start((_, response) => void open.push(response), {
      concurrency: 4,
      timeout: '500ms',
    });
    const asked = Array.from({ length: 12 }, (_, n) =>
      ask({ token: `${n}` }).then(
        ({ allowed }) => allowed,
        (error: Error) => error.message,
      ),
    );
    await vi.waitFor(() => expect(server.asked.length).toBe(4));
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(server.asked.length).toBe(4);
    for (const response of open.splice(0)) response.end('{"allowed":true,"subject":"ada"}');
    await vi.waitFor(() => expect(server.asked.length).toBe(8));
    const outcomes = await Promise.all(asked);
    expect(outcomes.filter((outcome) => outcome === true).length).toBe(4);
    expect(outcomes.filter((outcome) => String(outcome).includes('too many')).length).toBeGreaterThan(0);
  });
});

it('finds what is wrong with its options before anything starts', () => {
  expect(problems({ url: 'https://' })).toEqual(['URL_INVALID']);
  expect(problems({ url: 'http://auth.example.org/' })).toEqual(['UNPROTECTED']);
  expect(problems({ url: 'http://[::1]:9000/' })).toEqual([]);
  expect(problems({ url: 'https://auth.example.org/', secret: 'test' })).toEqual(['SECRET_INVALID']);
});

it('tells "eddy doctor" which server it reaches', () => {
  for (const [url, server] of [
    ['https://auth.example.org/access', { host: 'auth.example.org', port: 443 }],
    ['http://[::1]:9000/', { host: '::1', port: 9000 }],
  ] as const) {
    expect(manifest.reaches!({ url } as never)).toEqual([server]);
  }
  expect(manifest.reaches!({ url: undefined } as never)).toEqual([]);
});
