/** Public keys, as they are written: JSON Web Key Sets (RFC 7517) and PEM files. */
import { createPublicKey, X509Certificate } from 'node:crypto';
import type { JWK } from 'jose';

/** Keys that verify, and what was left out. The same list stands for the same keys: what was verified with it stays verified. */
export interface KeySet {
  readonly keys: readonly JWK[];
  /** For the operator: why keys were left out. */
  readonly ignored: readonly string[];
}

/** More are a mistake, or a flood. */
const MOST_KEYS = 100;

/** Reads a set. Throws a plain message where it is none. */
export function readJwks(parsed: unknown): KeySet {
  const keys = (parsed as { readonly keys?: unknown } | null)?.keys;
  if (!Array.isArray(keys)) throw new Error('it is no JSON Web Key Set: it has no list "keys"');
  if (keys.length > MOST_KEYS) throw new Error(`it has ${keys.length} keys, more than ${MOST_KEYS}`);
  const good: JWK[] = [];
  const ignored: string[] = [];
  for (const [index, key] of keys.entries()) {
    const why = whyIgnored(key as JWK);
    if (why === undefined) good.push(key as JWK);
    else ignored.push(`key ${index + 1} ${why}`);
  }
  return { keys: good, ignored };
}

/** A secret in a set that is public, or is meant to be, must never verify anything. */
function whyIgnored(key: JWK | null): string | undefined {
  if (typeof key !== 'object' || key === null || typeof key.kty !== 'string') return 'is none';
  if (key.kty === 'oct' || key.k !== undefined) return 'is a shared secret';
  if (key.d !== undefined || key.priv !== undefined) return 'is a private key';
  if (!['RSA', 'EC', 'OKP'].includes(key.kty)) return 'is of an unknown kind';
  if (key.use !== undefined && key.use !== 'sig') return undefined;
  try {
    const { asymmetricKeyDetails } = createPublicKey({ key, format: 'jwk' });
    if ((asymmetricKeyDetails?.modulusLength ?? 2048) < 2048) return 'is an RSA key of less than 2048 bits';
  } catch {
    return 'cannot be read';
  }
  return undefined;
}

/** Reads a PEM file with one public key or certificate. Throws a plain message where it has none. */
export function readPem(pem: string): KeySet {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) throw new Error('it holds a private key; give the public one');
  let jwk: JWK;
  try {
    const key = pem.includes('BEGIN CERTIFICATE') ? new X509Certificate(pem).publicKey : createPublicKey(pem);
    jwk = key.export({ format: 'jwk' });
  } catch {
    throw new Error('it holds no public key in PEM');
  }
  const { keys, ignored } = readJwks({ keys: [jwk] });
  if (ignored.length > 0) throw new Error(`its ${ignored[0]!.replace('key 1', 'key')}`);
  return { keys, ignored };
}
