import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChunkReader, type RtmpMessage } from '../../../plugins/ingest/rtmp/chunk-reader.ts';
import { RtmpRefusal } from '../../../plugins/ingest/rtmp/refusal.ts';
import { basicHeader, chunks, MESSAGE } from '../../support/rtmp-client.ts';

const LIMITS = { message: 1000_000, reassembly: 2000_000, chunkStreams: 8 };

function read(...parts: Uint8Array[]): RtmpMessage[] {
  const messages: RtmpMessage[] = [];
  const bytes = Buffer.concat(parts);
  new ChunkReader(LIMITS, (message) => messages.push(message)).read(bytes, 0, bytes.length);
  return messages;
}

function reasonOf(...parts: Uint8Array[]): string | undefined {
  try {
    read(...parts);
  } catch (error) {
    if (error instanceof RtmpRefusal) return error.reason;
    throw error;
  }
  return undefined;
}

const body = (length: number, seed = 1): Buffer => Buffer.from(Array.from({ length }, (_, i) => (i * 7 + seed) & 255));
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
/** A header of format 1 or 2: delta, and length with type for format 1. */
function delta(format: 1 | 2, stream: number, ms: number, length = 0, type = 0): Buffer {
  const head = Buffer.alloc(format === 1 ? 7 : 3);
  head.writeUIntBE(Math.min(ms, 0xffffff), 0, 3);
  if (format === 1) head.writeUIntBE(length * 256 + type, 3, 4);
  return Buffer.concat([basicHeader(format, stream), head, ms >= 0xffffff ? uint32(ms) : Buffer.alloc(0)]);
}

describe('chunk stream', () => {
  it('joins chunks, and gives each message bytes of its own', () => {
    const [first, second] = [body(300, 1), body(300, 2)];
    const messages = read(chunks({ type: 9, body: first }), chunks({ type: 9, body: second }));
    expect(messages.map((message) => message.body)).toEqual([first, second]);
  });

  it('tells chunk streams of 1, 2 and 3 bytes apart while their messages interleave', () => {
    // In the library 320+1 and 320+256 fall into one stream: (64 + b1 + b2) << 8.
    const ids = [3, 63, 64, 319, 320, 321, 575, 65_599];
    const bodies = ids.map((id) => body(200, id));
    const cut = ids.map((chunkStream, i) => {
      const all = chunks({ type: 8, body: bodies[i]!, chunkStream });
      const first = basicHeader(0, chunkStream).length + 11 + 128;
      return [all.subarray(0, first), all.subarray(first)] as const;
    });
    const messages = read(...cut.map(([first]) => first), ...cut.map(([, rest]) => rest));
    expect(messages.map((message) => message.body)).toEqual(bodies);
  });

  it('takes a new chunk size while another stream is inside a message', () => {
    const video = body(700);
    const all = chunks({ type: 9, body: video, chunkStream: 6 });
    const first = all.subarray(0, 12 + 128);
    const rest = Buffer.concat([basicHeader(3, 6), video.subarray(128)]);
    const messages = read(first, chunks({ type: MESSAGE.chunkSize, body: uint32(4096), chunkStream: 2 }), rest);
    expect(messages.map((message) => message.body)).toEqual([video]);
  });

  it('counts timestamps through all formats', () => {
    const messages = read(
      chunks({ type: 9, body: body(10), timestamp: 1000 }),
      delta(1, 3, 40, 10, 9),
      body(10),
      delta(2, 3, 20),
      body(10),
      basicHeader(3, 3),
      body(10),
    );
    expect(messages.map((message) => message.timestamp)).toEqual([1000, 1040, 1060, 1080]);
  });

  it('reads extended timestamps, in continuations too, and wraps at 2^32', () => {
    const messages = read(
      chunks({ type: 9, body: body(300), timestamp: 0xfffffff0 }),
      delta(1, 3, 0x20, 300, 9),
      ...[0, 128, 256].flatMap((at) => [
        at ? basicHeader(3, 3) : Buffer.alloc(0),
        body(300).subarray(at, Math.min(at + 128, 300)),
      ]),
    );
    expect(messages.map((message) => message.timestamp)).toEqual([0xfffffff0, 0x10]);
    expect(messages.map((message) => message.body)).toEqual([body(300), body(300)]);
  });

  it('reads an extended delta', () => {
    const messages = read(chunks({ type: 9, body: body(5), timestamp: 5 }), delta(1, 3, 0x1000000, 5, 9), body(5));
    expect(messages[1]!.timestamp).toBe(0x1000005);
  });

  it('reads encoders that leave the extended timestamp out of continuations', () => {
    const message = { type: 9, body: body(1000), timestamp: 0x1234567 };
    expect(read(chunks(message), chunks({ ...message, sloppyExtended: true })).map((one) => one.body)).toEqual([
      body(1000),
      body(1000),
    ]);
    // Also where less than the four bytes are left in the message.
    const short = { ...message, body: body(130) };
    expect(read(chunks({ ...short, sloppyExtended: true }), chunks(short)).map((one) => one.body)).toEqual([
      body(130),
      body(130),
    ]);
  });

  it('gives up what the peer aborts', () => {
    const begun = chunks({ type: 9, body: body(500), chunkStream: 6 }).subarray(0, 12 + 128);
    const abort = chunks({ type: MESSAGE.abort, body: uint32(6), chunkStream: 2 });
    expect(read(begun, abort, chunks({ type: 9, body: body(20), chunkStream: 6 })).map((one) => one.body)).toEqual([
      body(20),
    ]);
  });

  it('reads the same in whatever pieces the bytes come', () => {
    const message = fc.record({
      type: fc.constantFrom(8, 9, 18),
      body: fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes)),
      timestamp: fc.oneof(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.constantFrom(0xfffffe, 0xffffff, 0x1000000)),
      chunkStream: fc.constantFrom(3, 64, 320, 900),
    });
    fc.assert(
      fc.property(
        fc.array(message, { maxLength: 8 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 200 })),
        (sent, sizes) => {
          const bytes = Buffer.concat(sent.map(chunks));
          const got: RtmpMessage[] = [];
          const reader = new ChunkReader(LIMITS, (one) => got.push(one));
          for (let at = 0; at < bytes.length;) {
            const end = Math.min(bytes.length, at + sizes.next().value);
            reader.read(bytes, at, end);
            at = end;
          }
          expect(got.map(({ type, timestamp, body: data }) => ({ type, timestamp, body: data }))).toEqual(
            sent.map(({ type, timestamp, body: data }) => ({ type, timestamp, body: data })),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('limits of the chunk stream', () => {
  const announce = (length: number, chunkStream = 3): Buffer =>
    chunks({ type: 9, body: Buffer.alloc(length), chunkStream }).subarray(0, 30);

  it.each([
    ['message-too-large', [announce(1000_001)]],
    ['chunk-size-invalid', [chunks({ type: MESSAGE.chunkSize, body: uint32(0) })]],
    ['chunk-size-invalid', [chunks({ type: MESSAGE.chunkSize, body: Buffer.alloc(0) })]],
    ['chunk-size-invalid', [chunks({ type: MESSAGE.chunkSize, body: Buffer.alloc(2, 1) })]],
    ['chunk-size-invalid', [chunks({ type: MESSAGE.chunkSize, body: uint32(0x80000000) })]],
    ['control-invalid', [chunks({ type: MESSAGE.abort, body: Buffer.alloc(1) })]],
    ['chunk-header-invalid', [basicHeader(3, 9)]],
    ['chunk-header-invalid', [delta(2, 9, 5)]],
    // A header that shrinks a message in progress: full, then half.
    [
      'chunk-header-invalid',
      [chunks({ type: 9, body: body(500) }).subarray(0, 140), chunks({ type: 9, body: body(50) })],
    ],
    ['chunk-header-invalid', [chunks({ type: 9, body: body(500) }).subarray(0, 140), delta(1, 3, 0, 50, 9)]],
    [
      'chunk-stream-limit',
      Array.from({ length: 9 }, (_, i) => chunks({ type: 8, body: body(1), chunkStream: 10 + i })),
    ],
  ])('refuses with %s', (reason, parts) => {
    expect(reasonOf(...parts)).toBe(reason);
  });

  it('counts what is announced on all streams together, and gives it back', () => {
    const begin = (chunkStream: number): Buffer =>
      chunks({ type: 9, body: Buffer.alloc(900_000), chunkStream }).subarray(0, 140);
    expect(reasonOf(begin(3), begin(4), begin(5))).toBe('reassembly-limit');
    const whole = (chunkStream: number): Buffer => chunks({ type: 9, body: Buffer.alloc(900_000), chunkStream });
    expect(reasonOf(whole(3), whole(4), whole(5), begin(6))).toBeUndefined();
  });

  it('allocates what arrives, not what is announced', () => {
    const before = process.memoryUsage().arrayBuffers;
    const readers = Array.from({ length: 200 }, () => {
      const reader = new ChunkReader({ ...LIMITS, message: 2 ** 24, reassembly: 2 ** 24 }, () => undefined);
      const head = chunks({ type: 9, body: Buffer.alloc(1) });
      head.writeUIntBE(16_000_000, 4, 3);
      reader.read(head, 0, head.length);
      return reader;
    });
    expect(readers.length * 16_000_000).toBeGreaterThan(3e9);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40e6);
  });
});
