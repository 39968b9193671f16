/** What waits on one link for one track's reader: items and the events between them, in order. */
import type { DropReason } from './link-meter.ts';
import type { DiscontinuityCause, EndCause, GapCause } from '../model/index.ts';
import type { Measure } from './media-types.ts';

/** Told when the reader has finished with an item: undefined, or why it was dropped. */
export type Settle = (dropped: DropReason | undefined) => void;

/** An item that waits. */
export interface QueuedItem {
  readonly type: 'item';
  readonly item: unknown;
  readonly measure: Measure;
  /** Monotonic ms. */
  readonly queuedAt: number;
  /** Called once the reader has finished with it, or it was dropped. */
  readonly settle: Settle | undefined;
}

/** What a reader is told, in order. */
export type LinkEvent =
  | QueuedItem
  | { readonly type: 'discontinuity'; readonly cause: DiscontinuityCause }
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly cause: GapCause }
  | { readonly type: 'end'; readonly cause: EndCause };

interface Entry {
  readonly event: LinkEvent;
  /** Media ms from the item before; 0 for the first of a timeline: a leap of the clock is not time that waits. */
  readonly advance: number;
}

/** See the file's head. */
export class LinkQueue {
  #entries: Entry[] = [];
  #bytes = 0;
  #advance = 0;
  /** Events that the last `takeItems` left in front. */
  #kept = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Events of any kind. */
  get length(): number {
    return this.#entries.length;
  }

  /** Items alone. */
  get items(): number {
    return this.#entries.reduce((count, { event }) => count + (event.type === 'item' ? 1 : 0), 0);
  }

  /** Media time from the oldest to the newest item, ms. */
  get span(): number {
    const oldest = this.#entries.find(({ event }) => event.type === 'item');
    return oldest ? this.#advance - oldest.advance : 0;
  }

  push(event: LinkEvent): void {
    if (event.type !== 'item') {
      this.#entries.push({ event, advance: 0 });
      return;
    }
    const entry = { event, advance: this.#advanceTo(event.measure.at) };
    this.#entries.push(entry);
    this.#bytes += event.measure.bytes;
    this.#advance += entry.advance;
  }

  shift(): LinkEvent | undefined {
    const entry = this.#entries.shift();
    if (entry) this.#forget(entry);
    return entry?.event;
  }

  /** Takes the newest event back where it is an item. */
  popItem(): QueuedItem | undefined {
    const entry = this.#entries.at(-1);
    if (entry?.event.type !== 'item') return undefined;
    this.#entries.pop();
    this.#forget(entry);
    return entry.event;
  }

  /** The place of the first item, not the oldest event, that suits and has at most `within` ms behind it. */
  placeOf(suits: (measure: Measure) => boolean, within: number): number | undefined {
    let behind = this.span;
    let first = true;
    for (const [place, { event, advance }] of this.#entries.entries()) {
      if (event.type !== 'item') continue;
      if (!first) behind -= advance;
      first = false;
      if (place > 0 && behind <= within && suits(event.measure)) return place;
    }
    return undefined;
  }

  /**
   * Takes out the items among the first `count` events and the discontinuities between them; gaps and an end tell of
   * something else than these items, and keep their place.
   */
  takeItems(count: number): QueuedItem[] {
    const taken: QueuedItem[] = [];
    const kept: Entry[] = [];
    for (const entry of this.#entries.splice(0, count)) {
      if (entry.event.type === 'item') taken.push(entry.event);
      else if (entry.event.type !== 'discontinuity') kept.push(entry);
      this.#forget(entry);
    }
    this.#entries.unshift(...kept);
    this.#kept = kept.length;
    return taken;
  }

  /** Puts an event behind what the last `takeItems` left in front. */
  insertAfterKept(event: Exclude<LinkEvent, QueuedItem>): void {
    this.#entries.splice(this.#kept, 0, { event, advance: 0 });
  }

  #advanceTo(at: number): number {
    for (let place = this.#entries.length - 1; place >= 0; place--) {
      const { event } = this.#entries[place]!;
      if (event.type === 'discontinuity') return 0;
      if (event.type === 'item') return Math.max(0, at - event.measure.at);
    }
    return 0;
  }

  #forget({ event, advance }: Entry): void {
    if (event.type !== 'item') return;
    this.#bytes -= event.measure.bytes;
    this.#advance -= advance;
  }
}
