/**
 * Delivers an outbox to its receiver: one event at a time, in order, each until it was taken. What the receiver does not
 * take is tried again, later and later; an event that it calls wrong is given up after some attempts, so that it does not
 * hold up all others.
 */
import { Backoff, signedWebhookHeaders, type Clock } from 'eddy/plugin';
import type { LossReason } from '../shared/lost.ts';
import { messageOf } from '../shared/message.ts';
import type { Entry } from './entry.ts';
import type { Outbox } from './outbox.ts';
import { Receiver, retryAfterMs, type Answer } from './post.ts';

/** What a configuration says of a receiver. */
export interface SenderSettings {
  readonly url: URL;
  readonly keys: readonly Buffer[];
  /** ms for one attempt. */
  readonly timeout: number;
  /** ms between attempts: doubles from min to max. */
  readonly retry: { readonly min: number; readonly max: number };
  /** Events older than this, ms, are dropped. */
  readonly age: number;
}

/** Options of a {@link Sender}. */
export interface SenderOptions {
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly onDelivered: () => void;
  /** An attempt failed, with its reason for people, and how many in a row now have. */
  readonly onFailed: (reason: string, failures: number) => void;
  /** The first delivery after failures. */
  readonly onRecovered: () => void;
  readonly onLost: (count: number, reason: LossReason) => void;
  /** The receiver wants no more events: nothing is sent until the settings change. */
  readonly onGone: () => void;
}

/** Statuses by which a receiver says that it will never take this body, and how often it must say so. */
const WRONG: readonly number[] = [400, 413, 415, 422];
const WRONG_ATTEMPTS = 5;
/** A Retry-After is honoured up to this, ms. */
const LONGEST_WAIT = 3_600_000;
/** A file of the outbox that cannot be read is tried again after this, ms. */
const READ_AGAIN = 2000;

/** See the file's head. */
export class Sender {
  readonly #options: SenderOptions;
  #settings: SenderSettings;
  #receiver: Receiver;
  #backoff: Backoff;
  #failures = 0;
  #gone = false;
  #stopping = false;
  readonly #abort = new AbortController();
  #wake: (() => void) | undefined;
  /** It waits for an event, not for the time of another attempt. */
  #idle = false;
  #additions = 0;
  #posting = false;
  #running: Promise<void> | undefined;

  constructor(settings: SenderSettings, options: SenderOptions) {
    this.#options = options;
    this.#settings = settings;
    this.#receiver = new Receiver(settings.url);
    this.#backoff = new Backoff(settings.retry);
  }

  /** True once the receiver answered that it wants no more. */
  get gone(): boolean {
    return this.#gone;
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** An event was added. It ends no wait for another attempt. */
  added(): void {
    this.#additions += 1;
    if (this.#idle) this.#wake?.();
  }

  /** Takes changed settings, and tries at once. */
  configure(settings: SenderSettings): void {
    const before = this.#receiver;
    this.#settings = settings;
    this.#receiver = new Receiver(settings.url);
    this.#backoff = new Backoff(settings.retry);
    this.#gone = false;
    // An attempt that is under way ends with the receiver it began with.
    if (!this.#posting) before.close();
    this.#wake?.();
  }

  /** Goes on for at most `within` ms while the receiver takes events, then ends; what is left stays in the outbox. */
  async stop(within: number): Promise<void> {
    this.#stopping = true;
    const cancel = this.#options.clock.after(within, () => this.#abort.abort());
    this.#wake?.();
    await this.#running;
    cancel();
    this.#receiver.close();
  }

  async #run(): Promise<void> {
    while (!this.#abort.signal.aborted && !(this.#stopping && (this.#failures > 0 || this.#gone))) {
      const { gone } = this;
      const seen = this.#additions;
      const entry = gone ? undefined : await this.#next();
      if (entry) await this.#deliver(entry);
      else if (this.#stopping) return;
      else if (gone || seen === this.#additions) await this.#pause();
    }
  }

  /** The oldest event that is not too old; undefined where there is none, or none can be read. */
  async #next(): Promise<Entry | undefined> {
    const { outbox, clock, onLost, onFailed } = this.#options;
    try {
      let dropped = 0;
      let entry = await outbox.peek();
      for (; entry && entry.at < clock.now() - this.#settings.age; entry = await outbox.peek()) {
        outbox.shift(entry);
        dropped += 1;
      }
      if (dropped > 0) onLost(dropped, 'old');
      return entry;
    } catch (error) {
      onFailed(`the outbox cannot be read: ${messageOf(error)}`, ++this.#failures);
      if (!this.#stopping) await this.#pause(READ_AGAIN);
      return undefined;
    }
  }

  async #deliver(entry: Entry): Promise<void> {
    const { outbox, clock, onDelivered, onRecovered, onGone } = this.#options;
    for (let wrong = 0; ;) {
      const answer = await this.#attempt(entry);
      if ('status' in answer && answer.status >= 200 && answer.status < 300) {
        outbox.shift(entry);
        onDelivered();
        if (this.#failures > 0) onRecovered();
        this.#failures = 0;
        this.#backoff = new Backoff(this.#settings.retry);
        return;
      }
      if (this.#abort.signal.aborted) return;
      if ('status' in answer && answer.status === 410) {
        this.#gone = true;
        onGone();
        return;
      }
      const reason = 'status' in answer ? describe(answer.status) : answer.error;
      this.#options.onFailed(reason, ++this.#failures);
      if ('status' in answer && WRONG.includes(answer.status) && ++wrong >= WRONG_ATTEMPTS) {
        outbox.shift(entry);
        this.#options.onLost(1, 'refused');
        return;
      }
      const asked = 'status' in answer ? retryAfterMs(answer.retryAfter, clock.now()) : 0;
      await this.#pause(Math.max(this.#backoff.next(), Math.min(asked, LONGEST_WAIT)));
      // Once more after each wait; but the event may be too old by now, and a stop waits for nobody.
      if (this.#stopping || entry.at < clock.now() - this.#settings.age) return;
    }
  }

  async #attempt({ id, body }: Entry): Promise<Answer | { readonly error: string }> {
    const { clock } = this.#options;
    const { keys, timeout } = this.#settings;
    const receiver = this.#receiver;
    const late = new AbortController();
    const cancel = clock.after(timeout, () => late.abort());
    try {
      const headers = signedWebhookHeaders(id, clock.now(), body, keys);
      this.#posting = true;
      return await receiver.post(headers, body, AbortSignal.any([late.signal, this.#abort.signal]));
    } catch (error) {
      return { error: late.signal.aborted ? `it does not answer within ${timeout / 1000} s` : messageOf(error) };
    } finally {
      this.#posting = false;
      cancel();
      if (receiver !== this.#receiver) receiver.close();
    }
  }

  /** Until it is woken, or for so many ms. */
  async #pause(ms?: number): Promise<void> {
    if (this.#stopping) return;
    this.#idle = ms === undefined;
    await new Promise<void>((resolve) => {
      const cancel = ms === undefined ? undefined : this.#options.clock.after(ms, resolve);
      this.#wake = () => {
        cancel?.();
        resolve();
      };
    });
    this.#wake = undefined;
    this.#idle = false;
  }
}

function describe(status: number): string {
  if (status >= 300 && status < 400) return `it answers ${status}, and redirects are not followed`;
  return `it answers ${status}`;
}
