/**
 * One publisher's connection: from its first byte to its last. Nothing a peer sends leaves this class as an exception;
 * whatever breaks the protocol or a limit ends this connection, with a counted reason.
 */
import type { Socket } from 'node:net';
import { asEddyError, EddyError, type Clock, type Logger, type Publication, type Report } from 'eddy/plugin';
import { Feed } from './feed.ts';
import type { ConnectRequest, MediaMessage, ParserFactory, ParserLimits, RtmpEvents, RtmpParser } from './parser.ts';
import type { manifest } from './plugin.ts';
import { RtmpRefusal, type EndReason } from './refusal.ts';
import { appName, publishTarget, type PublishTarget } from './request.ts';

/** How long a dismissed peer has to take its last message before its socket is destroyed, in ms. */
const FAREWELL_MS = 2000;

/** Limits of one connection; durations in ms. */
export interface ConnectionLimits extends ParserLimits {
  readonly handshake: number;
  readonly publish: number;
  readonly idle: number;
  readonly blocked: number;
  readonly backlog: number;
}

/** What a connection asks of its ingest. */
export interface ConnectionHost {
  readonly app: string;
  readonly limits: ConnectionLimits;
  readonly clock: Clock;
  readonly log: Logger;
  readonly createParser: ParserFactory;
  publish(target: PublishTarget, address: string, userAgent: string | undefined): Promise<Publication<typeof manifest>>;
  report(report: Report): void;
  /** A message was dropped. */
  dropped(reason: string): void;
  /** The connection ended for this reason; its socket may live on for a moment. */
  ended(reason: EndReason): void;
}

/** Where a connection stands. A name once asked for is the only one that this connection will ever publish. */
type Phase = 'greeting' | 'connected' | 'asking' | 'publishing' | 'ended';

/** See the file's head. */
export class Connection implements RtmpEvents {
  readonly #socket: Socket;
  readonly #address: string;
  readonly #host: ConnectionHost;
  readonly #parser: RtmpParser;
  readonly #since: number;
  readonly #closed = Promise.withResolvers<void>();
  #phase: Phase = 'greeting';
  #request: ConnectRequest | undefined;
  #publication: Publication<typeof manifest> | undefined;
  #feed: Feed | undefined;
  #lastMessage: number;
  /** Since when a full pipeline holds the socket back. */
  #blockedSince: number | undefined;
  #cancelFarewell: (() => void) | undefined;

  constructor(socket: Socket, address: string, host: ConnectionHost) {
    this.#socket = socket;
    this.#address = address;
    this.#host = host;
    this.#since = this.#lastMessage = host.clock.monotonic();
    this.#parser = host.createParser(this, host.limits);
    socket.setNoDelay(true);
    socket.on('data', (bytes) => this.#read(bytes));
    socket.on('end', () => this.#end('peer-closed'));
    socket.on('error', (error) => this.#end('socket-error', error.message));
    socket.on('close', () => {
      this.#end('peer-closed');
      this.#cancelFarewell?.();
      this.#closed.resolve();
    });
  }

  /** Settles when the socket has gone. */
  get closed(): Promise<void> {
    return this.#closed.promise;
  }

  /** Ends the connection at once, whatever it is doing. */
  async destroy(reason: EndReason): Promise<void> {
    this.#end(reason);
    this.#socket.destroy();
    await this.closed;
  }

  /** Called now and then: ends the connection where a deadline has passed. */
  checkDeadlines(now: number): void {
    const { limits } = this.#host;
    const late = (since: number, limit: number): boolean => now - since > limit;
    switch (this.#phase) {
      case 'greeting':
      case 'connected':
        if (!this.#parser.handshaken && late(this.#since, limits.handshake)) this.#end('handshake-deadline');
        else if (late(this.#since, limits.publish)) this.#end('publish-deadline');
        return;
      case 'asking':
        if (late(this.#since, limits.publish))
          this.#refuse(new EddyError('AUTH_UNAVAILABLE', 'nobody answered in time'));
        return;
      case 'publishing':
        if (this.#blockedSince === undefined) {
          if (late(this.#lastMessage, limits.idle)) this.#end('idle');
        } else if (late(this.#blockedSince, limits.blocked)) {
          this.#dismiss(
            'downstream-blocked',
            'NetConnection.Connect.Closed',
            'the pipeline does not take this camera in time',
          );
        }
        return;
      case 'ended':
        return;
    }
  }

  // What the parser tells.

  output(bytes: Uint8Array): void {
    if (this.#socket.writableEnded || this.#socket.destroyed) return;
    if (this.#socket.writableLength + bytes.length > this.#host.limits.backlog) {
      throw new RtmpRefusal('write-backlog', 'the peer does not read what it asked for');
    }
    this.#socket.write(bytes);
  }

  connect(request: ConnectRequest): void {
    if (this.#request) throw new RtmpRefusal('connect-invalid', 'a second connect on one connection');
    const app = appName(request.app);
    if (app !== this.#host.app) {
      // The name only: what follows it may be a token.
      const text = `there is no app "${app ?? '?'}" here; publish to rtmp://host/${this.#host.app}/{camera}`;
      this.#parser.refuseConnect('NetConnection.Connect.InvalidApp', text);
      throw new RtmpRefusal('app-unknown', text);
    }
    this.#request = request;
    this.#phase = 'connected';
    this.#parser.acceptConnect();
  }

  publish(name: string): void {
    if (!this.#request) throw new RtmpRefusal('publish-invalid', 'publish before connect');
    if (this.#phase !== 'connected') {
      const text = 'this connection has published already; use one connection a camera';
      this.#parser.status('error', 'NetStream.Publish.BadName', text);
      throw new RtmpRefusal('publish-twice', text);
    }
    const target = publishTarget(name, this.#request);
    if (!target) {
      this.#parser.status('error', 'NetStream.Publish.BadName', 'the stream has no name, or one that is no URL text');
      throw new RtmpRefusal('publish-invalid', 'publish with an empty or unreadable name');
    }
    this.#phase = 'asking';
    void this.#ask(target, this.#request);
  }

  play(): void {
    const text = 'nothing is played here; watch by the addresses that the pipeline publishes';
    this.#parser.status('error', 'NetStream.Play.Failed', text);
    throw new RtmpRefusal('player', text);
  }

  unpublish(): void {
    if (this.#phase === 'asking' || this.#phase === 'publishing') this.#dismiss('publisher-left');
  }

  media(message: MediaMessage): void {
    if (this.#phase !== 'publishing') {
      throw new RtmpRefusal('media-before-publish', `a ${message.kind} message before the publication was accepted`);
    }
    this.#lastMessage = this.#host.clock.monotonic();
    this.#feed!.take(message);
  }

  // What happens in between.

  #read(bytes: Buffer): void {
    if (this.#phase === 'ended') return;
    try {
      this.#parser.feed(bytes);
    } catch (error) {
      if (error instanceof RtmpRefusal) return this.#dismissAfter(error);
      this.#host.log.error({ err: error, peer: this.#address }, 'an RTMP connection failed within the server');
      this.#end('internal');
    }
  }

  async #ask(target: PublishTarget, request: ConnectRequest): Promise<void> {
    let publication: Publication<typeof manifest>;
    try {
      publication = await this.#host.publish(target, this.#address, request.userAgent);
    } catch (error) {
      if (this.#phase === 'asking') this.#refuse(asEddyError(error));
      return;
    }
    // The peer may have gone, or have broken the protocol, while it was being judged.
    if (this.#phase !== 'asking') return publication.end('publisher-ended');
    this.#accept(publication);
  }

  #accept(publication: Publication<typeof manifest>): void {
    this.#publication = publication;
    this.#phase = 'publishing';
    this.#lastMessage = this.#host.clock.monotonic();
    this.#feed = new Feed(publication, this.#host.clock, {
      dropped: (reason) => this.#host.dropped(reason),
      full: (writer) => void this.#waitFor(writer),
      report: (report: Omit<Report, 'cameraId'>) => this.#host.report({ ...report, cameraId: publication.cameraId }),
    });
    publication.signal.addEventListener('abort', this.#aborted, { once: true });
    if (publication.signal.aborted) return this.#aborted();
    publication.log.info({ peer: this.#address, userAgent: this.#request?.userAgent }, 'publishing by RTMP');
    try {
      this.#parser.acceptPublish(`${publication.cameraId} is now published`);
    } catch (error) {
      this.#end(error instanceof RtmpRefusal ? error.reason : 'internal');
    }
  }

  #refuse(error: EddyError): void {
    const unauthorized = error.code === 'PUBLISH_REFUSED' || error.code === 'AUTH_UNAVAILABLE';
    this.#host.log.info({ peer: this.#address, code: error.code }, `publisher refused: ${error.message}`);
    const code = unauthorized ? 'NetStream.Publish.Unauthorized' : 'NetStream.Publish.BadName';
    this.#dismiss('publish-refused', code, error.message);
  }

  readonly #aborted = (): void => {
    const error = asEddyError(this.#publication?.signal.reason);
    const code = error.code === 'PUBLISH_REPLACED' ? 'NetStream.Publish.BadName' : 'NetConnection.Connect.Closed';
    this.#dismiss('publication-ended', code, error.message);
  };

  /** Holds the socket back until the writer has room; what was read already (one buffer at most) still goes in. */
  async #waitFor(writer: { ready(): Promise<void> }): Promise<void> {
    if (this.#blockedSince !== undefined) return;
    this.#blockedSince = this.#host.clock.monotonic();
    this.#socket.pause();
    try {
      await writer.ready();
    } catch (error) {
      this.#host.log.error({ err: error, peer: this.#address }, 'waiting for the pipeline failed');
    }
    this.#blockedSince = undefined;
    this.#lastMessage = this.#host.clock.monotonic();
    this.#socket.resume();
  }

  #dismissAfter(refusal: RtmpRefusal): void {
    this.#host.log.debug({ peer: this.#address, reason: refusal.reason }, `connection ended: ${refusal.message}`);
    this.#dismiss(refusal.reason);
  }

  /** Sends a status where one is given and closes; the peer has a moment to take it. */
  #dismiss(reason: EndReason, code?: string, description = ''): void {
    if (this.#phase === 'ended') return;
    try {
      if (code) this.#parser.status('error', code, description);
    } catch {
      // A backlog that is full has no room for a farewell.
    }
    this.#end(reason);
  }

  /** Counts the reason, ends the publication and lets the socket go. Safe to repeat. */
  #end(reason: EndReason, detail?: string): void {
    if (this.#phase === 'ended') return;
    const wasPublishing = this.#phase === 'publishing';
    this.#phase = 'ended';
    this.#feed = undefined;
    this.#host.ended(reason);
    this.#publication?.signal.removeEventListener('abort', this.#aborted);
    this.#publication?.end(PEACEFUL.has(reason) ? 'publisher-ended' : 'failed');
    if (wasPublishing) this.#publication?.log.info({ peer: this.#address, reason, detail }, 'publisher left');
    this.#socket.end();
    // Until the peer closes too, what it still sends is read and thrown away: a reset would swallow the last status.
    this.#socket.resume();
    this.#cancelFarewell = this.#host.clock.after(FAREWELL_MS, () => this.#socket.destroy());
  }
}

/** Ends that are no failure of the publisher's. */
const PEACEFUL: ReadonlySet<EndReason> = new Set(['peer-closed', 'publisher-left', 'publication-ended', 'stopped']);
