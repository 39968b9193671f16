/** The keys of auth.static. Tokens are kept as digests only, so that no dump or log of this object holds one. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { EddyError, isCameraPattern, type Action } from 'eddy/plugin';

/** A key as configured. */
export interface Key {
  readonly token: string;
  readonly subject: string;
  readonly cameras: readonly string[];
  readonly actions: readonly Action[];
  /** ms that its holder may go back. */
  readonly rewind: number | undefined;
}

type StoredKey = Omit<Key, 'token'> & { readonly digest: Buffer };

/** Every keyring of a process salts alike, so that two of them can be compared; the salt leaves with the process. */
const salt = randomBytes(16);
const digestOf = (token: string): Buffer => createHash('sha256').update(salt).update(token).digest();

/** Finds keys by token in a time that tells nothing of them. */
export class Keyring {
  readonly #keys: readonly StoredKey[];

  /** Throws auth.static/KEY_INVALID. */
  constructor(keys: readonly Key[]) {
    const seen = new Set<string>();
    this.#keys = keys.map(({ token, ...rest }) => {
      const fail = (why: string): never => {
        throw new EddyError('auth.static/KEY_INVALID', `The key of "${rest.subject}" ${why}.`, { kind: 'config' });
      };
      if (token === '') fail('is empty');
      const digest = digestOf(token);
      if (seen.has(digest.toString('hex'))) fail('is given twice');
      seen.add(digest.toString('hex'));
      const wrong = rest.cameras.find((pattern): boolean => !isCameraPattern(pattern));
      if (wrong !== undefined) fail(`names "${wrong}", which is no camera pattern`);
      return { ...rest, digest };
    });
  }

  /** The key with this token. Every key is compared, and each in constant time. */
  find(token: string): Omit<Key, 'token'> | undefined {
    const digest = digestOf(token);
    let found: StoredKey | undefined;
    for (const key of this.#keys) if (timingSafeEqual(key.digest, digest)) found = key;
    return found;
  }

  /** Holders of keys that the other keyring does not have with at least the same rights. */
  subjectsThatLostIn(other: Keyring): Set<string> {
    const lost = this.#keys.filter((key) => {
      const after = other.#keys.find((entry) => entry.digest.equals(key.digest));
      return (
        after === undefined ||
        after.subject !== key.subject ||
        !key.cameras.every((camera) => after.cameras.includes(camera)) ||
        !key.actions.every((action) => after.actions.includes(action)) ||
        (after.rewind ?? Infinity) < (key.rewind ?? Infinity)
      );
    });
    return new Set(lost.map((key) => key.subject));
  }
}
