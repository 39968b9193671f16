/** auth.jwt at work. */
import type { AccessRequest, Authorizer, Context, Decision, Running } from 'eddy/plugin';
import { readCa } from '../shared/ca.ts';
import { decideBy, forbidden, howLong, outsideOf, unauthenticated } from '../shared/decide.ts';
import { digestOf } from '../shared/digest.ts';
import { LruCache } from '../shared/lru.ts';
import { readClaims, type Verified } from './claims.ts';
import { FileKeys } from './file-keys.ts';
import { readJwks, readPem } from './key-set.ts';
import type { manifest } from './plugin.ts';
import { TokenRefused } from './refusal.ts';
import { RemoteKeys } from './remote-keys.ts';
import { Verifier, type PublicKeys } from './verifier.ts';

/** Tokens that are remembered as verified, so that each costs its signature once. */
const REMEMBERED = 10_000;

/** Makes the authorizer. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { config, clock } = ctx;
  const keys = new Keys(ctx);
  const verifier = new Verifier({ ...config, now: () => clock.now() });
  const verified = new LruCache<Verified>(REMEMBERED);
  let verifiedWith: PublicKeys | undefined;

  const verify = async (token: string): Promise<Verified> => {
    // Asked even where the token is remembered: what was verified with keys that were withdrawn is verified no longer.
    const current = await keys.current();
    if (!isSame(current, verifiedWith)) verified.clear();
    verifiedWith = current;
    const digest = digestOf(token).toString('base64');
    const known = verified.get(digest, clock.now());
    if (known) return known;
    const claims = await keys.tryTwice(current, (these) => verifier.verify(token, these));
    const read = readClaims(claims, config);
    const lifetime = config['max-lifetime'];
    if (lifetime !== undefined && read.expiresAt - clock.now() > lifetime + config.tolerance) {
      throw new TokenRefused(`This token is good for too long; at most ${howLong(lifetime)} are taken.`);
    }
    const expiresAt = read.expiresAt + config.tolerance;
    const remembered = { ...read, expiresAt };
    if (isSame(verifiedWith, current)) verified.set(digest, remembered, expiresAt);
    return remembered;
  };

  const authorize = async (request: AccessRequest): Promise<Decision> => {
    // Encoders that know a user and a password alone bring the token as the password.
    const token = request.credentials.token ?? request.credentials.password;
    if (!token) return unauthenticated('A token is needed here.');
    if (token.length > config['max-token']) return unauthenticated('This token is too large.');
    try {
      const { subject, rights, expiresAt } = await verify(token);
      const outside = outsideOf({ from: undefined, until: expiresAt }, clock.now(), 'token');
      const decision = outside ?? decideBy(rights, subject, request, 'token');
      if (!decision.allowed) return decision;
      // A publisher whose token ends on the air stays: it is not asked again.
      return { ...decision, expiresAt, ...(request.action !== 'publish' && { recheck: config.recheck }) };
    } catch (error) {
      if (!(error instanceof TokenRefused)) throw error;
      return error.cause === 'rights' ? forbidden(error.message) : unauthenticated(error.message);
    }
  };

  const authorizer: Authorizer = { open: false, authorize };
  return { services: { auth: authorizer }, start: () => keys.start() };
}

/** All public keys, wherever they come from. */
class Keys {
  readonly #ctx: Context<typeof manifest>;
  readonly #named: FileKeys[];
  readonly #unnamed: FileKeys[];
  #remote: RemoteKeys | undefined;

  constructor(ctx: Context<typeof manifest>) {
    this.#ctx = ctx;
    const file = ctx.config['jwks-file'];
    const fromJson = (text: string) => readJwks(JSON.parse(text));
    this.#named = file === undefined ? [] : [new FileKeys(file, fromJson, ctx)];
    this.#unnamed = ctx.config['public-keys'].map((path) => new FileKeys(path, readPem, ctx));
  }

  /** Rejects with auth.jwt/KEYS_INVALID or auth.jwt/CA_UNREADABLE. */
  async start(): Promise<void> {
    await Promise.all([...this.#named, ...this.#unnamed].map((keys) => keys.start()));
    const { config } = this.#ctx;
    if (config.jwks === undefined) return;
    const ca = await readCa(config.ca, 'auth.jwt/CA_UNREADABLE');
    this.#remote = new RemoteKeys({ ...config, url: config.jwks, ca }, this.#ctx);
    await this.#remote.start();
  }

  /** Rejects with auth.jwt/KEYS_UNREACHABLE. */
  async current(): Promise<PublicKeys> {
    const all = (keys: readonly FileKeys[]) => Promise.all(keys.map((each) => each.current()));
    const remote = this.#remote && (await this.#remote.current());
    return { named: [...(remote ? [remote] : []), ...(await all(this.#named))], unnamed: await all(this.#unnamed) };
  }

  /** Where a key is not known, the set by URL may have a newer one. */
  async tryTwice<T>(keys: PublicKeys, attempt: (keys: PublicKeys) => Promise<T>): Promise<T> {
    try {
      return await attempt(keys);
    } catch (error) {
      const mayBeNew = error instanceof TokenRefused && error.cause === 'unknown-key' && this.#remote !== undefined;
      if (!mayBeNew || !(await this.#remote!.missed())) throw error;
      return attempt(await this.current());
    }
  }
}

function isSame(a: PublicKeys, b: PublicKeys | undefined): boolean {
  if (b === undefined) return false;
  const sets = ({ named, unnamed }: PublicKeys) => [...named, ...unnamed];
  const [of, other] = [sets(a), sets(b)];
  return of.length === other.length && of.every((set, index) => set === other[index]);
}
