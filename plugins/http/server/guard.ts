/** What one address may ask: so many requests, and so many keys that were refused. Decision 32 says why these numbers. */
import type { IncomingMessage } from 'node:http';
import { EddyError, PeerRate, RefusedKeys, type Clock } from 'eddy/plugin';

/** So many in so many ms. */
type Rate = { readonly count: number; readonly within: number };

/** Options of {@link Guard}. */
export interface GuardOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly rate: Rate;
  readonly refusals: Rate;
  /** Addresses to which neither applies. */
  readonly unlimited: (address: string) => boolean;
}

/** Counts by address. */
export class Guard {
  readonly #options: GuardOptions;
  readonly #requests: PeerRate;
  readonly #keys: RefusedKeys;

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#requests = new PeerRate(options.clock, options.rate);
    this.#keys = new RefusedKeys(options.clock, options.refusals);
  }

  /** Counts a request of this address; the HTTP_TOO_MANY_REQUESTS that it is to be answered with, or undefined. */
  judge(message: IncomingMessage, address: string): EddyError | undefined {
    const wait = this.#requests.take(address);
    if (wait > 0 && !this.#options.unlimited(address)) return tooMany('This address asks too often.', wait);
    if (this.#keys.isIdle) return undefined;
    const question = questionOf(message);
    const refused = question === undefined ? 0 : this.#keys.wait(address, question);
    return refused === 0 ? undefined : tooMany('Too many keys from this address were refused.', refused);
  }

  /** A request was answered well, or refused for what it brought (401 or 403). */
  answered(message: IncomingMessage, address: string, refused: boolean): void {
    if (!refused && this.#keys.isIdle) return;
    const question = questionOf(message);
    if (question === undefined) return;
    if (!refused) this.#keys.accepted(address, question);
    else if (!this.#options.unlimited(address)) this.#keys.refused(address, question);
  }
}

const tooMany = (why: string, retryAfter: number): EddyError =>
  new EddyError('HTTP_TOO_MANY_REQUESTS', `${why} Ask again in ${retryAfter} s.`, { details: { retryAfter } });

/** `?token=`; a name with percent-encoding may be one. */
const TOKEN = /[?&](?:token|[^=&]*%[^=&]*)=[^&]/;

/**
 * The question that a request with a key asks: this key, at this very address. Not the key alone: where anyone may look, any key is answered well. A sealed session is no
 * key: nobody guesses one, and no authorizer is asked about it.
 */
function questionOf({ method = '', headers, url = '' }: IncomingMessage): string | undefined {
  if (headers.authorization === undefined && !TOKEN.test(url)) return undefined;
  return `${method} ${url} ${headers.authorization ?? ''}`;
}
