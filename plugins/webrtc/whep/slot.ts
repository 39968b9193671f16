/** One m-line of a viewer: what it carries now, and how that is replaced without a new negotiation. */
import {
  EddyError,
  type Clock,
  type ConsumerEvent,
  type RtpConsumer,
  type RtpHandle,
  type WebRtcTransport,
} from 'eddy/plugin';
import type { TakenMedia } from '../shared/sdp/negotiate.ts';

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
  /** The highest layer that the viewer may have; undefined where all, or where the layers do not tell their sizes. */
  readonly top: number | undefined;
}

/** The highest layer of at most so many lines; undefined where nothing is known or asked. Throws WATCH_REFUSED where all are larger. */
function highestWithin({ lines }: RtpHandle, maxLines: number | undefined): number | undefined {
  if (!lines || maxLines === undefined) return undefined;
  const top = lines.findLastIndex((each) => each <= maxLines);
  if (top >= 0) return top;
  const message = `this grant is for at most ${maxLines} lines, and the camera has ${Math.min(...lines)} at least`;
  throw new EddyError('WATCH_REFUSED', message, { details: { reason: 'forbidden', action: 'watch' } });
}

/** See the file's head. */
export class Slot {
  readonly media: TakenMedia;
  readonly #transport: WebRtcTransport;
  readonly #clock: Pick<Clock, 'after' | 'monotonic'>;
  readonly #onEvent: (slot: Slot, event: ConsumerEvent) => void;
  #current: Prepared | undefined;
  #paused = false;
  #cap: LayerCap;
  #shownAt = -Infinity;

  constructor(
    media: TakenMedia,
    transport: WebRtcTransport,
    clock: Pick<Clock, 'after' | 'monotonic'>,
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

  /**
   * Makes a consumer, paused, without touching what is shown; `maxLines`: what the viewer's grant lets them have. Rejects with
   * WEBRTC_CODEC_UNFIT, WEBRTC_HANDLE_GONE, or WATCH_REFUSED where its every layer is larger.
   */
  async prepare(handle: RtpHandle, maxLines: number | undefined): Promise<Prepared> {
    const top = highestWithin(handle, maxLines);
    const { rtpParameters, offered } = this.media;
    const consumer = await this.#transport.consume(handle, rtpParameters, { mid: offered.mid });
    return { handle, consumer, top };
  }

  /**
   * Shows what was prepared, or nothing. A picture stays until the new one's key frame leaves, at most a second:
   * receivers take a new SSRC of the same mid for their track at its first packet, and never two in turns.
   */
  async show(next: Prepared | undefined, ended: AbortSignal): Promise<void> {
    const old = this.#current;
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

  #capFor({ top }: Prepared): LayerCap {
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
