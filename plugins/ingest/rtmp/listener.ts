/** One listening socket of `ingest.rtmp`, plain or TLS. */
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { CertificateFiles, EddyError, plainAddress, type Context } from 'eddy/plugin';
import type { manifest } from './plugin.ts';
import type { EndReason } from './refusal.ts';

/** Where to listen, and with which certificate. */
export interface Door {
  readonly listen: { readonly host: string; readonly port: number };
  /** The files of TLS; undefined: plain RTMP. */
  readonly tls?: { readonly cert: string; readonly key: string };
}

/** What a listener asks and tells. */
export interface ListenerEvents {
  /** Why a newcomer is turned away, before a TLS handshake costs anything; undefined: it counts from now until its socket closes. */
  admit(socket: Socket, address: string): EndReason | undefined;
  /** A connection that never began was counted out. */
  refused(reason: EndReason): void;
  connected(socket: Socket, address: string): void;
}

/** Binds, accepts, and closes without leaving a socket behind. */
export class RtmpListener {
  readonly #ctx: Context<typeof manifest>;
  readonly #door: Door;
  readonly #events: ListenerEvents;
  /** Raw sockets below TLS: those still in its handshake are nobody's connection yet. */
  readonly #raw = new Set<Socket>();
  #server: Server | undefined;
  #closed: Promise<void> = Promise.resolve();
  #stopFollowing: (() => void) | undefined;

  constructor(ctx: Context<typeof manifest>, door: Door, events: ListenerEvents) {
    this.#ctx = ctx;
    this.#door = door;
    this.#events = events;
  }

  /** Where it listens; the port that port 0 became. */
  get address(): { host: string; port: number } | undefined {
    const address = this.#server?.address() as AddressInfo | null | undefined;
    return address ? { host: address.address, port: address.port } : undefined;
  }

  /** Binds; rejects with LISTEN_FAILED or TLS_FILE_UNREADABLE. */
  async listen(): Promise<void> {
    const { listen, tls } = this.#door;
    const secure = tls && (await this.#tlsServer(tls));
    const server = createServer((socket) => {
      if (!this.#admit(socket)) return;
      if (!secure) return this.#events.connected(socket, addressOf(socket));
      this.#raw.add(socket);
      socket.once('close', () => this.#raw.delete(socket));
      secure.emit('connection', socket);
    });
    const bound = Promise.withResolvers<void>();
    server.once('error', bound.reject);
    server.listen(listen.port, listen.host, () => bound.resolve());
    try {
      await bound.promise;
    } catch (cause) {
      this.#stopFollowing?.();
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
    this.#ctx.log.info({ ...this.address, tls: tls !== undefined }, `listening for ${tls ? 'RTMPS' : 'RTMP'}`);
  }

  /** Takes nobody in any more. Safe to repeat. */
  close(): void {
    const server = this.#server;
    this.#server = undefined;
    this.#stopFollowing?.();
    if (server) this.#closed = new Promise((settle) => server.close(() => settle()));
  }

  /** Closes, and destroys what is still in a TLS handshake; settles when the last socket has gone. */
  async end(): Promise<void> {
    this.close();
    for (const socket of this.#raw) socket.destroy();
    await this.#closed;
  }

  /** Makes TLS of sockets that were admitted; it does not listen itself, so that strangers cost no handshake. */
  async #tlsServer(names: NonNullable<Door['tls']>): Promise<Server> {
    const files = new CertificateFiles(names, this.#ctx);
    const certificate = await files.read().catch((cause: Error) => {
      const message = `cannot serve RTMPS: ${cause.message}`;
      throw new EddyError('ingest.rtmp/TLS_FILE_UNREADABLE', message, { cause, kind: 'resource' });
    });
    const server = createTlsServer({ ...certificate, handshakeTimeout: this.#ctx.config.limits.handshake });
    // Who publishes keeps the connection that he has.
    this.#stopFollowing = files.follow((renewed) => server.setSecureContext(renewed));
    server.on('tlsClientError', (_error, socket) => {
      this.#events.refused('tls-failed');
      socket.destroy();
    });
    server.on('secureConnection', (socket) => this.#events.connected(socket, addressOf(socket)));
    return server;
  }

  /** Turns away who is too many; false then. */
  #admit(socket: Socket): boolean {
    const refusal = this.#events.admit(socket, addressOf(socket));
    if (!refusal) return true;
    this.#events.refused(refusal);
    socket.on('error', () => undefined);
    socket.destroy();
    return false;
  }
}

/** A peer that has gone already has no address. */
const addressOf = (socket: Socket): string => plainAddress(socket.remoteAddress ?? 'unknown');
