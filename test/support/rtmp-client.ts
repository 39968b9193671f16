/**
 * A small RTMP publisher for tests: the protocol as Adobe RTMP 1.0 has it, written apart from the server's code. It can
 * do what encoders do (`publish`, `send`) and what no encoder should (`raw`, free chunk headers).
 */
import { randomBytes } from 'node:crypto';
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { amf0 } from './amf0-writer.ts';

export const MESSAGE = {
  chunkSize: 1,
  abort: 2,
  ack: 3,
  user: 4,
  window: 5,
  audio: 8,
  video: 9,
  data: 18,
  command: 20,
} as const;

export interface ReceivedMessage {
  readonly type: number;
  readonly body: Buffer;
}

export interface ChunkOptions {
  readonly type: number;
  readonly body: Uint8Array;
  readonly timestamp?: number;
  readonly streamId?: number;
  readonly chunkStream?: number;
  readonly chunkSize?: number;
  /** Leave the extended timestamp out of continuations, as old encoders do. */
  readonly sloppyExtended?: boolean;
}

/** One message as chunks: a full header, then format 3. */
export function chunks(options: ChunkOptions): Buffer {
  const { type, body, timestamp = 0, streamId = 0, chunkStream = 3, chunkSize = 128 } = options;
  const extended = timestamp >= 0xffffff;
  const head = Buffer.alloc(11);
  head.writeUIntBE(extended ? 0xffffff : timestamp, 0, 3);
  head.writeUIntBE(body.length, 3, 3);
  head[6] = type;
  head.writeUInt32LE(streamId, 7);
  const time = Buffer.alloc(extended ? 4 : 0);
  if (extended) time.writeUInt32BE(timestamp >>> 0);
  const parts: Uint8Array[] = [basicHeader(0, chunkStream), head, time];
  for (let at = 0; at < body.length; at += chunkSize) {
    if (at > 0) parts.push(basicHeader(3, chunkStream), ...(options.sloppyExtended ? [] : [time]));
    parts.push(body.subarray(at, at + chunkSize));
  }
  return Buffer.concat(parts);
}

export function basicHeader(format: number, chunkStream: number): Buffer {
  if (chunkStream < 64) return Buffer.of((format << 6) | chunkStream);
  if (chunkStream < 320) return Buffer.of(format << 6, chunkStream - 64);
  return Buffer.of((format << 6) | 1, (chunkStream - 64) & 255, (chunkStream - 64) >> 8);
}

export class RtmpClient {
  readonly socket: Socket;
  readonly received: ReceivedMessage[] = [];
  /** Settles when the connection is gone, however it goes. */
  readonly closed: Promise<void>;
  #bytes = Buffer.alloc(0);
  #handshake = 3073;
  #inChunkSize = 128;
  #outChunkSize = 128;
  #waiting: (() => void)[] = [];
  #over = false;
  readonly #streams = new Map<number, { length: number; type: number; parts: Buffer[]; got: number }>();

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    socket.on('error', () => undefined);
    this.closed = new Promise((settle) => {
      socket.on('close', () => {
        this.#over = true;
        this.#wake();
        settle();
      });
    });
    socket.on('data', (data) => {
      this.#bytes = Buffer.concat([this.#bytes, data]);
      if (this.#handshake > 0) {
        const taken = Math.min(this.#handshake, this.#bytes.length);
        this.#bytes = this.#bytes.subarray(taken);
        this.#handshake -= taken;
      }
      if (this.#handshake === 0) this.#read();
      this.#wake();
    });
  }

  static async open(port: number, options: { tls?: boolean } = {}): Promise<RtmpClient> {
    const socket = options.tls
      ? connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false })
      : connectTcp({ port, host: '127.0.0.1' });
    const client = new RtmpClient(socket);
    await new Promise<void>((settle, reject) => {
      socket.once(options.tls ? 'secureConnect' : 'connect', settle);
      socket.once('error', reject);
    });
    return client;
  }

  /** Connection, handshake, connect, createStream, publish; resolves with the onStatus code that answered. */
  static async publish(
    port: number,
    name: string,
    options: { tls?: boolean; app?: string; tcUrl?: string } = {},
  ): Promise<RtmpClient> {
    const client = await RtmpClient.open(port, options);
    await client.shake();
    await client.connect(options.app ?? 'live', options.tcUrl ?? `rtmp://127.0.0.1/${options.app ?? 'live'}`);
    client.command('createStream', 2, null);
    await client.until(() => client.results >= 2, 'createStream');
    client.command('publish', 3, null, name, 'live');
    await client.until(() => client.status !== undefined || client.over, 'publish');
    return client;
  }

  get over(): boolean {
    return this.#over;
  }

  async shake(): Promise<void> {
    const c1 = randomBytes(1536);
    c1.fill(0, 0, 8);
    this.raw(Buffer.concat([Buffer.of(3), c1]));
    await this.until(() => this.#handshake === 0 || this.#over, 'handshake');
    this.raw(Buffer.alloc(1536));
  }

  async connect(app: unknown, tcUrl: unknown, more: Record<string, unknown> = {}): Promise<void> {
    this.command('connect', 1, { app, tcUrl, flashVer: 'test/1.0', ...more });
    await this.until(() => this.results >= 1 || this.#over, 'connect');
    this.setChunkSize(60_000);
  }

  raw(bytes: Uint8Array): boolean {
    return this.socket.writable && this.socket.write(bytes);
  }

  command(...values: unknown[]): void {
    this.raw(
      chunks({
        type: MESSAGE.command,
        body: amf0(...values),
        chunkSize: this.#outChunkSize,
        streamId: values[0] === 'publish' ? 1 : 0,
      }),
    );
  }

  setChunkSize(size: number): void {
    const body = Buffer.alloc(4);
    body.writeUInt32BE(size);
    this.raw(chunks({ type: MESSAGE.chunkSize, body, chunkStream: 2, chunkSize: this.#outChunkSize }));
    this.#outChunkSize = size;
  }

  /** Sends a media message; false means that the socket's buffer is full. */
  send(kind: 'audio' | 'video' | 'data', timestamp: number, body: Uint8Array): boolean {
    const chunkStream = { audio: 4, video: 6, data: 5 }[kind];
    return this.raw(
      chunks({ type: MESSAGE[kind], body, timestamp, streamId: 1, chunkStream, chunkSize: this.#outChunkSize }),
    );
  }

  /** Tells the server that the publisher has ended, and hangs up. */
  async end(): Promise<void> {
    this.command('FCUnpublish', 5, null, 'x');
    this.command('deleteStream', 6, null, 1);
    this.socket.end();
    await this.closed;
  }

  async destroy(): Promise<void> {
    this.socket.destroy();
    await this.closed;
  }

  /** How many commands were answered by `_result` or `_error`. */
  get results(): number {
    return this.received.filter(
      ({ type, body }) => type === MESSAGE.command && /^\x02\x00.(_result|_error)/s.test(body.toString('latin1')),
    ).length;
  }

  /** The code of the last onStatus or _error, such as `NetStream.Publish.Start`. */
  get status(): string | undefined {
    const texts = this.received
      .filter(({ type }) => type === MESSAGE.command)
      .map(({ body }) => body.toString('latin1'));
    return texts
      .map((text) => /Net(?:Stream|Connection)\.[A-Za-z.]+/.exec(text)?.[0])
      .filter((code) => code !== 'NetConnection.Connect.Success')
      .findLast((code) => code !== undefined);
  }

  /** Everything the server said in commands, as text. */
  get said(): string {
    return this.received
      .filter(({ type }) => type === MESSAGE.command)
      .map(({ body }) => body.toString('latin1'))
      .join('\n');
  }

  async until(condition: () => boolean, what: string, ms = 5000): Promise<void> {
    const deadline = Date.now() + ms;
    while (!condition()) {
      const left = deadline - Date.now();
      if (left <= 0 || this.#over)
        throw new Error(`RTMP client: ${this.#over ? 'closed while' : 'timed out'} waiting for ${what}`);
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((settle) => {
        this.#waiting.push(settle);
        timer = setTimeout(settle, Math.min(left, 50));
      });
      clearTimeout(timer);
    }
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake();
  }

  #read(): void {
    for (;;) {
      const bytes = this.#bytes;
      if (bytes.length < 1) return;
      const format = bytes[0]! >> 6;
      const id = bytes[0]! & 63;
      const header = 1 + [11, 7, 3, 0][format]!;
      if (bytes.length < header) return;
      const stream = this.#streams.get(id) ?? { length: 0, type: 0, parts: [], got: 0 };
      this.#streams.set(id, stream);
      const length = format < 2 ? bytes.readUIntBE(4, 3) : stream.length;
      const size = Math.min(this.#inChunkSize, length - stream.got);
      if (bytes.length < header + size) return;
      if (format < 2) Object.assign(stream, { length, type: bytes[7]! });
      stream.parts.push(bytes.subarray(header, header + size));
      stream.got += size;
      this.#bytes = bytes.subarray(header + size);
      if (stream.got < stream.length) continue;
      const body = Buffer.concat(stream.parts.splice(0));
      stream.got = 0;
      if (stream.type === MESSAGE.chunkSize) this.#inChunkSize = body.readUInt32BE(0);
      this.received.push({ type: stream.type, body });
    }
  }
}
