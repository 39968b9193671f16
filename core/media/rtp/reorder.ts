/** Puts packets in order of their sequence numbers: retransmissions come late, some never. */
import type { RtpPacket } from './packet.ts';

/** A step of the sequence number beyond this is no loss: the sender began anew. */
const MAX_STEP = 3000;

/** Options of {@link ReorderBuffer}. */
export interface ReorderOptions {
  /** How long a missing packet is waited for, ms. */
  readonly wait: number;
  /** How many packets may wait for it; default 1024. */
  readonly capacity?: number;
}

/** What a {@link ReorderBuffer} tells. */
export interface ReorderSink {
  /** The next packet, in order, each once. */
  packet(packet: RtpPacket, arrivedAt: number): void;
  /** Packets are missing before the next one, and are waited for no longer. */
  lost(count: number): void;
}

/** See the file's head. It has no timer: `push` and `expire` are told the time (ms, of any one clock). */
export class ReorderBuffer {
  readonly #wait: number;
  readonly #capacity: number;
  readonly #sink: ReorderSink;
  /** By distance of the sequence number from the first, unwrapped. */
  readonly #held = new Map<number, { readonly packet: RtpPacket; readonly arrivedAt: number }>();
  #next: number | undefined;

  constructor(options: ReorderOptions, sink: ReorderSink) {
    this.#wait = options.wait;
    this.#capacity = options.capacity ?? 1024;
    this.#sink = sink;
  }

  /** Packets that wait. */
  get waiting(): number {
    return this.#held.size;
  }

  push(packet: RtpPacket, now: number): void {
    this.#next ??= packet.sequence;
    const step = ((packet.sequence - this.#next + 0x18000) & 0xffff) - 0x8000;
    if (Math.abs(step) > MAX_STEP) {
      this.#beginAnew(packet, now);
      return;
    }
    if (step < 0) return; // late or a duplicate
    const place = this.#next + step;
    if (step > 0 || this.#held.size > 0) {
      if (!this.#held.has(place)) this.#held.set(place, { packet, arrivedAt: now });
      this.#release();
      this.expire(now);
    } else {
      this.#next = place + 1;
      this.#sink.packet(packet, now);
    }
  }

  /** Gives up what has been waited for long enough. To be called now and then, for streams that have paused. */
  expire(now: number): void {
    while (this.#held.size > 0) {
      let first = Infinity;
      for (const place of this.#held.keys()) if (place < first) first = place;
      if (now - this.#held.get(first)!.arrivedAt < this.#wait && this.#held.size <= this.#capacity) return;
      this.#sink.lost(first - this.#next!);
      this.#next = first;
      this.#release();
    }
  }

  #release(): void {
    for (let entry = this.#held.get(this.#next!); entry; entry = this.#held.get(this.#next)) {
      this.#held.delete(this.#next!);
      this.#next = this.#next! + 1;
      this.#sink.packet(entry.packet, entry.arrivedAt);
    }
  }

  #beginAnew(packet: RtpPacket, now: number): void {
    this.#held.clear();
    this.#sink.lost(1);
    this.#next = packet.sequence + 1;
    this.#sink.packet(packet, now);
  }
}
