/** One bounded HTTP request to a server of the operator's: no redirects, no endless bodies, certificates checked. */
import { request as requestHttp, type Agent, type IncomingHttpHeaders } from 'node:http';
import { request as requestHttps } from 'node:https';

/** What to ask for. */
export interface HttpQuestion {
  readonly url: string;
  readonly method: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** ms for all of it: connection, TLS, head and body. */
  readonly timeout: number;
  /** The longest body that is read, bytes. */
  readonly maxBytes: number;
  /** PEM certificates that are trusted instead of the system's. */
  readonly ca?: string | undefined;
  readonly agent?: Agent;
  readonly signal: AbortSignal;
}

/** What came back. A redirect is an answer like any other: nobody follows it. */
export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** Asks once. Rejects with a plain message that holds neither body nor headers. */
export function askHttp(question: HttpQuestion): Promise<HttpAnswer> {
  const { url, method, headers, body, timeout, maxBytes, ca, agent, signal } = question;
  const request = url.startsWith('https:') ? requestHttps : requestHttp;
  return new Promise((resolve, reject) => {
    const sent = request(url, {
      method,
      headers: { accept: 'application/json', ...headers, ...(body && { 'content-length': Buffer.byteLength(body) }) },
      signal,
      ...(agent && { agent }),
      ...(url.startsWith('https:') && { rejectUnauthorized: true, ...(ca && { ca }) }),
    });
    const timer = setTimeout(() => sent.destroy(new Error(`no whole answer within ${timeout} ms`)), timeout);
    sent.once('error', reject);
    sent.once('close', () => clearTimeout(timer));
    sent.once('response', (response) => {
      const parts: Buffer[] = [];
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > maxBytes) return void sent.destroy(new Error(`the answer is longer than ${maxBytes} bytes`));
        parts.push(part);
      });
      response.once('error', reject);
      response.once('aborted', () => reject(new Error('the answer broke off')));
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          body: Buffer.concat(parts).toString('utf8'),
        }),
      );
    });
    sent.end(body);
  });
}

/** The text as JSON. Throws a plain message without a part of the text. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Error('the answer is not JSON');
  }
}
