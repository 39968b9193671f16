/** What one address may ask: so many requests, and so many keys that were refused. Decision 32 says why these numbers. */
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { EddyError, peerKey, PeerRate, type Clock } from 'eddy/plugin';
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

/** Addresses of which it is known that keys were refused, and keys of one address of which it is known that they are good. */
const MOST_ADDRESSES = 1_000;
const MOST_GOOD_KEYS = 1_000;

/**
 * Counts by address. An address that was refused too often is still answered for the keys that were good there lately: behind one address may
 * be a whole company, of which one player asks with an old key for ever.
 */
export class Guard {
  readonly #options: GuardOptions;
  readonly #requests: PeerRate;
  readonly #refusals: PeerRate;
  /** Digests of the keys that were good, by address; only addresses where some were refused are here. */
  readonly #good = new Map<string, Set<string>>();

  constructor(options: GuardOptions) {
    this.#options = options;
    this.#requests = new PeerRate(options.clock, options.rate);
    this.#refusals = new PeerRate(options.clock, options.refusals);
  }

  /** Counts a request; the HTTP_TOO_MANY_REQUESTS that it is to be answered with, or undefined. */
  judge(message: IncomingMessage): EddyError | undefined {
    const address = this.#addressOf(message);
    const wait = this.#requests.take(address);
    if (wait > 0 && !this.#options.unlimited(address)) return tooMany('This address asks too often.', wait);
    if (this.#good.size === 0) return undefined;
    const good = this.#good.get(peerKey(address));
    if (good === undefined) return undefined;
    const refused = this.#refusals.wait(address);
    if (refused === 0) return undefined;
    const key = keyOf(message);
    if (key === undefined || good.has(digest(key))) return undefined;
    return tooMany('Too many keys from this address were refused.', refused);
  }

  /** A request was answered well, or refused for what it brought (401 or 403). */
  answered(message: IncomingMessage, refused: boolean): void {
    if (!refused && this.#good.size === 0) return;
    const key = keyOf(message);
    if (key === undefined) return;
    const address = this.#addressOf(message);
    const peer = peerKey(address);
    const good = this.#good.get(peer);
    if (!refused) {
      if (good !== undefined && good.size < MOST_GOOD_KEYS) good.add(digest(key));
      return;
    }
    if (this.#options.unlimited(address)) return;
    this.#refusals.take(address);
    // It was good until it expired or was revoked.
    good?.delete(digest(key));
    this.#good.delete(peer);
    if (this.#good.size >= MOST_ADDRESSES) this.#good.delete(this.#good.keys().next().value!);
    this.#good.set(peer, good ?? new Set());
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

/** Keys are not kept as such: no dump of the memory shall hold them longer than their request. */
const digest = (key: string): string => createHash('sha256').update(key).digest('base64url');
