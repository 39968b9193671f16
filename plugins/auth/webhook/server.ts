/** The server behind the webhook: attempts within one time, so many at once, and a pause for a server that is down. */
import { randomUUID } from 'node:crypto';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { Backoff, EddyError, signedWebhookHeaders, type Clock } from 'eddy/plugin';
import { askHttp, type HttpAnswer } from '../shared/ask-http.ts';

/** Answers have a few hundred bytes. */
const MOST_BYTES = 64 * 1024;
/** More than these would wait longer than the timeout. */
const MOST_WAITING = 1000;
/** So many questions in a row that failed open the breaker. */
const MOST_FAILURES = 5;

/** Times in ms. */
export interface ServerOptions {
  readonly url: string;
  /** Signs questions. */
  readonly key: Buffer | undefined;
  readonly timeout: number;
  readonly retries: number;
  readonly concurrency: number;
  readonly pause: number;
  readonly ca: string | undefined;
}

/** What it needs of its surroundings. */
export interface ServerHost {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The server is down, or up again. */
  changed(failure: EddyError | undefined): void;
}

/** An attempt that may go better a moment later. */
class Passing extends Error {}

/** See the file's head. */
export class Server {
  readonly #options: ServerOptions;
  readonly #host: ServerHost;
  readonly #agent: HttpAgent;
  #underWay = 0;
  readonly #waiting: (() => void)[] = [];
  #failures = 0;
  #pausedUntil = -Infinity;
  #isDown = false;

  constructor(options: ServerOptions, host: ServerHost) {
    this.#options = options;
    this.#host = host;
    const Agent = options.url.startsWith('https:') ? HttpsAgent : HttpAgent;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.concurrency });
  }

  /** Asks, and has `read` judge the answer. Rejects with auth.webhook/UNAVAILABLE. */
  async ask<T>(question: string, read: (answer: HttpAnswer) => T): Promise<T> {
    const { clock } = this.#host;
    const { timeout, concurrency, pause } = this.#options;
    const until = clock.monotonic() + timeout;
    this.#assertTried();
    if (this.#underWay >= concurrency) await this.#turn(until);
    this.#assertTried();
    // Where it was down, one question tries whether it is up again; the others need not wait for that.
    if (this.#failures >= MOST_FAILURES) this.#pausedUntil = clock.monotonic() + Math.max(pause, timeout);
    this.#underWay += 1;
    try {
      const value = read(await this.#attempts(question, until));
      this.#succeeded();
      return value;
    } catch (error) {
      throw this.#failed(error);
    } finally {
      this.#underWay -= 1;
      this.#waiting.shift()?.();
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #assertTried(): void {
    if (this.#host.clock.monotonic() >= this.#pausedUntil) return;
    throw unavailable('it was down a moment ago, and is left alone for now');
  }

  /** Waits until another question is done. */
  #turn(until: number): Promise<void> {
    if (this.#waiting.length >= MOST_WAITING)
      return Promise.reject(unavailable(`${MOST_WAITING} questions wait already`));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const turn = (): void => (cancel(), resolve());
    const cancel = this.#host.clock.after(until - this.#host.clock.monotonic(), () => {
      this.#waiting.splice(this.#waiting.indexOf(turn), 1);
      reject(unavailable('too many questions are under way'));
    });
    this.#waiting.push(turn);
    return promise;
  }

  async #attempts(question: string, until: number): Promise<HttpAnswer> {
    const { clock, signal } = this.#host;
    const backoff = new Backoff({ min: 50, max: 1000 });
    for (let left = this.#options.retries; ; left--) {
      try {
        return await this.#attempt(question, until - clock.monotonic());
      } catch (error) {
        const wait = backoff.next();
        if (!(error instanceof Passing) || left === 0 || clock.monotonic() + wait >= until) throw error;
        await clock.sleep(wait, signal);
      }
    }
  }

  async #attempt(body: string, timeout: number): Promise<HttpAnswer> {
    const { url, key, ca } = this.#options;
    const { clock, signal } = this.#host;
    const signed = key ? signedWebhookHeaders(`ask_${randomUUID()}`, clock.now(), body, [key]) : {};
    const answer = await askHttp({
      url,
      method: 'POST',
      headers: { 'content-type': 'application/json', 'user-agent': 'Eddy-Webhooks/1', ...signed },
      body,
      timeout: Math.max(1, Math.ceil(timeout)),
      maxBytes: MOST_BYTES,
      ca,
      agent: this.#agent,
      signal,
    }).catch((error: Error) => {
      throw new Passing(error.message);
    });
    const { status } = answer;
    if (status === 200) return answer;
    const Failure = status >= 500 || status === 429 ? Passing : Error;
    throw new Failure(`it answered ${status}, and only 200 is an answer`);
  }

  #succeeded(): void {
    this.#failures = 0;
    this.#pausedUntil = -Infinity;
    if (this.#isDown) this.#host.changed(undefined);
    this.#isDown = false;
  }

  #failed(error: unknown): EddyError {
    const failure = unavailable(error instanceof Error ? error.message : String(error));
    this.#failures += 1;
    if (this.#failures >= MOST_FAILURES) this.#pausedUntil = this.#host.clock.monotonic() + this.#options.pause;
    if (!this.#isDown && !this.#host.signal.aborted) this.#host.changed(failure);
    this.#isDown = true;
    return failure;
  }
}

const unavailable = (why: string): EddyError =>
  new EddyError('auth.webhook/UNAVAILABLE', `the webhook gave no answer: ${why}`, { kind: 'resource' });
