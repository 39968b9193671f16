/** Tokens as the command makes them, judged by auth.jwt and auth.static as they verify them. */
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { decodeJwt, decodeProtectedHeader } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { main } from '../../../core/cli/main.ts';
import { manifest } from '../../../plugins/auth/jwt/plugin.ts';
import { PasswordThread } from '../../../plugins/auth/static/password-thread.ts';
import { problemOfHash, weaknessOfHash } from '../../../plugins/auth/static/argon2-hash.ts';
import { SECRET, startJwt } from '../auth/jwt-kit.ts';
import { problemsOf, stopping } from '../auth/kit.ts';
import { fakeCli } from './fake-cli.ts';

const cli = fakeCli({ JWT_SECRET: SECRET, SHORT: 'short', PASSWORD: 'correct horse' });
const start = stopping(startJwt);

/** What the command prints, which is all that it prints. */
async function run(...args: string[]): Promise<string> {
  cli.printed.out = cli.printed.err = '';
  expect(await main(['token', ...args], cli), cli.printed.err).toBe(0);
  expect(cli.printed.err).toBe('');
  expect(cli.printed.out).toMatch(/^\S+\n$/);
  return cli.printed.out.trim();
}

const bySecret = ['--secret-env', 'JWT_SECRET'];

describe('token', () => {
  it('is taken by auth.jwt with all that it says', async () => {
    const { ask } = await start({ secrets: [SECRET], issuer: 'me', audience: 'eddy' });
    const limits = ['--rewind', '30m', '--max-bitrate', '4Mbps', '--max-lines', '720p', '--sessions', '2'];
    const more = ['--origin', 'https://example.org', '--address', '10.0.0.0/8', '--role', 'read-only'];
    const who = ['--subject', 'ada', '--issuer', 'me', '--audience', 'eddy', '--for', '2h'];
    const token = await run(...bySecret, '--camera', 'acme.*', '--action', 'watch', ...limits, ...more, ...who);
    const grant = await ask({ token });
    expect(grant).toMatchObject({
      allowed: true,
      subject: 'ada',
      actions: ['watch', 'rewind'],
      rewind: 1_800_000,
      maxBitrate: 4_000_000,
      maxLines: 720,
      sessions: 2,
      origins: ['https://example.org'],
      addresses: ['10.0.0.0/8'],
      role: 'read-only',
    });
    const { exp, iat } = decodeJwt(token);
    expect(exp! - iat!).toBe(7200);
    expect(await ask({ token }, 'publish')).toMatchObject({ reason: 'forbidden' });
  });

  it('is signed with a private key of any kind, PEM or JWK', async () => {
    const pairs = [
      ['EdDSA', generateKeyPairSync('ed25519')],
      ['RS256', generateKeyPairSync('rsa', { modulusLength: 2048 })],
      ['ES256', generateKeyPairSync('ec', { namedCurve: 'P-256' })],
      ['ES384', generateKeyPairSync('ec', { namedCurve: 'P-384' })],
    ] as const;
    for (const [alg, { privateKey, publicKey }] of pairs) {
      await cli.file(privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(), 'key.pem');
      await cli.file(JSON.stringify({ ...privateKey.export({ format: 'jwk' }), kid: 'mine' }), 'key.json');
      await cli.file(publicKey.export({ format: 'pem', type: 'spki' }).toString(), 'public.pem');
      const { token } = await start({ 'public-keys': [join(cli.cwd, 'public.pem')] });
      for (const [file, kid] of [
        ['key.pem', undefined],
        ['key.json', 'mine'],
      ] as const) {
        const made = await run('--key', file, '--camera', 'acme.door1');
        expect(decodeProtectedHeader(made)).toEqual({ alg, typ: 'JWT', ...(kid && { kid }) });
        expect(await token(made)).toMatchObject({ allowed: true });
      }
    }
  });

  it('is good from a moment, for a time', async () => {
    const { token, pass } = await start({ secrets: [SECRET], tolerance: '0s' });
    const made = await run(...bySecret, '--camera', '*', '--not-before', '10m', '--for', '5m');
    expect(await token(made)).toMatchObject({ allowed: false, message: expect.stringContaining('not good yet') });
    pass(602_000);
    expect(await token(made)).toMatchObject({ allowed: true });
    pass(301_000);
    expect(await token(made)).toMatchObject({ allowed: false, message: expect.stringContaining('expired') });
  });

  it('makes a link of a URL, for its camera and what is done there', async () => {
    await cli.file(`${SECRET}\n`, 'secret');
    const { ask } = await start({ secrets: [SECRET] });
    for (const [url, action] of [
      ['https://live.example/watch/acme.door1', 'watch'],
      ['https://live.example/hls/acme.door1/index.m3u8?start=5', 'watch'],
      ['http://localhost:8080/whip/acme.door1', 'publish'],
      ['rtmp://live.example:1935/live/acme.door1', 'publish'],
    ] as const) {
      const made = new URL(await run('--secret-file', 'secret', '--url', url));
      const token = made.searchParams.get('token')!;
      made.searchParams.delete('token');
      expect(made.href).toBe(url);
      expect(await ask({ token }, action)).toMatchObject({ allowed: true, actions: [action] });
      expect(await ask({ token }, action, 'acme.door2')).toMatchObject({ allowed: false });
    }
  });

  it('is signed with a secret that auth.jwt takes, and with no shorter one', async () => {
    const [long, short] = ['é'.repeat(16), 'é'.repeat(15) + 'x'];
    await cli.file(long, 'long');
    await cli.file(short, 'short');
    const { token } = await start({ secrets: [long] });
    expect(await token(await run('--secret-file', 'long', '--camera', '*'))).toMatchObject({ allowed: true });
    expect(problemsOf(manifest, { secrets: [long] })).toEqual([]);
    expect(await main(['token', '--secret-file', 'short', '--camera', '*'], cli)).toBe(2);
    expect(problemsOf(manifest, { secrets: [short] })).toMatchObject([{ code: 'SECRET_SHORT' }]);
  });

  it('says what is wrong with its options', async () => {
    await cli.file('hello', 'none.pem');
    for (const [args, code, said] of [
      [['--camera', 'cam1'], 2, 'sign with one of'],
      [[...bySecret, '--key', 'none.pem', '--camera', 'cam1'], 2, 'sign with one of'],
      [bySecret, 2, 'for which cameras'],
      [[...bySecret, '--camera', 'acme/*'], 2, '"acme/*" is no camera'],
      [[...bySecret, '--camera', 'cam1', '--action', 'wach'], 2, '"wach" is no action'],
      [[...bySecret, '--camera', 'cam1', '--for', '60'], 2, 'has no unit'],
      [[...bySecret, '--camera', 'cam1', '--rewind', '5min'], 2, '--rewind'],
      [[...bySecret, '--camera', 'cam1', '--max-lines', 'HD'], 2, 'like 720p'],
      [[...bySecret, '--camera', 'cam1', '--origin', 'example.org'], 2, 'like https://example.org'],
      [[...bySecret, '--camera', 'cam1', '--address', '10.0.0.7', '--address', 'here'], 2, '--address: "here"'],
      [[...bySecret, '--camera', 'cam1', '--alg', 'RS256'], 2, 'cannot sign with RS256'],
      [[...bySecret, '--url', 'watch/cam1'], 2, 'is no URL'],
      [[...bySecret, '--url', 'https://h/watch/cam1', '--camera', 'cam2'], 2, 'the URL is of "cam1"'],
      [['--secret-env', 'SHORT', '--camera', 'cam1'], 2, 'has 5 bytes'],
      [['--secret-env', 'NONE', '--camera', 'cam1'], 2, 'NONE is not set'],
      [['--key', 'none.pem', '--camera', 'cam1'], 1, 'SIGNING_KEY_UNUSABLE'],
      [['--key', 'missing.pem', '--camera', 'cam1'], 1, 'SIGNING_KEY_UNUSABLE'],
      [['hahs'], 2, 'is not understood'],
      [['hash', '--password-env', 'NONE'], 2, 'NONE is not set'],
    ] as const) {
      cli.printed.out = cli.printed.err = '';
      expect(await main(['token', ...args], cli), args.join(' ')).toBe(code);
      expect(cli.printed.err).toContain(said);
      expect(cli.printed.out).toBe('');
      expect(cli.printed.err).not.toContain(SECRET);
    }
  });
});

it('token hash makes what auth.static verifies', async () => {
  const passwords = new PasswordThread();
  onTestFinished(() => passwords.stop());
  async function* typed() {
    yield 'correct ';
    yield 'horse\nand more';
  }
  const hashes = [await run('hash', '--password-env', 'PASSWORD')];
  cli.printed.out = '';
  expect(await main(['token', 'hash'], { ...cli, stdin: typed() })).toBe(0);
  hashes.push(cli.printed.out.trim());
  expect(new Set(hashes).size).toBe(2);
  for (const hash of hashes) {
    expect(problemOfHash(hash) ?? weaknessOfHash(hash)).toBeUndefined();
    expect(await passwords.verify('correct horse', hash)).toBe(true);
    expect(await passwords.verify('correct horse ', hash)).toBe(false);
  }
});
