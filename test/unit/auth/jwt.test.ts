import { writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { manifest } from '../../../plugins/auth/jwt/plugin.ts';
import { claims, makeKey, RIGHTS, SECRET, sign, startJwt, type TestKey } from './jwt-kit.ts';
import { makeFolder, problemsOf, stopping } from './kit.ts';

const start = stopping(startJwt);
const problems = (written: Readonly<Record<string, unknown>>) => problemsOf(manifest, written).map(({ code }) => code);

let ec: TestKey;
let rsa: TestKey;
let ed: TestKey;
let folder: string;
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
beforeAll(() => {
  [ec, rsa, ed] = [makeKey('ec-1'), makeKey('rsa-1', 'rsa'), makeKey('ed-1', 'ed25519')];
  folder = makeFolder();
  return () => rm(folder, { recursive: true });
});

describe('a token', () => {
  it('grants what its claim says, with everything that it is good for at that camera', async () => {
    const { ask } = await start({ secrets: [SECRET] });
    const exp = Math.floor(Date.now() / 1000) + 600;
    const eddy = {
      ...RIGHTS,
      rewind: '30m',
      maxBitrate: '4Mbps',
      maxLines: '720p',
      sessions: 2,
      origins: ['https://example.org'],
      addresses: ['10.0.0.0/8'],
      role: 'read-only',
    };
    const token = await sign(SECRET, claims({ exp, eddy }));
    expect(await ask({ token })).toEqual({
      allowed: true,
      subject: 'ada',
      actions: ['publish', 'watch'],
      expiresAt: exp * 1000 + 30_000,
      recheck: 60_000,
      rewind: 1_800_000,
      maxBitrate: 4_000_000,
      maxLines: 720,
      sessions: 2,
      origins: ['https://example.org'],
      addresses: ['10.0.0.0/8'],
      role: 'read-only',
    });
    const publishing = await ask({ user: 'any', password: token }, 'publish');
    expect(publishing).toMatchObject({ allowed: true });
    // Who is on the air is not asked again.
    expect(publishing).not.toHaveProperty('recheck');
    expect(await ask({ token }, 'rewind')).toMatchObject({
      reason: 'forbidden',
      message: 'This token does not let you rewind; it is good for: publish, watch.',
    });
    expect(await ask({ token }, 'watch', 'other.door1')).toMatchObject({
      reason: 'forbidden',
      message: 'This token is not good for this camera.',
    });
    expect(await ask({})).toMatchObject({ reason: 'unauthenticated', message: 'A token is needed here.' });
  });

  it('says who it is by "sub", another claim, or its id', async () => {
    const { token } = await start({ secrets: [SECRET] });
    const subject = async (more: Readonly<Record<string, unknown>>) => token(await sign(SECRET, claims(more)));
    expect(await subject({ sub: undefined, jti: 'link-7' })).toMatchObject({ subject: 'link-7' });
    expect(await subject({ sub: undefined })).toMatchObject({ subject: 'anonymous' });
    for (const sub of [7, '', 'x'.repeat(300), { name: 'ada' }])
      expect(await subject({ sub })).toMatchObject({ allowed: false });
    const other = await start({ secrets: [SECRET], subject: 'email' });
    expect(await other.token(await sign(SECRET, claims({ email: 'a@b.example' })))).toMatchObject({
      subject: 'a@b.example',
    });
  });

  it('has its rights in the claim that is configured: by name or by path', async () => {
    for (const [claim, written] of [
      ['https://example.org/eddy', { 'https://example.org/eddy': RIGHTS }],
      ['resource_access.eddy', { resource_access: { eddy: RIGHTS } }],
    ] as const) {
      const { token } = await start({ secrets: [SECRET], claim });
      expect(await token(await sign(SECRET, claims({ eddy: undefined, ...written })))).toMatchObject({ allowed: true });
      expect(await token(await sign(SECRET))).toMatchObject({
        reason: 'forbidden',
        message: `This token has no claim "${claim}", which says what it is good for.`,
      });
    }
  });

  it('whose claim is not understood lets nobody in: a misspelt limit would be no limit', async () => {
    const { token } = await start({ secrets: [SECRET] });
    for (const [eddy, said] of [
      [{ ...RIGHTS, rewnd: '30m' }, 'no member "rewnd"'],
      [{ ...RIGHTS, rewind: '30' }, 'has no unit'],
      [{ ...RIGHTS, rewind: 30 }, '"rewind" must be string'],
      [{ ...RIGHTS, maxLines: 'HD' }, '"maxLines" must match'],
      [{ ...RIGHTS, sessions: 0 }, '"sessions" must be 1 at least'],
      [{ ...RIGHTS, actions: ['wach'] }, '"actions" has an item that must be one of publish'],
      [{ ...RIGHTS, cameras: ['acme/*'] }, 'no camera pattern'],
      [{ ...RIGHTS, cameras: 'acme.*' }, '"cameras" must be array'],
      [{ ...RIGHTS, origins: ['*'] }, 'no origin'],
      [{ ...RIGHTS, addresses: ['anywhere'] }, 'no address'],
      [{ ...RIGHTS, role: 'root' }, '"role" must be one of'],
      [{ actions: ['watch'] }, 'no list "cameras"'],
      [{ cameras: ['*'] }, 'no list "actions"'],
      [['watch'], 'it is no object'],
      ['*', 'it is no object'],
    ] as const) {
      expect(await token(await sign(SECRET, claims({ eddy })))).toMatchObject({
        allowed: false,
        reason: 'forbidden',
        message: expect.stringContaining(said),
      });
    }
  });

  it('is refused with the reason', async () => {
    const { token } = await start({ secrets: [SECRET], issuer: 'https://id.example', audience: 'eddy' });
    const good = { iss: 'https://id.example', aud: ['other', 'eddy'] };
    const now = Math.floor(Date.now() / 1000);
    expect(await token(await sign(SECRET, claims(good)))).toMatchObject({ allowed: true });
    for (const [wrong, message] of [
      [{ exp: now - 180 }, 'This token expired 3 min ago.'],
      [{ nbf: now + 10_800 }, 'This token is not good yet; it will be in 3 h.'],
      [{ iss: 'https://other.example' }, 'This token is of another issuer.'],
      [{ iss: undefined }, 'This token is of another issuer.'],
      [{ aud: 'other' }, 'This token is for another audience.'],
      [{ exp: undefined }, 'This token never expires ("exp" is missing); such are not taken.'],
      [{ exp: 'tomorrow' }, 'The claim "exp" of this token is not as it must be.'],
    ] as const) {
      expect(await token(await sign(SECRET, claims({ ...good, ...wrong })))).toEqual({
        allowed: false,
        reason: 'unauthenticated',
        message,
      });
    }
    expect(await token(await sign('another secret of thirty-two bytes', claims(good)))).toMatchObject({
      message: 'The signature of this token does not match.',
    });
  });

  it('may be off by the tolerance, at its beginning and at its end', async () => {
    const { token } = await start({ secrets: [SECRET], tolerance: '60s' });
    const at = (s: number): number => Math.floor(Date.now() / 1000) + s;
    expect(await token(await sign(SECRET, claims({ exp: at(-50) })))).toMatchObject({ allowed: true });
    expect(await token(await sign(SECRET, claims({ exp: at(-70) })))).toMatchObject({ allowed: false });
    expect(await token(await sign(SECRET, claims({ nbf: at(50) })))).toMatchObject({ allowed: true });
    expect(await token(await sign(SECRET, claims({ nbf: at(70) })))).toMatchObject({ allowed: false });
    // The engine ends it by the same clock, so a grant is never over when it is given.
    const grant = await token(await sign(SECRET, claims({ exp: at(-50) })));
    expect((grant as { expiresAt: number }).expiresAt).toBeGreaterThan(Date.now());
  });

  it('may be good for the longest lifetime that is taken, not for longer', async () => {
    const { token } = await start({ secrets: [SECRET], 'max-lifetime': '1h' });
    const inSeconds = (s: number) => claims({ exp: Math.floor(Date.now() / 1000) + s });
    expect(await token(await sign(SECRET, inSeconds(3500)))).toMatchObject({ allowed: true });
    expect(await token(await sign(SECRET, inSeconds(4000)))).toMatchObject({
      message: 'This token is good for too long; at most 60 min are taken.',
    });
  });

  it('that was verified is remembered, and expires all the same', async () => {
    const { token, pass } = await start({ secrets: [SECRET] });
    const good = await sign(SECRET);
    const first = await token(good);
    expect(await token(good)).toEqual(first);
    pass(3_640_000);
    expect(await token(good)).toMatchObject({ message: expect.stringContaining('expired') });
  });
});

describe('keys', () => {
  it('may be RSA, EC and Ed25519, in PEM files and a JWKS file, and secrets beside them', async () => {
    const jwks = file('jwks.json', JSON.stringify({ keys: [ec.jwk, rsa.jwk] }));
    const pem = file('ed.pem', ed.pem);
    const { token } = await start({ 'jwks-file': jwks, 'public-keys': [pem], secrets: [SECRET] });
    for (const key of [ec, rsa, ed, SECRET]) expect(await token(await sign(key))).toMatchObject({ allowed: true });
    // Keys without an id are tried for any.
    expect(await token(await sign(ed, claims(), { kid: 'whatever' }))).toMatchObject({ allowed: true });
    expect(await token(await sign({ ...ec, kid: 'rsa-1' }))).toMatchObject({ message: expect.stringContaining('key') });
    expect(await token(await sign(makeKey('ec-1')))).toMatchObject({
      message: 'The signature of this token does not match.',
    });
  });

  it('without ids are each tried', async () => {
    const more = [makeKey('a'), makeKey('b'), makeKey('c')];
    const keys = more.map(({ jwk: { kid: _, ...jwk } }) => jwk);
    const { token } = await start({ 'jwks-file': file('no-ids.json', JSON.stringify({ keys })) });
    for (const key of more)
      expect(await token(await sign(key, claims(), { kid: undefined }))).toMatchObject({ allowed: true });
    expect(await token(await sign(makeKey('d'), claims(), { kid: undefined }))).toMatchObject({ allowed: false });
  });

  it('of files are read again when they change; a broken file leaves the last ones in use', async () => {
    const path = file('changing.json', JSON.stringify({ keys: [ec.jwk] }));
    const { token, pass, engine } = await start({ 'jwks-file': path });
    const [old, fresh] = [await sign(ec), await sign(ed)];
    expect(await token(old)).toMatchObject({ allowed: true });
    expect(await token(fresh)).toMatchObject({ allowed: false });
    file('changing.json', '{"keys": [');
    pass(1500);
    expect(await token(old)).toMatchObject({ allowed: true });
    expect(engine.reports).toMatchObject([{ code: 'auth.jwt/KEYS_INVALID' }]);
    file('changing.json', JSON.stringify({ keys: [ed.jwk] }));
    pass(1500);
    expect(await token(fresh)).toMatchObject({ allowed: true });
    // It was remembered as verified; its key is gone.
    expect(await token(old)).toMatchObject({ allowed: false });
  });

  it('that cannot be meant keep it from starting', async () => {
    const privatePem = ec.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    for (const [written, said] of [
      [{ 'public-keys': [file('private.pem', privatePem)] }, 'private key'],
      [{ 'public-keys': [file('none.pem', 'hello')] }, 'no public key'],
      [{ 'public-keys': [join(folder, 'missing.pem')] }, 'missing.pem'],
      [{ 'jwks-file': file('none.json', '{"key": 1}') }, 'no list "keys"'],
    ] as const) {
      const error = await start(written).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: 'auth.jwt/KEYS_INVALID', message: expect.stringContaining(said) });
      expect((error as Error).message).not.toContain('MIG');
    }
  });

  it('are checked with their options before anything starts', () => {
    expect(problems({})).toEqual(['NO_KEYS']);
    expect(problems({ secrets: ['short'] })).toEqual(['SECRET_SHORT']);
    expect(problems({ secrets: [SECRET], algorithms: ['RS256'] })).toEqual(['ALGORITHM_WITHOUT_KEY']);
    expect(problems({ jwks: 'https://id.example/jwks', algorithms: ['HS256'] })).toEqual(['ALGORITHM_WITHOUT_KEY']);
    expect(problems({ jwks: 'https://' })).toEqual(['URL_INVALID']);
    expect(problems({ jwks: 'https://id example/jwks' })).toEqual(['URL_INVALID']);
    expect(problems({ jwks: 'http://id.example/jwks' })).toEqual(['KEYS_UNPROTECTED']);
    expect(problems({ jwks: 'http://127.0.0.1:9000/jwks' })).toEqual([]);
    expect(problems({ jwks: 'https://id.example/jwks', secrets: [SECRET] })).toEqual([]);
  });
});
