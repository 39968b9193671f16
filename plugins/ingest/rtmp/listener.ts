/** The listening socket of `ingest.rtmp`, plain or TLS. */
import { readFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import { EddyError, type Context } from 'eddy/plugin';
import type { manifest } from './plugin.ts';
import type { EndReason } from './refusal.ts';

/** What a listener asks and tells. */
export interface ListenerEvents {
  /** Why a newcomer from this address is turned away, or undefined. */
  admit(address: string): EndReason | undefined;
  /** A connection that never began was counted out. */
  refused(reason: EndReason): void;
  connected(socket: Socket, address: string): void;
}

/** Binds, accepts, and closes without leaving a socket behind. */
export class RtmpListener {
  readonly #ctx: Context<typeof manifest>;
  readonly #events: ListenerEvents;
  /** Raw sockets below TLS: those still in its handshake are nobody's connection yet. */
  readonly #raw = new Set<Socket>();
  #server: Server | undefined;
  #closed: Promise<void> = Promise.resolve();

  constructor(ctx: Context<typeof manifest>, events: ListenerEvents) {
    this.#ctx = ctx;
    this.#events = events;
  }

  /** Where it listens; the port that port 0 became. */
  get address(): { host: string; port: number } | undefined {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address ? { host: address.address, port: address.port } : undefined;
  }

  /** Binds; rejects with LISTEN_FAILED or TLS_FILE_UNREADABLE. */
  async listen(): Promise<void> {
    const { listen, tls, limits } = this.#ctx.config;
    const server = tls ? await this.#tlsServer(tls) : createServer((socket) => this.#accept(socket));
    // The last line: sockets in a TLS handshake are not counted otherwise.
    server.maxConnections = 2 * limits.connections;
    const bound = Promise.withResolvers<void>();
    server.once('error', bound.reject);
    server.listen(listen.port, listen.host, () => bound.resolve());
    try {
      await bound.promise;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new EddyError('ingest.rtmp/LISTEN_FAILED', `cannot listen on ${listen.host}:${listen.port}: ${why}`, {
        cause,
        kind: 'resource',
      });
    }
    server.off('error', bound.reject);
    // Out of file descriptors, for example: newcomers are lost, those who are in stay.
    server.on('error', (error) => this.#ctx.log.warn({ err: error }, 'the RTMP listener could not accept'));
    this.#server = server;
    this.#ctx.log.info({ ...this.address, tls: tls !== undefined }, 'listening for RTMP');
  }

  /** Takes nobody in any more. Safe to repeat. */
  close(): void {
    const server = this.#server;
    this.#server = undefined;
    if (server) this.#closed = new Promise((settle) => server.close(() => settle()));
  }

  /** Closes, and destroys what is still in a TLS handshake; settles when the last socket has gone. */
  async end(): Promise<void> {
    this.close();
    for (const socket of this.#raw) socket.destroy();
    await this.#closed;
  }

  async #tlsServer(files: { readonly cert: string; readonly key: string }): Promise<Server> {
    const { baseDir, config } = this.#ctx;
    try {
      const [cert, key] = await Promise.all([files.cert, files.key].map((file) => readFile(resolve(baseDir, file))));
      const server = createTlsServer({ cert, key, handshakeTimeout: config.limits.handshake });
      server.on('connection', (socket: Socket) => {
        this.#raw.add(socket);
        socket.once('close', () => this.#raw.delete(socket));
      });
      server.on('tlsClientError', (_error, socket) => {
        this.#events.refused('tls-failed');
        socket.destroy();
      });
      server.on('secureConnection', (socket) => this.#accept(socket));
      return server;
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new EddyError('ingest.rtmp/TLS_FILE_UNREADABLE', `cannot serve RTMPS: ${why}`, { cause, kind: 'resource' });
    }
  }

  #accept(socket: Socket | TLSSocket): void {
    // A peer that has gone already has no address.
    const address = (socket.remoteAddress ?? 'unknown').replace(/^::ffff:(?=\d+\.)/, '');
    const refusal = this.#events.admit(address);
    if (!refusal) return this.#events.connected(socket, address);
    this.#events.refused(refusal);
    socket.on('error', () => undefined);
    socket.destroy();
  }
}
