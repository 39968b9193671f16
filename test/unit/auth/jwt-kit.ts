/** Keys, tokens and an authorizer for the tests of auth.jwt; all of it real but the clock. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { SignJWT, type JWK } from 'jose';
import { parseFields, type Action, type Context, type Credentials } from '../../../core/plugin/index.ts';
import { create } from '../../../plugins/auth/jwt/jwt.ts';
import plugin, { manifest } from '../../../plugins/auth/jwt/plugin.ts';
import { access } from '../../contract/authorizer.ts';
import { fakeContext } from '../http/fake-context.ts';

export const SECRET = 'a secret of thirty-two bytes or more';

export interface TestKey {
  readonly alg: string;
  readonly kid: string;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  readonly pem: string;
  readonly jwk: JWK;
}

export function makeKey(kid: string, kind: 'ec' | 'rsa' | 'ed25519' = 'ec'): TestKey {
  const pair =
    kind === 'rsa'
      ? generateKeyPairSync('rsa', { modulusLength: 2048 })
      : kind === 'ec'
        ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
        : generateKeyPairSync('ed25519');
  const alg = { ec: 'ES256', rsa: 'RS256', ed25519: 'EdDSA' }[kind];
  const jwk = { ...(pair.publicKey.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' };
  return { alg, kid, jwk, ...pair, pem: pair.publicKey.export({ format: 'pem', type: 'spki' }).toString() };
}

export const RIGHTS = { cameras: ['acme.*'], actions: ['publish', 'watch'] };

const seconds = (ms: number): number => Math.floor(ms / 1000);

/** Claims of a token that is good for an hour from now on. */
export const claims = (more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  sub: 'ada',
  exp: seconds(Date.now()) + 3600,
  eddy: RIGHTS,
  ...more,
});

/** A signed token; the header may be anything. */
export function sign(
  key: TestKey | string,
  payload: Readonly<Record<string, unknown>> = claims(),
  header: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  const own = typeof key === 'string' ? { alg: 'HS256' } : { alg: key.alg, kid: key.kid };
  const by = typeof key === 'string' ? new TextEncoder().encode(key) : key.privateKey;
  return new SignJWT(payload).setProtectedHeader({ ...own, ...header }).sign(by);
}

export const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

/** An authorizer whose clock the test holds. */
export async function startJwt(written: Readonly<Record<string, unknown>>) {
  const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, written);
  let passed = 0;
  const { now, monotonic } = { now: Date.now, monotonic: () => performance.now() };
  Object.assign(ctx.clock, { now: () => now() + passed, monotonic: () => monotonic() + passed });
  const running = create(ctx);
  const stop = async (): Promise<void> => {
    await running.stop?.();
    await engine.close();
    rmSync(ctx.baseDir, { recursive: true, force: true });
  };
  try {
    await running.start?.();
  } catch (error) {
    await stop();
    throw error;
  }
  const auth = running.services.auth;
  return {
    engine,
    auth,
    stop,
    pass: (ms: number) => void (passed += ms),
    ask: (credentials: Credentials, action: Action = 'watch', camera: string | undefined = 'acme.door1') =>
      auth.authorize(access(action, camera, credentials)),
    token: (token: string) => auth.authorize(access('watch', 'acme.door1', { token })),
  };
}

/** Codes of what the manifest finds wrong with options. */
export function problemsOf(written: Readonly<Record<string, unknown>>): string[] {
  const parsed = parseFields(manifest.config, written);
  if ('error' in parsed) throw new Error(parsed.error);
  return manifest.check!(parsed.value as never).map(({ code }) => code);
}

/** A folder for a test's files. */
export const makeFolder = (): string => mkdtempSync(`${tmpdir()}/eddy-jwt-`);
