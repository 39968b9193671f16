/** What a link counts: the same names for every edge, so that no plugin writes meters of its own for them. */

/** Why an item was not passed on. */
export type DropReason = 'queue-full' | 'waiting-for-key-frame' | 'overrun' | 'reader-failed' | 'closed';

/** A queue of one track on a link. */
export interface MeteredQueue {
  readonly queuedMs: number;
  readonly queuedItems: number;
}

/** The meters of one link of one camera. Plain numbers: the hot path adds, the scrape reads. */
export class LinkMeter {
  items = 0;
  bytes = 0;
  readonly drops: Partial<Record<DropReason, number>> = {};
  /** The queues of its tracks: looked at by the scrape, so that they cost nothing in between. */
  readonly queues = new Set<MeteredQueue>();
  /** Times a full `block` queue pushed back on its writer. */
  backPressure = 0;
  /** Time an item waits in the queue, ms: moving average and worst. */
  latencyMs = 0;
  latencyMaxMs = 0;
  /** Monotonic ms of the last item, and of the last one at which a reader may begin. */
  lastItemAt: number | undefined;
  lastKeyAt: number | undefined;

  /** How much media waits, ms: the largest track's. */
  get queueMs(): number {
    let largest = 0;
    for (const queue of this.queues) largest = Math.max(largest, queue.queuedMs);
    return largest;
  }

  /** How many items wait, of all tracks. */
  get queueItems(): number {
    let sum = 0;
    for (const queue of this.queues) sum += queue.queuedItems;
    return sum;
  }

  passed(bytes: number, waitedMs: number, resync: boolean, now: number): void {
    this.items += 1;
    this.bytes += bytes;
    this.latencyMs += (waitedMs - this.latencyMs) / 16;
    if (waitedMs > this.latencyMaxMs) this.latencyMaxMs = waitedMs;
    this.lastItemAt = now;
    if (resync) this.lastKeyAt = now;
  }

  /** Takes over the totals of another one, whose camera has gone. */
  absorb(other: LinkMeter): void {
    this.items += other.items;
    this.bytes += other.bytes;
    this.backPressure += other.backPressure;
    for (const [reason, count] of Object.entries(other.drops)) this.dropped(reason as DropReason, count);
  }

  dropped(reason: DropReason, count = 1): void {
    this.drops[reason] = (this.drops[reason] ?? 0) + count;
  }
}
