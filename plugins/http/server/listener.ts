/** One listening socket with its limits: plain HTTP/1.1, or TLS with HTTP/2 and HTTP/1.1. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import {
  constants,
  createSecureServer,
  type Http2SecureServer,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import { networkInterfaces } from 'node:os';
import type { AddressInfo, Socket } from 'node:net';
import { EddyError, peerKey, plainAddress, type Certificate } from 'eddy/plugin';

/** Limits against slow and many clients; times in ms. */
export interface Limits {
  readonly maxConnections: number;
  /** Of one address, but for those that are `unlimited`. */
  readonly connectionsPerAddress: number;
  readonly unlimited: (address: string) => boolean;
  readonly requestTimeout: number;
  readonly idleTimeout: number;
  readonly stallTimeout: number;
}

/** Options of {@link Listener}. */
export interface ListenerOptions {
  readonly host: string;
  /** 0 asks the system for a free one. */
  readonly port: number;
  readonly tls: Certificate | undefined;
  readonly limits: Limits;
  readonly handle: (message: IncomingMessage, response: ServerResponse) => void;
}

/** How often Node looks for requests that take too long, ms. */
const CHECK_INTERVAL = 1_000;
/** Open requests of one connection of HTTP/2: twice what proxies use by default, and far more than players do. */
const MAX_STREAMS = 256;

/** A listening socket and its connections. */
export class Listener {
  readonly #options: ListenerOptions;
  readonly #server: Server | Http2SecureServer;
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #sockets = new Set<Socket>();
  readonly #byAddress = new Map<string, number>();
  /** The answer that a connection of HTTP/1 works on: what tells an idle one from one that waits for a handler. */
  readonly #current = new WeakMap<Socket, ServerResponse>();
  #port = 0;

  constructor(options: ListenerOptions) {
    this.#options = options;
    const { limits, tls } = options;
    const http = {
      headersTimeout: limits.requestTimeout,
      requestTimeout: limits.requestTimeout,
      keepAliveTimeout: limits.idleTimeout,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL, limits.requestTimeout),
      noDelay: true,
      handshakeTimeout: limits.requestTimeout,
    };
    this.#server = tls === undefined ? createServer(http) : createSecureServer({ ...http, ...tls, ...HTTP2 });
    const server = this.#server as Server;
    server.maxConnections = limits.maxConnections;
    server.on('request', (message, response) => {
      if (message.httpVersionMajor === 1) this.#current.set(message.socket, response);
      options.handle(message, response);
    });
    server.on('connection', (socket: Socket) => this.#onConnection(socket));
    server.setTimeout(limits.stallTimeout, (quiet: Socket | ServerHttp2Session) => {
      // A server of HTTP/2 says it for its sessions too; those have a rule of their own below.
      if (!this.#sessions.has(quiet as ServerHttp2Session)) this.#onQuiet(quiet as Socket);
    });
    if (tls !== undefined) this.#watchSessions();
  }

  /** The port that it listens on; 0 before `listen`. */
  get port(): number {
    return this.#port;
  }

  /** How many connections are open. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Binds the port. Rejects with HTTP_LISTEN_FAILED. */
  async listen(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      const failed = (error: NodeJS.ErrnoException): void => {
        const why = REASONS[error.code ?? ''] ?? error.message;
        reject(new EddyError('HTTP_LISTEN_FAILED', `Cannot listen on ${host}:${port}: ${why}.`, { cause: error }));
      };
      this.#server.once('error', failed);
      this.#server.listen({ host, port, backlog: 1024 }, () => {
        this.#server.off('error', failed);
        resolve();
      });
    });
    this.#port = (this.#server.address() as AddressInfo).port;
  }

  /** Connections from now on get another certificate; those that are open stay. */
  renew(certificate: Certificate): void {
    (this.#server as Http2SecureServer).setSecureContext(certificate);
  }

  /** Calls back when the listening socket fails later. */
  onError(listener: (error: Error) => void): void {
    this.#server.on('error', listener);
  }

  /** Base URLs for messages; for a wildcard address those of this machine, localhost first. */
  urls(): string[] {
    const { host, tls } = this.#options;
    const scheme = tls === undefined ? 'http' : 'https';
    const url = (name: string): string => `${scheme}://${name.includes(':') ? `[${name}]` : name}:${this.#port}`;
    if (host !== '0.0.0.0' && host !== '::') return [url(host)];
    const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
    const outside = addresses.filter((address) => !address.internal && address.family === 'IPv4');
    return [url('localhost'), ...outside.map((address) => url(address.address))];
  }

  /** Accepts no more connections, lets open requests finish until the signal aborts, then cuts them. Idempotent. */
  async close(deadline: AbortSignal): Promise<void> {
    const cut = (): void => {
      for (const session of this.#sessions) session.destroy();
      for (const socket of this.#sockets) socket.destroy();
    };
    // Closing also ends the idle connections of HTTP/1; sessions of HTTP/2 are told to go away.
    const closed = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    for (const session of this.#sessions) session.close();
    if (deadline.aborted) cut();
    else deadline.addEventListener('abort', cut, { once: true });
    await closed;
    deadline.removeEventListener('abort', cut);
  }

  #onConnection(socket: Socket): void {
    this.#sockets.add(socket);
    const { connectionsPerAddress, unlimited } = this.#options.limits;
    const address = plainAddress(socket.remoteAddress ?? '');
    const peer = peerKey(address);
    const open = (this.#byAddress.get(peer) ?? 0) + 1;
    this.#byAddress.set(peer, open);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      const left = this.#byAddress.get(peer)! - 1;
      if (left === 0) this.#byAddress.delete(peer);
      else this.#byAddress.set(peer, left);
    });
    if (open > connectionsPerAddress && !unlimited(address)) socket.destroy();
  }

  /** Nothing came or went on a connection of HTTP/1 for a while. */
  #onQuiet(socket: Socket): void {
    const response = this.#current.get(socket);
    // No request yet: Node answers 408 when the request timeout has passed.
    if (response === undefined) return;
    // A blocking playlist request or an event stream between two events: silence is what was asked for.
    const waitsForHandler = !response.writableFinished && socket.writableLength === 0;
    if (!waitsForHandler) socket.destroy();
  }

  /** Node's `requestTimeout` is for HTTP/1: here a body that does not come whole in time ends its request. */
  #limitBody(stream: ServerHttp2Stream): (() => void) | undefined {
    if (stream.endAfterHeaders) return undefined;
    const timer = setTimeout(() => {
      if (!stream.readableEnded) stream.close(constants.NGHTTP2_CANCEL);
    }, this.#options.limits.requestTimeout);
    return () => clearTimeout(timer);
  }

  #watchSessions(): void {
    (this.#server as Http2SecureServer).on('session', (session) => {
      this.#sessions.add(session);
      let streams = 0;
      session.on('stream', (stream: ServerHttp2Stream) => {
        streams += 1;
        const cancel = this.#limitBody(stream);
        stream.once('close', () => {
          streams -= 1;
          cancel?.();
        });
      });
      session.setTimeout(this.#options.limits.stallTimeout, () => {
        if (streams === 0) session.close();
        else if (session.socket.writableLength > 0) session.destroy();
      });
      session.once('close', () => this.#sessions.delete(session));
      // A session's error ends that session; without a listener it would end the process.
      session.on('error', () => {});
    });
  }
}

const HTTP2 = { allowHTTP1: true, settings: { maxConcurrentStreams: MAX_STREAMS } } as const;

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program holds the port',
  EACCES: 'no permission for this port',
  EADDRNOTAVAIL: 'this machine has no such address',
  ENOTFOUND: 'the host name is unknown',
};
