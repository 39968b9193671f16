/**
 * What the ingest asks of an RTMP protocol implementation. One instance serves one connection, knows no socket and
 * keeps no state outside itself, so that another implementation can take its place.
 */

/** The kinds of messages that carry media. */
export type MediaKind = 'video' | 'audio' | 'data';

/** One whole media message. */
export interface MediaMessage {
  readonly kind: MediaKind;
  /** Milliseconds as the wire has them: they wrap at 2^32. */
  readonly timestamp: number;
  /** The body; the receiver owns it, the parser never touches it again. */
  readonly body: Uint8Array;
}

/** The peer's `connect` command. */
export interface ConnectRequest {
  readonly app: string;
  readonly tcUrl: string;
  /** The encoder's name (`flashVer`), where it tells it. */
  readonly userAgent: string | undefined;
}

/** What a parser tells. All of it happens inside `feed`. */
export interface RtmpEvents {
  /** Bytes for the peer. */
  output(bytes: Uint8Array): void;
  /** The peer wants to connect; answer with `acceptConnect` or `refuseConnect`. */
  connect(request: ConnectRequest): void;
  /** The peer wants to publish under this name (with its query); answer with `acceptPublish` or `status`. */
  publish(name: string): void;
  /** The peer wants to play. */
  play(): void;
  /** The publisher says that it has ended. */
  unpublish(): void;
  media(message: MediaMessage): void;
}

/** What one connection may make the parser hold. */
export interface ParserLimits {
  /** Bytes of one message. */
  readonly message: number;
  /** Announced bytes of all unfinished messages. */
  readonly reassembly: number;
  readonly chunkStreams: number;
}

/** Levels of a status message. */
export type StatusLevel = 'status' | 'error';

/** One connection's protocol state. */
export interface RtmpParser {
  /** True once the handshake is complete. */
  readonly handshaken: boolean;
  /**
   * Takes bytes as they came from the socket and does not keep them. Throws an RtmpRefusal where the peer broke the
   * protocol or a limit; the parser is then not to be fed again.
   */
  feed(bytes: Buffer): void;
  acceptConnect(): void;
  refuseConnect(code: string, description: string): void;
  /** Tells the peer that its media is wanted from now on. */
  acceptPublish(description: string): void;
  /** Sends `onStatus`: how publishers are refused and dismissed. The description is reduced to printable ASCII. */
  status(level: StatusLevel, code: string, description: string): void;
}

/** Makes a parser for a new connection. */
export type ParserFactory = (events: RtmpEvents, limits: ParserLimits) => RtmpParser;
