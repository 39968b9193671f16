/** Keys that were refused, by address: so that nobody guesses on, and who shares his address with such a one is still let in. */
import { createHash } from 'node:crypto';
import type { Clock } from './context.ts';
import { peerKey, PeerRate } from './peer-rate.ts';

/** Addresses of which it is known that keys were refused, and keys of one address of which it is known that they are good. */
const MOST_ADDRESSES = 1_000;
const MOST_GOOD_KEYS = 1_000;

/**
 * Counts refused keys. An address that tried too many has to wait with every other key, but for those that were good there lately: behind one address may be a
 * whole company, of which one player asks with an old key for ever.
 */
export class RefusedKeys {
  readonly #rate: PeerRate;
  /** Digests of the keys that were good, by address; only addresses where some were refused are here. */
  readonly #good = new Map<string, Set<string>>();

  /** `count` refused keys of one address in `within` ms. */
  constructor(clock: Pick<Clock, 'monotonic'>, rate: { readonly count: number; readonly within: number }) {
    this.#rate = new PeerRate(clock, rate);
  }

  /** True while no address is known where a key was refused: then there is nothing to ask or to tell. */
  get isIdle(): boolean {
    return this.#good.size === 0;
  }

  /** How many seconds an address has to wait before it may try this key; 0: none. */
  wait(address: string, key: string): number {
    const good = this.#good.get(peerKey(address));
    if (good === undefined) return 0;
    const wait = this.#rate.wait(address);
    return wait > 0 && good.has(digest(key)) ? 0 : wait;
  }

  /** It was refused. */
  refused(address: string, key: string): void {
    this.#rate.take(address);
    const peer = peerKey(address);
    const good = this.#good.get(peer) ?? new Set();
    // It was good until it expired or was revoked.
    good.delete(digest(key));
    this.#good.delete(peer);
    if (this.#good.size >= MOST_ADDRESSES) this.#good.delete(this.#good.keys().next().value!);
    this.#good.set(peer, good);
  }

  /** It was good. */
  accepted(address: string, key: string): void {
    const good = this.#good.get(peerKey(address));
    if (good !== undefined && good.size < MOST_GOOD_KEYS) good.add(digest(key));
  }
}

/** Keys are not kept as such: no dump of the memory shall hold them longer than their request. */
const digest = (key: string): string => createHash('sha256').update(key).digest('base64url');
