/** Key sets by URL: rotation, outage, and servers that misbehave. */
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { startJsonServer, type JsonServer } from '../../support/json-server.ts';
import { claims, makeKey, sign, startJwt, type TestKey } from './jwt-kit.ts';
import { startTlsServer, stopping } from './kit.ts';

const start = stopping(startJwt);

let first: TestKey;
let second: TestKey;
let server: JsonServer;
beforeAll(() => {
  [first, second] = [makeKey('first'), makeKey('second')];
});
beforeEach(async () => {
  server = await startJsonServer(() => ({ keys: [first.jwk] }));
  return server.close;
});
const rotate = (...keys: TestKey[]) => void (server.answer = () => ({ keys: keys.map(({ jwk }) => jwk) }));

const unreachable = { code: 'auth.jwt/KEYS_UNREACHABLE' };

describe('a key set by URL', () => {
  it('is fetched once for any number of tokens', async () => {
    const { token } = await start({ jwks: server.url });
    const tokens = await Promise.all(Array.from({ length: 50 }, (_, n) => sign(first, claims({ jti: `${n}` }))));
    const answers = await Promise.all(tokens.map(token));
    expect(answers.filter(({ allowed }) => allowed).length).toBe(50);
    expect(server.asked.length).toBe(1);
  });

  it('is fetched anew when a token names a key that is not in it, at most once a cooldown', async () => {
    const { token, pass } = await start({ jwks: server.url, cooldown: '30s' });
    const good = await sign(second);
    pass(31_000);
    rotate(first, second);
    expect(await token(good)).toMatchObject({ allowed: true });
    expect(server.asked.length).toBe(2);
    // A flood of made-up key ids asks for nothing more.
    const evil = makeKey('evil');
    const flood = await Promise.all(Array.from({ length: 50 }, (_, n) => sign(evil, claims(), { kid: `k${n}` })));
    for (const answer of await Promise.all(flood.map(token)))
      expect(answer).toMatchObject({ message: 'This token is signed with a key that is not known here.' });
    expect(server.asked.length).toBe(2);
    pass(31_000);
    await Promise.all(flood.map(token));
    expect(server.asked.length).toBe(3);
  });

  it('is fetched anew when it is old; a key that is gone verifies nothing, not even a token of before', async () => {
    const { token, pass } = await start({ jwks: server.url, refresh: '10m' });
    const [old, fresh] = [await sign(first), await sign(second)];
    expect(await token(old)).toMatchObject({ allowed: true });
    rotate(second);
    pass(601_000);
    // The first one that comes is not kept waiting.
    expect(await token(old)).toMatchObject({ allowed: true });
    await vi.waitFor(async () => expect(await token(old)).toMatchObject({ allowed: false }));
    expect(await token(fresh)).toMatchObject({ allowed: true });
  });

  it('goes on being used while its URL is down, for as long as it is kept', async () => {
    const { token, pass, engine } = await start({ jwks: server.url, refresh: '10m', keep: '2h' });
    const lasting = claims({ exp: Math.floor(Date.now() / 1000) + 86_400 });
    const [good, unseen, unknown] = [
      await sign(first, lasting),
      await sign(first, { ...lasting, jti: 'x' }),
      await sign(second, lasting),
    ];
    expect(await token(good)).toMatchObject({ allowed: true });
    await server.down();
    pass(3_600_000);
    expect(await token(good)).toMatchObject({ allowed: true });
    expect(await token(unseen)).toMatchObject({ allowed: true });
    // Nobody can tell whether this key is a new one.
    await expect(token(unknown)).rejects.toMatchObject(unreachable);
    await vi.waitFor(() => expect(engine.reports.map(({ code }) => code)).toContain('auth.jwt/KEYS_UNREACHABLE'));
    pass(3_700_000);
    await expect(token(good)).rejects.toMatchObject(unreachable);
    await server.up();
    pass(31_000);
    expect(await token(good)).toMatchObject({ allowed: true });
  });

  it('that was never there lets nobody in, and does not keep the pipeline from starting', async () => {
    await server.down();
    const { token, pass } = await start({ jwks: server.url });
    await expect(token(await sign(first))).rejects.toMatchObject(unreachable);
    await server.up();
    pass(31_000);
    expect(await token(await sign(first))).toMatchObject({ allowed: true });
  });

  it('is not taken from servers that misbehave', async () => {
    const elsewhere = await startJsonServer(() => ({ keys: [first.jwk] }));
    onTestFinished(elsewhere.close);
    for (const [answer, said] of [
      [(_: unknown, response) => void response.writeHead(500).end(), 'it answered 500'],
      [(_: unknown, response) => void response.writeHead(302, { location: elsewhere.url }).end(), 'it answered 302'],
      [(_: unknown, response) => void response.end('<html>'), 'not JSON'],
      [() => ({ error: 'no' }), 'no JSON Web Key Set'],
      [() => ({ keys: [] }), 'no public key'],
      [() => ({ keys: Array(101).fill(first.jwk) }), 'more than 100'],
      [(_: unknown, response) => void response.end('x'.repeat(300_000)), 'longer than'],
      [() => undefined, 'no whole answer within 200 ms'],
      [(_: unknown, response) => void response.write('{"keys"'), 'no whole answer within 200 ms'],
      [(_: unknown, response) => void response.socket!.destroy(), 'socket hang up'],
    ] as readonly [JsonServer['answer'], string][]) {
      server.answer = answer;
      const { token, engine } = await start({ jwks: server.url, timeout: '200ms' });
      await expect(token(await sign(first)), said).rejects.toMatchObject(unreachable);
      expect(engine.reports[0]!.message).toContain(said);
    }
    expect(elsewhere.asked).toEqual([]);
  });

  it('by HTTPS is taken only with a certificate that is trusted', async () => {
    const { tls, ca } = await startTlsServer(() => ({ keys: [first.jwk] }));
    const strict = await start({ jwks: tls.url });
    await expect(strict.token(await sign(first))).rejects.toMatchObject(unreachable);
    await expect(start({ jwks: tls.url, ca: `${ca}.none` })).rejects.toMatchObject({ code: 'auth.jwt/CA_UNREADABLE' });
    const { token } = await start({ jwks: tls.url, ca });
    expect(await token(await sign(first))).toMatchObject({ allowed: true });
  });
});
