/** How often one address may begin a session: a token bucket each, in bounded memory. */
import type { Clock } from 'eddy/plugin';

/** Addresses kept; beyond, the one that was silent longest is forgotten. */
const MAX_PEERS = 10_000;

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** See the file's head. */
export class PeerRate {
  readonly #clock: Pick<Clock, 'monotonic'>;
  readonly #count: number;
  readonly #within: number;
  readonly #buckets = new Map<string, Bucket>();

  /** `count` in `within` ms. */
  constructor(clock: Pick<Clock, 'monotonic'>, rate: { readonly count: number; readonly within: number }) {
    this.#clock = clock;
    this.#count = rate.count;
    this.#within = rate.within;
  }

  /** Takes one token; 0 where there was one, else how many seconds to wait, at least 1. */
  take(address: string): number {
    const now = this.#clock.monotonic();
    const known = this.#buckets.get(address);
    const bucket = known ?? { tokens: this.#count, filledAt: now };
    bucket.tokens = Math.min(this.#count, bucket.tokens + ((now - bucket.filledAt) * this.#count) / this.#within);
    bucket.filledAt = now;
    // Behind the others: the map's order is that of the last requests.
    this.#buckets.delete(address);
    if (this.#buckets.size >= MAX_PEERS) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(address, bucket);
    if (bucket.tokens < 1) return Math.max(1, Math.ceil(((1 - bucket.tokens) * this.#within) / this.#count / 1000));
    bucket.tokens -= 1;
    return 0;
  }
}
