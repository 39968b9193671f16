/** A small HTTP server whose answers the test holds: an identity provider, a webhook. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A request with its body. */
export interface Asked {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

/** Answers a request; where it returns something, that is sent as JSON with 200. */
export type Answerer = (asked: Asked, response: ServerResponse) => unknown;

/** See the file's head. */
export interface JsonServer {
  readonly url: string;
  readonly port: number;
  readonly asked: Asked[];
  answer: Answerer;
  /** The server goes away: connections are refused. */
  down(): Promise<void>;
  /** It is back, on the same port. */
  up(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one on loopback; with `tls` as HTTPS. */
export async function startJsonServer(
  answer: Answerer,
  tls?: { readonly key: string; readonly cert: string },
): Promise<JsonServer> {
  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url = '', headers } = request;
      const asked = { method, path: url, headers, body: Buffer.concat(parts).toString('utf8') };
      server.asked.push(asked);
      void Promise.resolve(server.answer(asked, response)).then((value) => {
        if (value === undefined || response.headersSent) return;
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
      });
    });
  };
  const make = () => (tls ? createTlsServer(tls, handle) : createServer(handle));
  let http = make();
  const listen = (port: number): Promise<void> =>
    new Promise((resolve, reject) => http.once('error', reject).listen(port, '127.0.0.1', () => resolve()));
  const close = async (): Promise<void> => {
    if (!http.listening) return;
    const closed = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await closed;
  };
  await listen(0);
  const { port } = http.address() as AddressInfo;
  const server: JsonServer = {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}/`,
    port,
    asked: [],
    answer,
    down: close,
    up: () => {
      http = make();
      return listen(port);
    },
    close,
  };
  return server;
}
