/** How often one address may do something: a token bucket each, in bounded memory. */
import type { Clock } from './context.ts';

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
    const bucket = this.#bucketOf(address);
    if (bucket.tokens < 1) return this.#secondsUntilOne(bucket);
    bucket.tokens -= 1;
    return 0;
  }

  /** What `take` would answer, without taking. */
  wait(address: string): number {
    if (!this.#buckets.has(peerKey(address))) return 0;
    const bucket = this.#bucketOf(address);
    return bucket.tokens < 1 ? this.#secondsUntilOne(bucket) : 0;
  }

  #secondsUntilOne({ tokens }: Bucket): number {
    return Math.max(1, Math.ceil(((1 - tokens) * this.#within) / this.#count / 1000));
  }

  #bucketOf(address: string): Bucket {
    const key = peerKey(address);
    const now = this.#clock.monotonic();
    const bucket = this.#buckets.get(key) ?? { tokens: this.#count, filledAt: now };
    bucket.tokens = Math.min(this.#count, bucket.tokens + ((now - bucket.filledAt) * this.#count) / this.#within);
    bucket.filledAt = now;
    // Behind the others: the map's order is that of the last requests.
    this.#buckets.delete(key);
    if (this.#buckets.size >= MAX_PEERS) this.#buckets.delete(this.#buckets.keys().next().value!);
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

/**
 * What an address counts as where clients are counted: itself, or its /64 where it is of IPv6, since every home has one whole (RFC 6177) and
 * could come from a new address with each request.
 */
export function peerKey(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = (address.split('%', 1)[0] ?? '').split('::', 2);
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  if (tail !== undefined) while (groups.length + after.length < 8) groups.push('0');
  return `${[...groups, ...after]
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
