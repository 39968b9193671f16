/** What one address may ask: so many requests, and so many keys that were refused. Decision 32 says why these numbers. */
import type { IncomingMessage } from 'node:http';
import { EddyError, PeerRate, RefusedKeys, type Clock } from 'eddy/plugin';
import type { AddressOf } from './request.ts';

/** So many in so many ms. */
type Rate = { readonly count: number; readonly within: number };

/** Options of {@link Guard}. */
export interface GuardOptions {
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly addressOf: AddressOf;
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

  /** Counts a request; the HTTP_TOO_MANY_REQUESTS that it is to be answered with, or undefined. */
  judge(message: IncomingMessage): EddyError | undefined {
    const address = this.#addressOf(message);
    const wait = this.#requests.take(address);
    if (wait > 0 && !this.#options.unlimited(address)) return tooMany('This address asks too often.', wait);
    if (this.#keys.isIdle) return undefined;
    const key = keyOf(message);
    const refused = key === undefined ? 0 : this.#keys.wait(address, key);
    return refused === 0 ? undefined : tooMany('Too many keys from this address were refused.', refused);
  }

  /** A request was answered well, or refused for what it brought (401 or 403). */
  answered(message: IncomingMessage, refused: boolean): void {
    if (!refused && this.#keys.isIdle) return;
    const key = keyOf(message);
    if (key === undefined) return;
    const address = this.#addressOf(message);
    if (!refused) this.#keys.accepted(address, key);
    else if (!this.#options.unlimited(address)) this.#keys.refused(address, key);
  }

  #addressOf({ socket, headers }: IncomingMessage): string {
    return this.#options.addressOf(socket.remoteAddress ?? '', headers['x-forwarded-for'] as string | undefined);
  }
}

const tooMany = (why: string, retryAfter: number): EddyError =>
  new EddyError('HTTP_TOO_MANY_REQUESTS', `${why} Ask again in ${retryAfter} s.`, { details: { retryAfter } });

/** Whatever a request brings to prove who asks; undefined where it brings nothing. */
function keyOf({ headers, url = '' }: IncomingMessage): string | undefined {
  if (headers.authorization !== undefined) return headers.authorization;
  return /[?&]token=([^&]+)/.exec(url)?.[1] ?? /^\/~([^/?]+)/.exec(url)?.[1] ?? headers.cookie;
}
