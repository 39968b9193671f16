/**
 * Reads the RTMP chunk stream (Adobe RTMP 1.0, section 5.3) into messages, within limits. It replaces the reading half
 * of the library's parser, whose faults cannot be mended from outside (docs/decisions says which).
 */
import type { ParserLimits } from './parser.ts';
import { RtmpRefusal } from './refusal.ts';

/** One whole message. */
export interface RtmpMessage {
  readonly type: number;
  /** Milliseconds modulo 2^32. */
  readonly timestamp: number;
  readonly streamId: number;
  /** Allocated for this message: the receiver may keep it. */
  readonly body: Buffer;
}

const SET_CHUNK_SIZE = 1;
const ABORT = 2;

const DEFAULT_CHUNK_SIZE = 128;
const EXTENDED = 0xffffff;
/** Bytes of the message header by format: full, same stream, same length, same everything. */
const MESSAGE_HEADER_BYTES = [11, 7, 3, 0] as const;
/** 3 bytes of basic header, 11 of message header, 4 of extended timestamp. */
const LONGEST_HEADER = 18;
/** What is allocated on a peer's bare announcement; more comes as the bytes do. */
const FIRST_ALLOCATION = 64 * 1024;

/** What is remembered of one chunk stream. */
interface ChunkStream {
  timestamp: number;
  /** The timestamp or delta of the last header, which format 3 repeats. */
  field: number;
  /** True where that header had an extended timestamp. */
  extended: boolean;
  length: number;
  type: number;
  streamId: number;
  /** The unfinished message, or undefined between messages. */
  body: Buffer | undefined;
  received: number;
}

/** The reading side of one connection, after the handshake. */
export class ChunkReader {
  readonly #limits: ParserLimits;
  readonly #onMessage: (message: RtmpMessage) => void;
  readonly #streams = new Map<number, ChunkStream>();
  readonly #header = Buffer.alloc(LONGEST_HEADER);
  #headerBytes = 0;
  /** How many bytes the header has as far as it is known: it grows while its first bytes are read. */
  #headerNeeds = 1;
  #chunkSize = DEFAULT_CHUNK_SIZE;
  #current: ChunkStream | undefined;
  /** Payload bytes of the current chunk that are still to come; 0 while a header is read. */
  #chunkLeft = 0;
  /** Announced bytes of all unfinished messages. */
  #pending = 0;

  constructor(limits: ParserLimits, onMessage: (message: RtmpMessage) => void) {
    this.#limits = limits;
    this.#onMessage = onMessage;
  }

  /** Reads `data` from `at` up to `end`; throws an RtmpRefusal. */
  read(data: Buffer, at: number, end: number): void {
    while (at < end) {
      if (this.#chunkLeft > 0) {
        const count = Math.min(this.#chunkLeft, end - at);
        this.#append(this.#current!, data, at, count);
        at += count;
      } else {
        this.#header[this.#headerBytes++] = data[at++]!;
        if (this.#headerBytes === this.#headerNeeds && this.#headerIsWhole()) this.#beginChunk();
      }
    }
  }

  #headerIsWhole(): boolean {
    const first = this.#header[0]!;
    const format = first >> 6;
    const basic = basicBytes(first);
    const plain = basic + MESSAGE_HEADER_BYTES[format as 0 | 1 | 2 | 3];
    if (this.#headerBytes < plain) {
      this.#headerNeeds = plain;
      return false;
    }
    if (this.#headerBytes > plain) return true;
    const extended =
      format === 3 ? this.#streams.get(this.#streamNumber())?.extended === true : this.#uint24(basic) === EXTENDED;
    if (extended) this.#headerNeeds = plain + 4;
    return !extended;
  }

  /** Chunk stream number: 1 byte below 64, else 2 or 3 bytes, the last one being little-endian (5.3.1.1). */
  #streamNumber(): number {
    const low = this.#header[0]! & 0x3f;
    if (low === 0) return 64 + this.#header[1]!;
    if (low === 1) return 64 + this.#header[1]! + this.#header[2]! * 256;
    return low;
  }

  #uint24(at: number): number {
    return this.#header.readUIntBE(at, 3);
  }

  #beginChunk(): void {
    const format = this.#header[0]! >> 6;
    const basic = basicBytes(this.#header[0]!);
    const extendedAt = basic + MESSAGE_HEADER_BYTES[format as 0 | 1 | 2 | 3];
    const extended = this.#headerBytes > extendedAt;
    this.#headerBytes = 0;
    this.#headerNeeds = 1;
    const stream = this.#stream(format);
    this.#current = stream;
    if (stream.body) {
      if (format !== 3) throw new RtmpRefusal('chunk-header-invalid', 'a new header inside an unfinished message');
      this.#chunkLeft = Math.min(this.#chunkSize, stream.length - stream.received);
      if (extended && this.#header.readUInt32BE(extendedAt) !== stream.field) {
        // Old encoders leave the extended timestamp out of continuations: these four bytes are payload.
        this.read(Buffer.from(this.#header.subarray(extendedAt, extendedAt + 4)), 0, 4);
      }
      return;
    }
    if (format < 3) {
      stream.extended = extended;
      stream.field = extended ? this.#header.readUInt32BE(extendedAt) : this.#uint24(basic);
    } else if (extended) {
      stream.field = this.#header.readUInt32BE(extendedAt);
    }
    if (format < 2) {
      stream.length = this.#uint24(basic + 3);
      stream.type = this.#header[basic + 6]!;
    }
    if (format === 0) stream.streamId = this.#header.readUInt32LE(basic + 7);
    // Unsigned 32-bit arithmetic: the clock wraps after 49.7 days.
    stream.timestamp = format === 0 ? stream.field : (stream.timestamp + stream.field) >>> 0;
    this.#beginMessage(stream);
  }

  #stream(format: number): ChunkStream {
    const number = this.#streamNumber();
    const known = this.#streams.get(number);
    if (known) return known;
    // Format 1 opens a stream too: librtmp sends its pings so.
    if (format > 1)
      throw new RtmpRefusal('chunk-header-invalid', `chunk stream ${number} begins without a full header`);
    if (this.#streams.size >= this.#limits.chunkStreams) {
      throw new RtmpRefusal('chunk-stream-limit', `more than ${this.#limits.chunkStreams} chunk streams`);
    }
    const fresh = {
      timestamp: 0,
      field: 0,
      extended: false,
      length: 0,
      type: 0,
      streamId: 0,
      body: undefined,
      received: 0,
    };
    this.#streams.set(number, fresh);
    return fresh;
  }

  #beginMessage(stream: ChunkStream): void {
    const { message, reassembly } = this.#limits;
    if (stream.length > message) {
      throw new RtmpRefusal('message-too-large', `a message of ${stream.length} bytes; at most ${message} are taken`);
    }
    this.#pending += stream.length;
    if (this.#pending > reassembly) {
      throw new RtmpRefusal('reassembly-limit', `${this.#pending} bytes of unfinished messages; at most ${reassembly}`);
    }
    stream.received = 0;
    stream.body = Buffer.allocUnsafe(Math.min(stream.length, FIRST_ALLOCATION));
    this.#chunkLeft = Math.min(this.#chunkSize, stream.length);
    if (stream.length === 0) this.#finish(stream, stream.body);
  }

  #append(stream: ChunkStream, data: Buffer, at: number, count: number): void {
    let body = stream.body!;
    const filled = stream.received + count;
    if (filled > body.length) {
      const larger = Buffer.allocUnsafe(Math.min(stream.length, Math.max(filled, body.length * 2)));
      body.copy(larger, 0, 0, stream.received);
      stream.body = body = larger;
    }
    data.copy(body, stream.received, at, at + count);
    stream.received = filled;
    this.#chunkLeft -= count;
    if (filled === stream.length) this.#finish(stream, body);
  }

  #finish(stream: ChunkStream, body: Buffer): void {
    stream.body = undefined;
    this.#pending -= stream.length;
    if (stream.type === SET_CHUNK_SIZE) this.#setChunkSize(body);
    else if (stream.type === ABORT) this.#abort(body);
    else this.#onMessage({ type: stream.type, timestamp: stream.timestamp, streamId: stream.streamId, body });
  }

  #setChunkSize(body: Buffer): void {
    const size = body.length === 4 ? body.readUInt32BE(0) : 0;
    if (size === 0 || size > 0x7fffffff) {
      throw new RtmpRefusal('chunk-size-invalid', `a chunk size of ${size} in ${body.length} bytes`);
    }
    this.#chunkSize = size;
  }

  /** The peer gives an unfinished message up (5.4.2). */
  #abort(body: Buffer): void {
    if (body.length !== 4) throw new RtmpRefusal('control-invalid', `an abort message of ${body.length} bytes`);
    const stream = this.#streams.get(body.readUInt32BE(0));
    if (!stream?.body) return;
    this.#pending -= stream.length;
    stream.body = undefined;
  }
}

function basicBytes(first: number): 1 | 2 | 3 {
  const low = first & 0x3f;
  return low === 0 ? 2 : low === 1 ? 3 : 1;
}
