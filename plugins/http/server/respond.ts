/** Writes answers: one write for a body that is there, back-pressure for a stream, 304, HEAD and gzip by the rules. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HttpResponse } from 'eddy/plugin';
import type { Headers } from './cors.ts';
import { gzipped, isText } from './gzip.ts';
import { endGently } from './linger.ts';

/** What the writer needs to know of the request. */
export interface Exchange {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  /** May the answer be compressed? */
  readonly compress: boolean;
  /** The client is still sending a body that nobody will read, and the connection ends with the answer. */
  readonly unread?: boolean;
}

/** Bodies smaller than this are sent as they are: gzip would save nothing of a packet. */
const GZIP_FROM = 860;

/**
 * Sends an answer. A promise is returned only where something is waited for. Rejects when a stream fails after its
 * headers were sent; the connection is cut then, so that the client does not take half for the whole.
 */
export function respond(exchange: Exchange, answer: HttpResponse, headers: Headers): void | Promise<void> {
  const { message, response } = exchange;
  const { body } = answer;
  const status = answer.status ?? 200;
  if (answer.headers !== undefined) mergeInto(headers, answer.headers);

  if (headers.etag !== undefined && status === 200 && matches(message.headers['if-none-match'], headers.etag)) {
    delete headers['content-type'];
    response.writeHead(304, headers);
    response.end();
    discard(body);
    return;
  }
  if (body === undefined || status === 204 || status === 304) {
    if (status !== 204 && status !== 304) headers['content-length'] = '0';
    response.writeHead(status, headers);
    response.end();
    discard(body);
    return;
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) return stream(exchange, status, headers, body);

  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  if (
    exchange.compress &&
    length >= GZIP_FROM &&
    headers['content-encoding'] === undefined &&
    isText(headers['content-type'])
  ) {
    headers.vary = headers.vary === undefined ? 'accept-encoding' : `${headers.vary}, accept-encoding`;
    if (acceptsGzip(message.headers['accept-encoding'])) {
      return gzipped(body).then((packed) => {
        headers['content-encoding'] = 'gzip';
        // Two encodings are two representations: a strong tag must not stand for both (RFC 9110 8.8.3).
        if (headers.etag?.startsWith('"')) headers.etag = `W/${headers.etag}`;
        send(exchange, status, headers, packed, packed.length);
      });
    }
  }
  send(exchange, status, headers, body, length);
}

function send(exchange: Exchange, status: number, headers: Headers, body: string | Uint8Array, length: number): void {
  const { message, response } = exchange;
  headers['content-length'] = String(length);
  response.writeHead(status, headers);
  if (message.method === 'HEAD') response.end();
  else if (exchange.unread === true) endGently(message, response, body);
  else response.end(body);
}

async function stream(
  { message, response }: Exchange,
  status: number,
  headers: Headers,
  body: AsyncIterable<Uint8Array | string>,
): Promise<void> {
  response.writeHead(status, headers);
  if (message.method === 'HEAD') {
    response.end();
    discard(body);
    return;
  }
  // Players read the headers before the first chunk is there.
  response.flushHeaders();
  try {
    for await (const chunk of body) {
      if (response.destroyed) return;
      if (!response.write(chunk)) await writable(response);
    }
    response.end();
  } catch (error) {
    // A reader that left makes the handler's waiting throw: that is its way to end.
    const left = response.destroyed;
    response.destroy();
    if (!left) throw error;
  }
}

/** Settles when the response takes more, or is gone. */
function writable(response: ServerResponse): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}

/** Tells a stream that it is not wanted, so that it gives back what it holds. */
function discard(body: HttpResponse['body']): void {
  if (typeof body === 'object' && Symbol.asyncIterator in body) {
    body[Symbol.asyncIterator]()
      .return?.()
      ?.catch(() => {});
  }
}

/** `vary` adds up; any other header is the handler's. */
function mergeInto(headers: Headers, more: Readonly<Record<string, string>>): void {
  for (const name in more) {
    headers[name] = name === 'vary' && headers.vary !== undefined ? `${headers.vary}, ${more[name]}` : more[name]!;
  }
}

/** If-None-Match against an entity tag, compared weakly (RFC 9110 13.1.2). */
function matches(condition: string | undefined, etag: string): boolean {
  if (condition === undefined) return false;
  if (condition.trim() === '*') return true;
  const bare = (tag: string): string => tag.trim().replace(/^W\//, '');
  return condition.split(',').some((tag) => bare(tag) === bare(etag));
}

function acceptsGzip(header: string | undefined): boolean {
  if (header === undefined) return false;
  return header.split(',').some((entry) => {
    const [name, ...params] = entry.split(';').map((part) => part.trim().toLowerCase());
    return (name === 'gzip' || name === '*') && !params.some((param) => /^q=0(?:\.0*)?$/.test(param));
  });
}
