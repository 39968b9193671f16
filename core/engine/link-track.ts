/**
 * One track on one link: queue, overflow policy, order and meters. An idle reader is called at once, so that a link
 * adds neither delay nor allocation while its reader keeps up.
 */
import type { FullPolicy } from '../graph/checked.ts';
import type { DiscontinuityCause, EndCause, GapCause } from '../model/index.ts';
import type { AnyMediaType, TrackReader } from '../plugin/index.ts';
import type { DropReason, LinkMeter, MeteredQueue } from './link-meter.ts';
import { LinkQueue, type LinkEvent, type Settle } from './link-queue.ts';
import type { Measure } from './media-types.ts';

/** A queue with `block` or `spill` whose writer does not listen is cut off at this many times its size. */
const OVERRUN = 8;
/** ... but not before so many ms wait: a queue of no length still lets a writer finish what it was about. */
const MIN_OVERRUN_MS = 1000;
/** No queue of one track holds more than this, whatever its policy. */
const MAX_BYTES = 256 * 1024 * 1024;

/** What a link track needs of its surroundings. */
export interface LinkTrackHooks {
  monotonic(): number;
  /** The reader threw: its flow part fails. */
  onReaderError(error: unknown): void;
  /** A queue that pushed back has room again, or is gone. */
  onRoom(): void;
  requestKeyFrame(): void;
  /** {@link LinkTrack.wanted} has changed. */
  onWanted(): void;
}

/** The link's settings. */
export interface LinkTrackOptions {
  readonly queueMs: number;
  readonly full: FullPolicy;
  /** Begin at an item at which a reader may begin: for every track joined after its start. */
  readonly resync: boolean;
}

/** See the file's head. */
export class LinkTrack implements MeteredQueue {
  readonly #options: LinkTrackOptions;
  readonly #meter: LinkMeter;
  readonly #hooks: LinkTrackHooks;
  readonly #queue = new LinkQueue();
  #reader: TrackReader<AnyMediaType> | undefined;
  #busy = false;
  #held = false;
  /** The reader's pad is wanted; its reader wants this very track. */
  #padWanted = true;
  #readerWants = true;
  #resync: boolean;
  #cut: DiscontinuityCause | undefined;
  #pushedBack = false;
  #state: 'open' | 'ending' | 'done' = 'open';
  #done = Promise.withResolvers<void>();

  constructor(options: LinkTrackOptions, meter: LinkMeter, hooks: LinkTrackHooks) {
    this.#options = options;
    this.#meter = meter;
    this.#hooks = hooks;
    this.#resync = options.resync;
    meter.queues.add(this);
  }

  /** Settles when the reader has seen the end, or the link was cut. */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  get isDone(): boolean {
    return this.#state === 'done';
  }

  /** False where a writer that waits is to wait. */
  get hasRoom(): boolean {
    // The same bound at which `push` answers false: else a writer that asks first would wait for nobody.
    return this.#options.full !== 'block' || this.#state !== 'open' || this.#queue.span <= this.#options.queueMs;
  }

  /** True where `deliver` waits for this reader: a branch that drops never holds up another. */
  get acknowledges(): boolean {
    return this.#options.full === 'block' || this.#options.full === 'spill';
  }

  get queuedMs(): number {
    return this.#queue.span;
  }

  get queuedItems(): number {
    return this.#queue.items;
  }

  setReader(reader: TrackReader<AnyMediaType>): void {
    this.#reader = reader;
    this.#pump();
  }

  /** The gate: while held, items queue and nothing is delivered. */
  hold(held: boolean): void {
    this.#held = held;
    if (!held) this.#pump();
  }

  /** True where items are taken. */
  get wanted(): boolean {
    return this.#padWanted && this.#readerWants && this.#state === 'open';
  }

  /** How full it is: 0 where its reader keeps up, 1 where it drops or blocks; more where a writer does not wait. */
  get pressure(): number {
    const { span } = this.#queue;
    const filled = span === 0 ? 0 : span / Math.max(1, this.#options.queueMs);
    // What was dropped made room, and until the next key frame nothing comes in: that is no reader who keeps up.
    return this.#resync && this.#cut === 'frames-dropped' ? Math.max(1, filled) : filled;
  }

  /** Demand: while nobody wants the reader's output, items are not passed and not counted. */
  want(wanted: boolean): void {
    this.#changeDemand(() => (this.#padWanted = wanted));
  }

  /** The same, by the reader itself. */
  readerWants(wanted: boolean): void {
    this.#changeDemand(() => (this.#readerWants = wanted));
  }

  #changeDemand(change: () => void): void {
    const before = this.wanted;
    change();
    if (this.wanted === before) return;
    this.#hooks.onWanted();
    if (before) return;
    this.#resync = true;
    this.#cut ??= this.#meter.items > 0 ? 'source-signalled' : undefined;
    this.#hooks.requestKeyFrame();
  }

  /** Takes an item; false means that a blocking queue is full. `settle` is told how it went. */
  push(item: unknown, measure: Measure, settle?: Settle): boolean {
    if (!this.wanted) {
      settle?.(undefined);
      return true;
    }
    if (this.#resync) {
      if (!measure.resync) {
        this.#drop('waiting-for-key-frame', settle);
        return true;
      }
      this.#resync = false;
      if (this.#cut !== undefined) this.#queue.push({ type: 'discontinuity', cause: this.#cut });
      this.#cut = undefined;
    }
    if (this.#queue.bytes + measure.bytes > MAX_BYTES) {
      this.#drop('overrun', settle);
      this.#cutOff();
      return this.hasRoom;
    }
    this.#queue.push({ type: 'item', item, measure, queuedAt: this.#hooks.monotonic(), settle });
    this.#pump();
    return this.#queue.span <= this.#options.queueMs || this.#full();
  }

  discontinuity(cause: DiscontinuityCause): void {
    this.#control({ type: 'discontinuity', cause });
  }

  gap(from: number, to: number, cause: GapCause): void {
    this.#control({ type: 'gap', from, to, cause });
  }

  /** No more items; what is queued is still delivered, then the end. */
  end(cause: EndCause): void {
    if (this.#state !== 'open') return;
    this.#state = 'ending';
    this.#queue.push({ type: 'end', cause });
    this.#wakeWriter();
    this.#pump();
  }

  /** Cuts the link at once: the reader is gone, what is queued is dropped. */
  close(): void {
    if (this.#state === 'done') return;
    this.#state = 'done';
    this.#dropQueued(this.#queue.length, 'closed');
    this.#reader = undefined;
    this.#meter.queues.delete(this);
    this.#wakeWriter();
    this.#done.resolve();
  }

  #control(event: LinkEvent): void {
    if (!this.wanted) return;
    this.#queue.push(event);
    this.#pump();
  }

  /** The queue is over its size: what the policy says. Returns what `push` answers. */
  #full(): boolean {
    switch (this.#options.full) {
      case 'block':
        if (this.#overrun()) {
          this.#dropNewest('overrun');
        } else if (!this.#pushedBack) {
          this.#pushedBack = true;
          this.#meter.backPressure += 1;
        }
        return false;
      case 'spill':
        if (this.#overrun()) this.#dropNewest('overrun');
        return true;
      case 'drop-newest':
        this.#dropNewest('queue-full');
        return true;
      case 'drop-to-keyframe':
        this.#dropToKeyFrame();
        return true;
    }
  }

  #overrun(): boolean {
    return this.#queue.span > Math.max(MIN_OVERRUN_MS, this.#options.queueMs * OVERRUN);
  }

  #dropNewest(reason: DropReason): void {
    const newest = this.#queue.popItem();
    if (!newest) return;
    this.#drop(reason, newest.settle);
    this.#cutOff();
  }

  /** Drops up to the first place at which a reader may begin and half the queue is free; where there is none, all. */
  #dropToKeyFrame(): void {
    const keep = this.#queue.placeOf((measure) => measure.resync, this.#options.queueMs / 2);
    this.#dropQueued(keep ?? this.#queue.length, 'queue-full');
    if (keep === undefined) this.#cutOff();
    else this.#queue.insertAfterKept({ type: 'discontinuity', cause: 'frames-dropped' });
  }

  /** After a drop the reader begins again where it may. */
  #cutOff(): void {
    this.#resync = true;
    this.#cut = 'frames-dropped';
    this.#hooks.requestKeyFrame();
  }

  #dropQueued(count: number, reason: DropReason): void {
    for (const item of this.#queue.takeItems(count)) this.#drop(reason, item.settle);
  }

  #drop(reason: DropReason, settle: Settle | undefined): void {
    this.#meter.dropped(reason);
    settle?.(reason);
  }

  #pump(): void {
    if (this.#busy || this.#held) return;
    while (this.#reader && !this.#busy && !this.#held && this.#queue.length > 0 && this.#state !== 'done') {
      this.#deliver(this.#queue.shift()!, this.#reader);
    }
    if (this.#pushedBack && this.hasRoom) this.#wakeWriter();
  }

  #wakeWriter(): void {
    this.#pushedBack = false;
    this.#hooks.onRoom();
  }

  #deliver(event: LinkEvent, reader: TrackReader<AnyMediaType>): void {
    this.#busy = true;
    let result: void | Promise<void>;
    try {
      result = this.#call(event, reader);
    } catch (error) {
      this.#failed(event, error);
      return;
    }
    if (result instanceof Promise) {
      result.then(
        () => {
          this.#finished(event);
          this.#pump();
        },
        (error: unknown) => this.#failed(event, error),
      );
    } else {
      this.#finished(event);
    }
  }

  #call(event: LinkEvent, reader: TrackReader<AnyMediaType>): void | Promise<void> {
    switch (event.type) {
      case 'item': {
        const { bytes, resync } = event.measure;
        const now = this.#hooks.monotonic();
        this.#meter.passed(bytes, now - event.queuedAt, resync, now);
        return reader.item(event.item as never);
      }
      case 'discontinuity':
        return reader.discontinuity?.(event.cause);
      case 'gap':
        return reader.gap?.(event.from, event.to, event.cause);
      case 'end':
        return reader.end?.(event.cause);
    }
  }

  #finished(event: LinkEvent): void {
    this.#busy = false;
    if (event.type === 'item') event.settle?.(undefined);
    if (event.type === 'end') this.close();
  }

  #failed(event: LinkEvent, error: unknown): void {
    this.#busy = false;
    if (event.type === 'item') this.#drop('reader-failed', event.settle);
    // Cut off while its reader was at work: whoever reads now, if anyone, has nothing to do with this failure.
    if (this.#state === 'done') return;
    this.close();
    this.#hooks.onReaderError(error);
  }
}
