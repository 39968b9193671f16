/** The users of auth.static: names and passwords. */
import { digestOf } from '../shared/digest.ts';
import type { TimedRights } from '../shared/fields.ts';
import { LruCache } from '../shared/lru.ts';
import { isLess } from './less.ts';

/** A user as configured. */
export type User = TimedRights & { readonly user: string; readonly password: string };

/** Verifies a password against an encoded hash; rejects where it cannot tell. */
export type Verify = (password: string, hash: string) => Promise<boolean>;

/** Log-ins that are remembered, right ones and wrong ones apart, so that a flood of guesses pushes nobody out. */
const REMEMBERED = 10_000;
/** A wrong password is not verified again for so many ms: encoders try again every second. */
const REMEMBER_WRONG = 30_000;
/** argon2 takes the whole password; what is longer than this is no password. */
const LONGEST_PASSWORD = 1024;

/**
 * Stands in for users who do not exist, so that they take as long to refuse. Nobody has its password: 32 random bytes that were thrown away.
 */
const NOBODYS_HASH =
  '$argon2id$v=19$m=19456,t=2,p=1$NTCM2mAHvKaZLMiTUqIgVA$iBgQ5vy1Xqb/7sZ+M4U7TgGk1v1j5XO3jFGFbVfZ0wE';

/** See the file's head. */
export class Users {
  readonly #users: ReadonlyMap<string, User>;
  readonly #verify: Verify;
  readonly #remember: number;
  readonly #standIn: string;
  readonly #right = new LruCache<true>(REMEMBERED);
  readonly #wrong = new LruCache<true>(REMEMBERED);
  readonly #verifying = new Map<string, Promise<boolean>>();

  /** `remember`: ms for which a verified password is not verified again. */
  constructor(users: readonly User[], verify: Verify, remember: number) {
    this.#users = new Map(users.map((user) => [user.user, user]));
    this.#verify = verify;
    this.#remember = remember;
    // As costly as the others: of the first, since one "eddy token hash" has made them all.
    this.#standIn = users[0] ? withoutPassword(users[0].password) : NOBODYS_HASH;
  }

  /** The user with this name and password; rejects where passwords cannot be verified now. */
  async find(name: string, password: string, now: () => number): Promise<User | undefined> {
    if (this.#users.size === 0 || password.length > LONGEST_PASSWORD) return undefined;
    const user = this.#users.get(name);
    const hash = user?.password ?? this.#standIn;
    const digest = digestOf(name, password).toString('base64');
    if (user && this.#right.get(digest, now())) return user;
    if (this.#wrong.get(digest, now())) return undefined;
    let verifying = this.#verifying.get(digest);
    if (!verifying) {
      verifying = this.#verify(password, hash).finally(() => this.#verifying.delete(digest));
      this.#verifying.set(digest, verifying);
    }
    const right = (await verifying) && user !== undefined;
    if (right) this.#right.set(digest, true, now() + this.#remember);
    else this.#wrong.set(digest, true, now() + REMEMBER_WRONG);
    return right ? user : undefined;
  }

  /** Users that `other` does not have with at least the same rights and the same password. */
  subjectsThatLostIn(other: Users): Set<string> {
    const lost = [...this.#users.values()].filter((user) => {
      const after = other.#users.get(user.user);
      return after === undefined || after.password !== user.password || isLess(after, user);
    });
    return new Set(lost.map(({ user }) => user));
  }
}

/** A hash of the same costs that no password has: its last part is overwritten. */
function withoutPassword(hash: string): string {
  const parts = hash.split('$');
  const last = parts.pop()!;
  return [
    ...parts,
    NOBODYS_HASH.slice(NOBODYS_HASH.lastIndexOf('$') + 1)
      .repeat(5)
      .slice(0, last.length),
  ].join('$');
}
