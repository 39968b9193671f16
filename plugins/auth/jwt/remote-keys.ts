/**
 * A key set by URL. It is fetched before the first token needs it, again when it is old, and at once when a token names a key that is
 * not in it; while the URL does not answer, the last set goes on being used, for a time that is bounded.
 */
import { EddyError, type Context } from 'eddy/plugin';
import { askHttp, parseJson } from '../shared/ask-http.ts';
import { readJwks, type KeySet } from './key-set.ts';

/** Sets have a few KiB. */
const MOST_BYTES = 256 * 1024;

/** Times in ms. */
export interface RemoteKeysOptions {
  readonly url: string;
  readonly refresh: number;
  readonly cooldown: number;
  readonly keep: number;
  readonly timeout: number;
  readonly ca: string | undefined;
}

/** What it needs of its surroundings. */
type Host = Pick<Context, 'clock' | 'log' | 'report' | 'scope'>;

/** See the file's head. */
export class RemoteKeys {
  readonly #options: RemoteKeysOptions;
  readonly #ctx: Host;
  #set: KeySet | undefined;
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  /** Of the last try, where it failed. */
  #failure: EddyError | undefined;
  #fetching: Promise<void> | undefined;

  constructor(options: RemoteKeysOptions, ctx: Host) {
    this.#options = options;
    this.#ctx = ctx;
  }

  /** Fetches it ahead of the first token; that it does not answer is told and does not keep the pipeline from starting. */
  async start(): Promise<void> {
    await this.#fetch();
  }

  /** The set to use now. Rejects with auth.jwt/KEYS_UNREACHABLE where there is none, or none that may still be used. */
  async current(): Promise<KeySet> {
    const { refresh, keep } = this.#options;
    const age = this.#now() - this.#fetchedAt;
    if (age >= refresh && !this.#coolingDown()) {
      const fetching = this.#fetch();
      // An old set is used meanwhile; nobody waits for the new one.
      if (age >= keep) await fetching;
    } else if (age >= keep) await this.#fetching;
    if (this.#set && this.#now() - this.#fetchedAt < keep) return this.#set;
    throw this.#failure ?? unreachable('it was not fetched yet');
  }

  /**
   * A token names a key that is not in the set: true where the set is a new one since. Rejects with auth.jwt/KEYS_UNREACHABLE where the
   * URL does not answer, so that nobody can tell.
   */
  async missed(): Promise<boolean> {
    const before = this.#set;
    if (this.#fetching || !this.#coolingDown()) await this.#fetch();
    if (this.#failure) throw this.#failure;
    return this.#set !== before;
  }

  #coolingDown(): boolean {
    return this.#now() - this.#triedAt < this.#options.cooldown;
  }

  #now(): number {
    return this.#ctx.clock.monotonic();
  }

  /** One at a time; never rejects. */
  #fetch(): Promise<void> {
    this.#fetching ??= this.#try().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #try(): Promise<void> {
    const { url, timeout, ca } = this.#options;
    this.#triedAt = this.#now();
    try {
      const { signal } = this.#ctx.scope;
      const answer = await askHttp({ url, method: 'GET', timeout, maxBytes: MOST_BYTES, ca, signal });
      if (answer.status !== 200) throw new Error(`it answered ${answer.status}`);
      const set = readJwks(parseJson(answer.body));
      if (set.keys.length === 0) throw new Error('its set has no public key');
      // The same keys stay the same list: what was verified with them need not be verified again.
      if (JSON.stringify(set) !== JSON.stringify(this.#set)) {
        this.#set = set;
        for (const why of set.ignored)
          this.#ctx.report({ code: 'auth.jwt/KEY_IGNORED', message: `${shown(url)}: ${why}` });
      }
      this.#fetchedAt = this.#now();
      if (this.#failure) this.#ctx.log.info({ url: shown(url) }, 'the key set is there again');
      this.#failure = undefined;
    } catch (error) {
      if (this.#ctx.scope.signal.aborted) return;
      this.#failure = unreachable(`${shown(url)}: ${error instanceof Error ? error.message : String(error)}`);
      const { code, message } = this.#failure;
      this.#ctx.report({ code, message });
    }
  }
}

/** Without user, password and query. */
function shown(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

const unreachable = (why: string): EddyError =>
  new EddyError('auth.jwt/KEYS_UNREACHABLE', `the key set cannot be had: ${why}`, { kind: 'resource' });
