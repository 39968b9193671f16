/** A request as handlers see it. What few handlers ask for is made when it is asked for. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { EddyError, type HttpMethod, type HttpRequest } from 'eddy/plugin';
import type { Target } from './target.ts';

/** Default limit of a body, in bytes. */
const BODY_LIMIT = 64 * 1024;

/** Tells a client's address from the socket's address and the X-Forwarded-For header. */
export type AddressOf = (socketAddress: string, forwardedFor: string | undefined) => string;

/** What is believed of proxies. */
export interface ClientRules {
  readonly addressOf: AddressOf;
  /** Whether a proxy of ours has this address: it tells how its client came. */
  readonly isProxy: (socketAddress: string) => boolean;
}

/** Who sends a request. */
export interface Client extends Pick<ClientRules, 'isProxy'> {
  readonly address: string;
}

/** {@link HttpRequest} over Node's message; HTTP/2's compatibility objects serve as well. */
export class IncomingRequest implements HttpRequest {
  readonly method: HttpMethod;
  readonly path: string;
  readonly params: HttpRequest['params'];
  readonly session: string | undefined;
  readonly remoteAddress: string;
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;
  readonly #search: string;
  readonly #isProxy: (socketAddress: string) => boolean;
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;

  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    target: Target,
    params: HttpRequest['params'],
    { address, isProxy }: Client,
  ) {
    this.method = message.method as HttpMethod;
    this.path = target.path;
    this.params = params;
    this.session = target.session;
    this.remoteAddress = address;
    this.#message = message;
    this.#response = response;
    this.#search = target.search;
    this.#isProxy = isProxy;
  }

  get query(): URLSearchParams {
    return (this.#query ??= new URLSearchParams(this.#search));
  }

  get headers(): HttpRequest['headers'] {
    return this.#message.headers as HttpRequest['headers'];
  }

  get secure(): boolean {
    if ('encrypted' in this.#message.socket) return true;
    return this.headers['x-forwarded-proto'] === 'https' && this.#isProxy(this.#message.socket.remoteAddress ?? '');
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      const abort = (this.#abort = new AbortController());
      const gone = (): void => {
        if (!this.#response.writableFinished) abort.abort(new Error('the client is gone'));
      };
      if (this.#response.destroyed || this.#response.closed) gone();
      else this.#response.once('close', gone);
    }
    return this.#abort.signal;
  }

  async body(limit = BODY_LIMIT): Promise<Uint8Array> {
    const tooLarge = (): EddyError =>
      new EddyError('HTTP_BODY_TOO_LARGE', `The body is larger than ${limit} bytes.`, { details: { limit } });
    if (Number(this.headers['content-length'] ?? 0) > limit) throw tooLarge();
    const chunks: Buffer[] = [];
    let size = 0;
    // Leaving the loop early must not destroy the stream: the refusal is still to be answered on it.
    for await (const chunk of this.#message.iterator({ destroyOnReturn: false })) {
      size += (chunk as Buffer).length;
      if (size > limit) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
    return chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks);
  }
}
