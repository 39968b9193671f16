/** One m-line of a viewer: what it carries now, and how that is replaced without a new negotiation. */
import type { EddyError, Clock, ConsumerEvent, RtpConsumer, RtpHandle, WebRtcTransport } from 'eddy/plugin';
import type { TakenMedia } from '../shared/sdp/negotiate.ts';
import type { Limits, Qualities, Quality } from './quality.ts';

/** How long the old picture goes on while the new one's key frame is waited for, ms. */
const LONGEST_HOLD = 1000;

/**
 * Chromium makes a receiver for an SSRC that it was not told of at most twice a second, and drops what comes sooner: the
 * key frame too. Switches that follow each other faster wait, with the old picture on.
 */
const RECEIVER_COOLDOWN = 600;

/** The highest layer that a viewer wants; undefined: what its bandwidth allows. */
export type LayerCap = Parameters<RtpConsumer['preferLayers']>[0];

/** A stream that is ready to take a slot. */
export interface Prepared {
  readonly handle: RtpHandle;
  readonly consumer: RtpConsumer;
  readonly quality: Quality;
}

/** What a slot tells: what its consumer does, and that the viewer may not have any more what it shows. */
export type SlotEvent = ConsumerEvent | { readonly type: 'refused'; readonly error: EddyError };

/** See the file's head. */
export class Slot {
  readonly media: TakenMedia;
  readonly #transport: WebRtcTransport;
  readonly #clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly #qualities: Pick<Qualities, 'of'>;
  readonly #onEvent: (slot: Slot, event: SlotEvent) => void;
  #current: Prepared | undefined;
  /** About to take the place of what is shown. */
  #next: Prepared | undefined;
  #paused = false;
  #cap: LayerCap;
  #shownAt = -Infinity;

  constructor(
    media: TakenMedia,
    transport: WebRtcTransport,
    clock: Pick<Clock, 'after' | 'monotonic'>,
    qualities: Pick<Qualities, 'of'>,
    onEvent: (slot: Slot, event: SlotEvent) => void,
  ) {
    this.media = media;
    this.#transport = transport;
    this.#clock = clock;
    this.#qualities = qualities;
    this.#onEvent = onEvent;
  }

  get kind(): 'audio' | 'video' {
    return this.media.kind;
  }

  get handle(): RtpHandle | undefined {
    return this.#current?.handle;
  }

  get consumer(): RtpConsumer | undefined {
    return this.#current?.consumer;
  }

  get paused(): boolean {
    return this.#paused;
  }

  /**
   * Makes a consumer, paused, without touching what is shown; `limits`: of the viewer's grant. Rejects with WEBRTC_CODEC_UNFIT,
   * WEBRTC_HANDLE_GONE, or WATCH_REFUSED where every layer is beyond them.
   */
  async prepare(handle: RtpHandle, limits: Limits): Promise<Prepared> {
    let prepared: Prepared | undefined;
    const quality = await this.#qualities.of(handle, limits, () => this.#hold(prepared));
    const { rtpParameters, offered } = this.media;
    try {
      prepared = {
        handle,
        quality,
        consumer: await this.#transport.consume(handle, rtpParameters, { mid: offered.mid }),
      };
    } catch (error) {
      quality.close();
      throw error;
    }
    prepared.consumer.on(({ type }) => {
      if (type === 'closed') quality.close();
    });
    return prepared;
  }

  /** The publisher sends something else: what is shown, or about to be, is held to the grant anew. */
  #hold(prepared: Prepared | undefined): void {
    if (!prepared || (prepared !== this.#current && prepared !== this.#next)) return;
    try {
      // It fails only where the consumer has closed, which is told by itself.
      void prepared.consumer.preferLayers(this.#capFor(prepared)).catch(() => undefined);
    } catch (error) {
      this.#onEvent(this, { type: 'refused', error: error as EddyError });
    }
  }

  /**
   * Shows what was prepared, or nothing. A picture stays until the new one's key frame leaves, at most a second:
   * receivers take a new SSRC of the same mid for their track at its first packet, and never two in turns.
   */
  async show(next: Prepared | undefined, ended: AbortSignal): Promise<void> {
    const old = this.#current;
    this.#next = next;
    if (next) {
      const cap = this.#capFor(next);
      if (cap) await next.consumer.preferLayers(cap);
      const cooldown = this.#shownAt + RECEIVER_COOLDOWN - this.#clock.monotonic();
      if (old && cooldown > 0) await this.#wait(cooldown, ended);
      const sent =
        old && this.kind === 'video' && !this.#paused ? (await next.consumer.nextKeyFrame()).sent : undefined;
      if (!this.#paused) await next.consumer.resume();
      if (sent) await this.#wait(LONGEST_HOLD, ended, sent);
    }
    // Closed before the next is told of: its listeners must not take the old one's end for the new one's.
    this.#current = next;
    this.#next = undefined;
    if (next) this.#shownAt = this.#clock.monotonic();
    old?.consumer.close();
    next?.consumer.on((event) => {
      if (this.#current !== next) return;
      if (event.type === 'closed') this.#current = undefined;
      this.#onEvent(this, event);
    });
  }

  /** Stops or goes on; going on begins with a key frame. */
  async pause(paused: boolean): Promise<void> {
    this.#paused = paused;
    await (paused ? this.consumer?.pause() : this.consumer?.resume());
  }

  async prefer(cap: LayerCap): Promise<void> {
    this.#cap = cap;
    if (this.#current) await this.#current.consumer.preferLayers(this.#capFor(this.#current));
  }

  #capFor(prepared: Prepared): LayerCap {
    const top = prepared.quality.top();
    if (top === undefined) return this.#cap;
    return { ...this.#cap, spatial: Math.min(this.#cap?.spatial ?? top, top) };
  }

  /** Waits for `what`, at most `ms`; less where the session ends. */
  #wait(ms: number, ended: AbortSignal, what?: Promise<void>): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        ended.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.after(ms, done);
      ended.addEventListener('abort', done, { once: true });
      void what?.then(done);
      if (ended.aborted) done();
    });
  }
}
