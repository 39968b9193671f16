/** One m-line of a viewer: what it carries now, and how that is replaced without a new negotiation. */
import type { Clock, ConsumerEvent, RtpConsumer, RtpHandle, WebRtcTransport } from 'eddy/plugin';
import type { TakenMedia } from '../shared/sdp/negotiate.ts';

/** How long the old picture goes on while the new one's key frame is waited for, ms. */
const LONGEST_HOLD = 1000;

/** The highest layer that a viewer wants; undefined: what its bandwidth allows. */
export type LayerCap = Parameters<RtpConsumer['preferLayers']>[0];

/** A stream that is ready to take a slot. */
export interface Prepared {
  readonly handle: RtpHandle;
  readonly consumer: RtpConsumer;
}

/** See the file's head. */
export class Slot {
  readonly media: TakenMedia;
  readonly #transport: WebRtcTransport;
  readonly #clock: Pick<Clock, 'after'>;
  readonly #onEvent: (slot: Slot, event: ConsumerEvent) => void;
  #current: Prepared | undefined;
  #paused = false;
  #cap: LayerCap;

  constructor(
    media: TakenMedia,
    transport: WebRtcTransport,
    clock: Pick<Clock, 'after'>,
    onEvent: (slot: Slot, event: ConsumerEvent) => void,
  ) {
    this.media = media;
    this.#transport = transport;
    this.#clock = clock;
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

  /** Makes a consumer, paused, without touching what is shown. Rejects with WEBRTC_CODEC_UNFIT or WEBRTC_HANDLE_GONE. */
  async prepare(handle: RtpHandle): Promise<Prepared> {
    const { rtpParameters, offered } = this.media;
    const consumer = await this.#transport.consume(handle, rtpParameters, { mid: offered.mid });
    return { handle, consumer };
  }

  /**
   * Shows what was prepared, or nothing. A picture stays until the new one's key frame leaves, at most a second:
   * receivers take a new SSRC of the same mid for their track at its first packet, and never two in turns.
   */
  async show(next: Prepared | undefined, ended: AbortSignal): Promise<void> {
    const old = this.#current;
    if (next) {
      if (this.#cap) await next.consumer.preferLayers(this.#cap);
      const sent =
        old && this.kind === 'video' && !this.#paused ? (await next.consumer.nextKeyFrame()).sent : undefined;
      if (!this.#paused) await next.consumer.resume();
      if (sent) await this.#atMost(LONGEST_HOLD, sent, ended);
    }
    // Closed before the next is told of: its listeners must not take the old one's end for the new one's.
    this.#current = next;
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
    await this.consumer?.preferLayers(cap);
  }

  async #atMost(ms: number, what: Promise<void>, ended: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const cancel = this.#clock.after(ms, resolve);
    const onEnd = (): void => resolve();
    ended.addEventListener('abort', onEnd, { once: true });
    await Promise.race([what, promise]);
    ended.removeEventListener('abort', onEnd);
    cancel();
  }
}
