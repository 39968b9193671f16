/** Keys, tokens and an authorizer for the tests of auth.jwt. */
import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { SignJWT, type JWK } from 'jose';
import type { Action, Credentials } from '../../../core/plugin/index.ts';
import { create } from '../../../plugins/auth/jwt/jwt.ts';
import plugin from '../../../plugins/auth/jwt/plugin.ts';
import { startAuthorizer } from './kit.ts';

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
  const started = await startAuthorizer(plugin, create, written);
  const ask = (credentials: Credentials, action: Action = 'watch', camera: string | undefined = 'acme.door1') =>
    started.ask(action, camera, credentials);
  return { ...started, ask, token: (token: string) => ask({ token }) };
}
