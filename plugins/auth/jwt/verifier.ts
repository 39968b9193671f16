/**
 * Verifies tokens. Which key may verify which algorithm is decided here and never by the token: secrets verify HS..., public keys verify the
 * others, and of the header `alg` and `kid` alone are looked at (not `jwk`, `jku`, `x5u`, `x5c`: RFC 8725 3).
 */
import { createLocalJWKSet, decodeProtectedHeader, errors, jwtVerify, type CryptoKey, type JWTPayload } from 'jose';
import { isSecretAlgorithm, PUBLIC_KEY_ALGORITHMS, SECRET_ALGORITHMS, type Algorithm } from './algorithms.ts';
import type { KeySet } from './key-set.ts';
import { refusalOf, TokenRefused } from './refusal.ts';

/** So many keys are tried for one token: a set without key ids, or secrets that take each other's place. */
const MOST_TRIES = 16;

/** How tokens are judged. */
export interface VerifierOptions {
  readonly algorithms: readonly Algorithm[] | undefined;
  readonly secrets: readonly string[];
  readonly issuer: string | undefined;
  readonly audience: string | undefined;
  /** ms */
  readonly tolerance: number;
  readonly now: () => number;
}

/** Keys by id (of sets), and keys without one (of PEM files), which are tried for any. */
export interface PublicKeys {
  readonly named: readonly KeySet[];
  readonly unnamed: readonly KeySet[];
}

type Key = CryptoKey | Uint8Array;

/** See the file's head. */
export class Verifier {
  readonly #options: VerifierOptions;
  readonly #secrets: readonly Uint8Array[];
  readonly #sets = new WeakMap<KeySet, ReturnType<typeof createLocalJWKSet>>();

  constructor(options: VerifierOptions) {
    this.#options = options;
    this.#secrets = options.secrets.map((secret) => new TextEncoder().encode(secret));
  }

  /**
   * The claims of a token that is good now. Rejects with TokenRefused; its cause is `unknown-key` where other keys might verify it.
   */
  async verify(token: string, keys: PublicKeys): Promise<JWTPayload> {
    const { alg, kid } = headerOf(token);
    const isSecret = isSecretAlgorithm(alg);
    const allowed = this.#allowed(isSecret);
    if (!allowed.includes(alg as Algorithm)) throw refusalOf(new errors.JOSEAlgNotAllowed());
    let refusal: TokenRefused | undefined;
    let tries = 0;
    for await (const key of isSecret ? this.#secrets : this.#candidates(keys, alg!, kid)) {
      if (++tries > MOST_TRIES) break;
      try {
        return await this.#verifyWith(token, key, allowed);
      } catch (error) {
        // Another key may be the right one only where this one was not.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw refusalOf(error, this.#options.now());
        refusal = refusalOf(error);
      }
    }
    throw refusal ?? new TokenRefused('This token is signed with a key that is not known here.', 'unknown-key');
  }

  #allowed(secret: boolean): readonly Algorithm[] {
    if (secret && this.#secrets.length === 0) return [];
    const all: readonly Algorithm[] = secret ? SECRET_ALGORITHMS : PUBLIC_KEY_ALGORITHMS;
    const { algorithms } = this.#options;
    return algorithms ? all.filter((name) => algorithms.includes(name)) : all;
  }

  async *#candidates({ named, unnamed }: PublicKeys, alg: string, kid: string | undefined): AsyncGenerator<Key> {
    for (const set of named) yield* this.#matching(set, kid === undefined ? { alg } : { alg, kid });
    for (const set of unnamed) yield* this.#matching(set, { alg });
  }

  async *#matching(set: KeySet, header: { readonly alg: string; readonly kid?: string }): AsyncGenerator<Key> {
    let resolver = this.#sets.get(set);
    if (!resolver) this.#sets.set(set, (resolver = createLocalJWKSet({ keys: [...set.keys] })));
    try {
      yield await resolver(header);
    } catch (error) {
      if (error instanceof errors.JWKSMultipleMatchingKeys) yield* error;
      else if (!(error instanceof errors.JWKSNoMatchingKey)) throw error;
    }
  }

  async #verifyWith(token: string, key: Key, allowed: readonly Algorithm[]): Promise<JWTPayload> {
    const { issuer, audience, tolerance, now } = this.#options;
    const { payload } = await jwtVerify(token, key, {
      algorithms: [...allowed],
      requiredClaims: ['exp'],
      clockTolerance: tolerance / 1000,
      currentDate: new Date(now()),
      ...(issuer !== undefined && { issuer }),
      ...(audience !== undefined && { audience }),
    });
    return payload;
  }
}

function headerOf(token: string): { readonly alg?: string | undefined; readonly kid?: string | undefined } {
  try {
    const { alg, kid } = decodeProtectedHeader(token);
    if (kid !== undefined && typeof kid !== 'string') throw new TypeError('kid');
    return { alg, kid };
  } catch {
    throw new TokenRefused('This is no signed token (JWT).');
  }
}
