/** The keys of auth.static. Tokens are kept as digests only, so that no dump or log of this object holds one. */
import { timingSafeEqual } from 'node:crypto';
import { EddyError } from 'eddy/plugin';
import { digestOf } from '../shared/digest.ts';
import type { TimedRights } from '../shared/fields.ts';
import { isLess } from './less.ts';

/** A key as configured. */
export type Key = TimedRights & { readonly token: string; readonly subject: string };

type StoredKey = Omit<Key, 'token'> & { readonly digest: Buffer };

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
      return after === undefined || after.subject !== key.subject || isLess(after, key);
    });
    return new Set(lost.map((key) => key.subject));
  }
}
