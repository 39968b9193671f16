/** A receiver of webhooks: a real HTTP server that verifies by the library of the Standard Webhooks, and answers as told. */
import { createServer, type IncomingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Webhook } from 'standardwebhooks';

/** A secret for tests. */
export const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';

/** What was sent. */
export interface Received {
  readonly id: string;
  readonly body: {
    readonly type: string;
    readonly at: number;
    readonly stage?: string;
    readonly data: Readonly<Record<string, unknown>>;
  };
  readonly headers: IncomingHttpHeaders;
  /** How it was answered. */
  readonly status: number;
}

/** An answer; `undefined` for none at all. */
export type Answer = { readonly status: number; readonly headers?: Readonly<Record<string, string>> } | undefined;

/** See the file's head. */
export class WebhookReceiver {
  readonly received: Received[] = [];
  /** Default: 204 to everything. */
  answer: (received: Omit<Received, 'status'>) => Answer | Promise<Answer> = () => ({ status: 204 });
  /** Signatures that were no good. */
  readonly forged: string[] = [];
  #secret: string;
  #server: Server | undefined;
  #port = 0;

  constructor(secret = SECRET) {
    this.#secret = secret;
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/hooks`;
  }

  /** Those that it took. */
  get taken(): Received[] {
    return this.received.filter(({ status }) => status < 300);
  }

  /** Listens, on the port of before where there was one. */
  async listen(port = this.#port): Promise<this> {
    this.#server = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        void (async () => {
          const text = Buffer.concat(chunks).toString();
          const id = String(request.headers['webhook-id']);
          let body: Received['body'];
          try {
            body = new Webhook(this.#secret).verify(
              text,
              request.headers as Record<string, string>,
            ) as Received['body'];
          } catch (error) {
            this.forged.push(`${id}: ${String(error)}`);
            response.writeHead(401).end();
            return;
          }
          const received = { id, body, headers: request.headers };
          const answer = await this.answer(received);
          if (!answer) return;
          this.received.push({ ...received, status: answer.status });
          response.writeHead(answer.status, answer.headers).end();
        })();
      });
    });
    await new Promise<void>((resolve) => this.#server!.listen(port, '127.0.0.1', resolve));
    this.#port = (this.#server.address() as AddressInfo).port;
    return this;
  }

  /** Closes, with every connection. */
  async close(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }
}
