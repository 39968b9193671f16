/** Keys that were refused, by address: so that nobody guesses on, and who shares his address with such a one is still let in. */
import { createHash } from 'node:crypto';
import type { Clock } from './context.ts';
import { peerKey, PeerRate } from './peer-rate.ts';

/** Addresses of which it is known that keys were refused, and questions of one address that are known to be answered well. */
const MOST_ADDRESSES = 1_000;
const MOST_GOOD = 1_000;

/**
 * Counts refused keys. An address that tried too many has to wait with every other one, but for questions that were answered well there lately: behind one address may be a
 * whole company, of which one player asks with an old key for ever. A question is a key and what it is to open: of a key alone a public door would say that it is good.
 */
export class RefusedKeys {
  readonly #rate: PeerRate;
  /** Digests of the questions that were answered well, by address; only addresses where some were refused are here. */
  readonly #good = new Map<string, Set<string>>();

  /** `count` refused keys of one address in `within` ms. */
  constructor(clock: Pick<Clock, 'monotonic'>, rate: { readonly count: number; readonly within: number }) {
    this.#rate = new PeerRate(clock, rate);
  }

  /** True while no address is known where a key was refused: then there is nothing to ask or to tell. */
  get isIdle(): boolean {
    return this.#good.size === 0;
  }

  /** How many seconds an address has to wait before it may ask this; 0: none. */
  wait(address: string, question: string): number {
    const good = this.#good.get(peerKey(address));
    if (good === undefined) return 0;
    const wait = this.#rate.wait(address);
    return wait > 0 && good.has(digest(question)) ? 0 : wait;
  }

  /** It was refused. */
  refused(address: string, question: string): void {
    this.#rate.take(address);
    const peer = peerKey(address);
    const good = this.#good.get(peer) ?? new Set();
    // It was good until it expired or was revoked.
    good.delete(digest(question));
    this.#good.delete(peer);
    if (this.#good.size >= MOST_ADDRESSES) this.#good.delete(this.#good.keys().next().value!);
    this.#good.set(peer, good);
  }

  /** It was answered well. */
  accepted(address: string, question: string): void {
    const good = this.#good.get(peerKey(address));
    if (good !== undefined && good.size < MOST_GOOD) good.add(digest(question));
  }
}

/** Keys are not kept as such: no dump of the memory shall hold them longer than their request. */
const digest = (question: string): string => createHash('sha256').update(question).digest('base64url');
