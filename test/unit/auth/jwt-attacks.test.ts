/** Attacks on tokens, as RFC 8725 and the reports about other people's libraries list them. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import type { Decision } from '../../../core/plugin/index.ts';
import { meetBar } from '../../bar.ts';
import { startJsonServer } from '../../support/json-server.ts';
import { base64url, claims, makeKey, SECRET, sign, startJwt, type TestKey } from './jwt-kit.ts';
import { makeFolder, stopping } from './kit.ts';

const start = stopping(startJwt);

let rsa: TestKey;
let folder: string;
const jwksFile = (name: string, keys: readonly unknown[]): string => {
  writeFileSync(join(folder, name), JSON.stringify({ keys }));
  return join(folder, name);
};
beforeAll(() => {
  rsa = makeKey('rsa-1', 'rsa');
  folder = makeFolder();
  return () => rm(folder, { recursive: true });
});

const refused = { allowed: false, reason: 'unauthenticated' };
const totals = { refused: 0, letIn: 0 };
/** A token that nobody may be let in by. */
async function forged(answer: Promise<Decision>): Promise<void> {
  const decision = await answer;
  totals[decision.allowed ? 'letIn' : 'refused'] += 1;
  expect(decision).toMatchObject(refused);
}
const hmacToken = (header: object, key: string | Buffer, hash = 'sha256'): string => {
  const signed = `${base64url(header)}.${base64url(claims())}`;
  return `${signed}.${createHmac(hash, key).update(signed).digest('base64url')}`;
};

it('"alg": "none" is refused in every spelling, with and without a signature', async () => {
  const { token } = await start({ 'jwks-file': jwksFile('a.json', [rsa.jwk]), secrets: [SECRET] });
  const [, body, signature] = (await sign(rsa)).split('.');
  for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, 0, ['RS256'], '__proto__', 'constructor']) {
    for (const end of ['', signature, 'AA']) {
      await forged(token(`${base64url({ alg, kid: 'rsa-1' })}.${body}.${end}`));
    }
  }
});

it('a public key is no secret: RS256 keys never verify HS256', async () => {
  const der = rsa.publicKey.export({ format: 'der', type: 'spki' });
  const asSecrets = [
    rsa.pem,
    rsa.pem.trim(),
    der,
    JSON.stringify(rsa.jwk),
    rsa.jwk.n!,
    Buffer.from(rsa.jwk.n!, 'base64url'),
  ];
  const pem = join(folder, 'rsa.pem');
  writeFileSync(pem, rsa.pem);
  for (const written of [
    { 'jwks-file': jwksFile('b.json', [rsa.jwk]) },
    { 'public-keys': [pem] },
    { 'jwks-file': jwksFile('b.json', [rsa.jwk]), secrets: [SECRET] },
  ]) {
    const { token } = await start(written);
    for (const key of asSecrets) {
      for (const [alg, hash] of [
        ['HS256', 'sha256'],
        ['HS384', 'sha384'],
        ['HS512', 'sha512'],
      ] as const)
        // prettier-ignore
        await forged(token(hmacToken({ alg, kid: 'rsa-1' }, key, hash)));
    }
    expect(await token(await sign(rsa))).toMatchObject({ allowed: true });
  }
});

it('a secret in a public key set verifies nothing', async () => {
  const oct = { kty: 'oct', k: base64url(SECRET), kid: 'oct', alg: 'HS256' };
  const { token, engine } = await start({ 'jwks-file': jwksFile('c.json', [oct, rsa.jwk]) });
  await forged(token(hmacToken({ alg: 'HS256', kid: 'oct' }, SECRET)));
  expect(engine.reports).toMatchObject([
    { code: 'auth.jwt/KEY_IGNORED', message: expect.stringContaining('shared secret') },
  ]);
  expect(JSON.stringify(engine.reports)).not.toContain(oct.k);
});

it('keys that are too weak, or private, are not used', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 });
  const keys = [
    { ...weak.publicKey.export({ format: 'jwk' }), kid: 'weak' },
    { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'private' },
    rsa.jwk,
  ];
  const { token, engine } = await start({ 'jwks-file': jwksFile('d.json', keys) });
  expect(engine.reports.map(({ message }) => message.slice(message.indexOf('key')))).toEqual([
    'key 1 is an RSA key of less than 2048 bits',
    'key 2 is a private key',
  ]);
  await forged(token(await sign(rsa, claims(), { kid: 'private' })));
});

it('only the pinned algorithms are taken', async () => {
  const { jwk } = rsa;
  const { alg: _, ...anyAlgorithm } = jwk;
  const { token } = await start({ 'jwks-file': jwksFile('e.json', [anyAlgorithm]), algorithms: ['PS256'] });
  expect(await token(await sign({ ...rsa, alg: 'PS256' }))).toMatchObject({ allowed: true });
  for (const alg of ['RS256', 'RS512', 'PS512']) {
    expect(await token(await sign({ ...rsa, alg }))).toMatchObject({
      ...refused,
      message: 'This token is signed with an algorithm that is not taken here.',
    });
  }
  // A key that names its algorithm is good for no other.
  const pinned = await start({ 'jwks-file': jwksFile('f.json', [jwk]) });
  await forged(pinned.token(await sign({ ...rsa, alg: 'PS256' })));
});

it('keys that a token brings along or points to are not looked at', async () => {
  const evil = makeKey('evil');
  const server = await startJsonServer(() => ({ keys: [evil.jwk] }));
  onTestFinished(server.close);
  const { token } = await start({ 'jwks-file': jwksFile('g.json', [rsa.jwk]), secrets: [SECRET] });
  for (const header of [
    { jwk: evil.jwk },
    { jku: server.url },
    { x5u: server.url },
    { x5c: [evil.pem.replace(/-----.*-----|\n/g, '')] },
    { jwk: evil.jwk, kid: 'rsa-1' },
    { jku: server.url, kid: undefined },
  ]) {
    await forged(token(await sign(evil, claims(), header)));
  }
  expect(server.asked).toEqual([]);
});

it('a key id is a name and nothing else', async () => {
  const secretFile = join(folder, 'secret');
  writeFileSync(secretFile, '');
  const { token } = await start({ 'jwks-file': jwksFile('h.json', [rsa.jwk]), secrets: [SECRET] });
  const kids = [secretFile, '../../../../dev/null', 'file:///dev/null', "' OR 1=1 --", '$(id)', '__proto__', 'rsa-1\0', 'RSA-1', ' rsa-1', '', 7, {}, ['rsa-1'], null]; // prettier-ignore
  for (const kid of kids) {
    await forged(token(await sign({ ...rsa, privateKey: makeKey('x', 'rsa').privateKey }, claims(), { kid }).catch(() => {
      const signed = `${base64url({ alg: 'RS256', kid })}.${base64url(claims())}`;
      return `${signed}.AAAA`;
    }))); // prettier-ignore
    await forged(token(hmacToken({ alg: 'HS256', kid }, '')));
  }
});

it('what must be understood and is not, is refused', async () => {
  const { token } = await start({ secrets: [SECRET] });
  for (const header of [
    { alg: 'HS256', crit: ['exp'], exp: 1 },
    { alg: 'HS256', crit: ['b64'], b64: false },
    { alg: 'HS256', crit: [] },
    { alg: 'HS256', crit: 'b64' },
    { alg: 'HS256', crit: ['http://example.org/x'], 'http://example.org/x': true },
  ]) {
    await forged(token(hmacToken(header, SECRET)));
  }
});

it('a token that was changed anywhere is refused', async () => {
  const { token } = await start({ secrets: [SECRET] });
  const good = await sign(SECRET);
  expect(await token(good)).toMatchObject({ allowed: true });
  const [head, body, signature] = good.split('.') as [string, string, string];
  const richer = base64url(claims({ eddy: { cameras: ['*'], actions: ['admin', 'watch'] } }));
  for (const changed of [
    `${head}.${richer}.${signature}`,
    `${head}.${body}.`,
    `${head}.${body}`,
    `${head}..${signature}`,
    `.${body}.${signature}`,
    `${good}.${signature}`,
    `${good}A`,
    ` ${good}`,
    good.toUpperCase(),
    `${head}.${body}.${signature.slice(0, -2)}`,
    `${base64url('{"alg":"HS256","alg":"none"}')}.${body}.`,
  ]) {
    await forged(token(changed));
  }
});

it('giant and malformed tokens are refused before anything is computed', async () => {
  const { token } = await start({ secrets: [SECRET] });
  const giant = await sign(SECRET, claims({ filler: 'x'.repeat(100_000) }));
  expect(await token(giant)).toMatchObject({ ...refused, message: 'This token is too large.' });
  const deep = '['.repeat(2000) + ']'.repeat(2000);
  const body = base64url(claims());
  for (const text of [
    '.',
    '..',
    '....',
    'a.b.c',
    '\0.\0.\0',
    `${base64url(deep)}.${body}.AA`,
    `${base64url('null')}.${body}.AA`,
    `${base64url('"x"')}.${body}.AA`,
    'é'.repeat(100),
    'x'.repeat(8192),
  ])
    // prettier-ignore
    await forged(token(text));
});

it('says nothing of keys, secrets, issuers or the token itself', async () => {
  const { token } = await start({ secrets: [SECRET], issuer: 'https://secret-issuer.example', audience: 'hidden' });
  for (const wrong of [
    await sign(SECRET),
    await sign(SECRET, claims({ iss: 'https://secret-issuer.example' })),
    'a.b.c',
  ]) {
    const said = JSON.stringify(await token(wrong));
    for (const secret of [SECRET, 'secret-issuer', 'hidden', wrong]) expect(said).not.toContain(secret);
  }
});

it('attacks on tokens, all told', () => {
  meetBar({
    what: 'attacks on tokens: alg none, key confusion, kid, jku, jwk, x5u, crit, changed, giant',
    bar: 'refused, all of them',
    measured: `${totals.refused} forged tokens refused, ${totals.letIn} let in`,
    pass: totals.letIn === 0 && totals.refused >= 150,
  });
});
