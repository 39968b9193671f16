/** The key that `eddy token` signs with. */
import { createPrivateKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { JWK } from 'jose';
import { EddyError } from '../errors/index.ts';
import { UsageError } from './cli.ts';

/** A key with the algorithm that fits it. */
export interface SigningKey {
  readonly key: KeyObject | Uint8Array;
  readonly alg: string;
  readonly kid?: string;
}

/** As auth.jwt takes them (RFC 7518 3.2). */
const LEAST_SECRET_BYTES = 32;

/** A shared secret; UsageError where it is too short for auth.jwt. */
export function secretKey(secret: string): SigningKey {
  const key = new TextEncoder().encode(secret);
  if (key.length >= LEAST_SECRET_BYTES) return { key, alg: 'HS256' };
  throw new UsageError(
    `the secret has ${key.length} bytes, and auth.jwt takes ${LEAST_SECRET_BYTES} or more: openssl rand -hex 32`,
  );
}

/** A private key, PEM or JWK. Rejects with SIGNING_KEY_UNUSABLE, never with a part of the file. */
export async function readSigningKey(path: string): Promise<SigningKey> {
  const fail = (why: string): never => {
    throw new EddyError('SIGNING_KEY_UNUSABLE', `${path}: ${why}`);
  };
  const text = await readFile(path, 'utf8').catch((error: Error) => fail(error.message));
  const jwk = text.trimStart().startsWith('{') ? parseJwk(text) : undefined;
  let key: KeyObject;
  try {
    key = jwk ? createPrivateKey({ key: jwk, format: 'jwk' }) : createPrivateKey(text);
  } catch {
    return fail(
      text.includes('ENCRYPTED') ? 'it is encrypted; decrypt it first' : 'it holds no private key, neither PEM nor JWK',
    );
  }
  const alg = jwk?.alg ?? algorithmOf(key) ?? fail('it is a key of a kind that signs no tokens');
  return { key, alg, ...(typeof jwk?.kid === 'string' && { kid: jwk.kid }) };
}

function parseJwk(text: string): JWK | undefined {
  try {
    return JSON.parse(text) as JWK;
  } catch {
    return undefined;
  }
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string | undefined {
  switch (asymmetricKeyType) {
    case 'rsa':
      return 'RS256';
    case 'ed25519':
      return 'EdDSA';
    case 'ec':
      return { prime256v1: 'ES256', secp384r1: 'ES384', secp521r1: 'ES512' }[asymmetricKeyDetails?.namedCurve ?? ''];
    default:
      return undefined;
  }
}
