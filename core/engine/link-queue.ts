/** What waits on one link for one track's reader: items and the events between them, in order. */
import type { DiscontinuityCause, EndCause, GapCause } from '../model/index.ts';
import type { Measure } from './media-types.ts';

/** An item that waits. */
export interface QueuedItem {
  readonly type: 'item';
  readonly item: unknown;
  readonly measure: Measure;
  /** Monotonic ms. */
  readonly queuedAt: number;
  /** Called once the reader has finished with it, or it was dropped. */
  readonly settle: (() => void) | undefined;
}

/** What a reader is told, in order. */
export type LinkEvent =
  | QueuedItem
  | { readonly type: 'discontinuity'; readonly cause: DiscontinuityCause }
  | { readonly type: 'gap'; readonly from: number; readonly to: number; readonly cause: GapCause }
  | { readonly type: 'end'; readonly cause: EndCause };

/** See the file's head. */
export class LinkQueue {
  #events: LinkEvent[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** Events of any kind. */
  get length(): number {
    return this.#events.length;
  }

  /** Items alone. */
  get items(): number {
    return this.#events.reduce((count, event) => count + (event.type === 'item' ? 1 : 0), 0);
  }

  /** Media time between the oldest and the newest item, ms. */
  get span(): number {
    const last = this.newest;
    return last ? last.measure.at - this.#events.find((event) => event.type === 'item')!.measure.at : 0;
  }

  get newest(): QueuedItem | undefined {
    return this.#events.findLast((event) => event.type === 'item');
  }

  push(event: LinkEvent): void {
    this.#events.push(event);
    if (event.type === 'item') this.#bytes += event.measure.bytes;
  }

  unshift(event: LinkEvent): void {
    this.#events.unshift(event);
    if (event.type === 'item') this.#bytes += event.measure.bytes;
  }

  shift(): LinkEvent | undefined {
    const event = this.#events.shift();
    if (event?.type === 'item') this.#bytes -= event.measure.bytes;
    return event;
  }

  /** Takes the newest event back where it is an item. */
  popItem(): QueuedItem | undefined {
    const event = this.#events.at(-1);
    if (event?.type !== 'item') return undefined;
    this.#events.pop();
    this.#bytes -= event.measure.bytes;
    return event;
  }

  /** The place of the first item, not the oldest event, that suits; undefined where none does. */
  placeOf(suits: (item: QueuedItem) => boolean): number | undefined {
    const place = this.#events.findIndex((event, index) => index > 0 && event.type === 'item' && suits(event));
    return place < 0 ? undefined : place;
  }

  /**
   * Takes out the items among the first `count` events and the discontinuities between them; gaps and an end tell of
   * something else than these items, and keep their place.
   */
  takeItems(count: number): QueuedItem[] {
    const gone = this.#events.splice(0, count);
    const taken: QueuedItem[] = [];
    const kept: LinkEvent[] = [];
    for (const event of gone) {
      if (event.type === 'item') taken.push(event);
      else if (event.type !== 'discontinuity') kept.push(event);
    }
    for (const item of taken) this.#bytes -= item.measure.bytes;
    this.#events.unshift(...kept);
    this.#kept = kept.length;
    return taken;
  }

  /** Puts an event behind what the last `takeItems` left in front. */
  insertAfterKept(event: LinkEvent): void {
    this.#events.splice(this.#kept, 0, event);
  }

  #kept = 0;
}
