/** Signature algorithms (RFC 7518 3, RFC 8037, RFC 9864), by what verifies them. `none` is not among them. */

/** With public keys. */
export const PUBLIC_KEY_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
] as const;

/** With secrets that both sides share. */
export const SECRET_ALGORITHMS = ['HS256', 'HS384', 'HS512'] as const;

export const ALGORITHMS = [...PUBLIC_KEY_ALGORITHMS, ...SECRET_ALGORITHMS] as const;

export type Algorithm = (typeof ALGORITHMS)[number];

export const isSecretAlgorithm = (name: unknown): boolean => (SECRET_ALGORITHMS as readonly unknown[]).includes(name);
