/** One POST to a receiver. Redirects are not followed: a receiver that moved is named anew in the pipeline. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';

/** What a receiver answered. */
export interface Answer {
  readonly status: number;
  /** Its Retry-After, as written (RFC 9110, section 10.2.3). */
  readonly retryAfter: string | undefined;
}

/** A receiver has nothing to tell in its answer's body: beyond this the connection is closed, bytes. */
const MOST_BYTES = 64 * 1024;

/** A receiver; its connection is kept between attempts. */
export class Receiver {
  readonly #url: URL;
  readonly #agent: HttpAgent;

  constructor(url: URL) {
    this.#url = url;
    const options = { keepAlive: true, maxSockets: 1 };
    this.#agent = url.protocol === 'https:' ? new HttpsAgent(options) : new HttpAgent(options);
  }

  /** Host and port, for messages: path, query and password may be secret. */
  get host(): string {
    return this.#url.host;
  }

  /** Settles with the head of the answer; rejects where there is none before the signal aborts. */
  async post(headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Answer> {
    try {
      return await this.#post(headers, body, signal);
    } catch (error) {
      // A kept connection that the receiver closed just now tells nothing of the receiver.
      if ((error as { stale?: boolean }).stale !== true || signal.aborted) throw error;
      return this.#post(headers, body, signal);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(headers: Readonly<Record<string, string>>, body: string, signal: AbortSignal): Promise<Answer> {
    const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const request = send(this.#url, {
        method: 'POST',
        agent: this.#agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(body),
          'user-agent': 'Eddy-Webhooks/1',
          ...headers,
        },
        signal,
      });
      request.once('response', (response) => {
        discard(response);
        resolve({ status: response.statusCode ?? 0, retryAfter: response.headers['retry-after'] });
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const stale = request.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
        reject(stale ? Object.assign(error, { stale }) : error);
      });
      request.end(body);
    });
  }
}

/** Read to its end, so that the connection can be used again. */
function discard(response: IncomingMessage): void {
  let bytes = 0;
  response.on('data', ({ byteLength }: Buffer) => {
    bytes += byteLength;
    if (bytes > MOST_BYTES) response.destroy();
  });
  response.on('error', () => undefined);
}

/** How long a Retry-After asks to wait, ms; 0 for none, and for one that cannot be read. */
export function retryAfterMs(written: string | undefined, now: number): number {
  if (written === undefined) return 0;
  if (/^\d+$/.test(written)) return Number(written) * 1000;
  const date = Date.parse(written);
  return Number.isNaN(date) ? 0 : Math.max(0, date - now);
}
