/**
 * GStreamer Data Protocol 1.0 (gst-plugins-bad, gst/gdp/dataprotocol.c): buffers with their timestamps and flags through
 * a pipe. Every packet has a header of 62 bytes, big endian: version 1.0 at 0, type u16 at 4, payload length u32 at 6,
 * pts u64 at 10, duration u64 at 18, offsets at 26 and 34, buffer flags u16 at 42, dts u64 at 44, checksums at 58 and
 * 60 (off by default: a pipe on one machine does not err).
 */

const HEADER = 62;
/** GST_CLOCK_TIME_NONE. */
const NONE = 0xffff_ffff_ffff_ffffn;
const DELTA_UNIT = 0x2000;
const EVENT = 64;

/** Packet types: a buffer, caps, or 64 plus the number of a GstEventType. */
export const GDP = {
  buffer: 1,
  caps: 2,
  streamStart: EVENT + 10254,
  segment: EVENT + 17934,
  eos: EVENT + 28174,
} as const;

/** One packet. Times are in ns; undefined where unknown. */
export interface GdpPacket {
  readonly type: number;
  readonly pts: bigint | undefined;
  readonly dts: bigint | undefined;
  readonly duration: bigint | undefined;
  /** True where decoding cannot begin at this buffer. */
  readonly delta: boolean;
  /** Owned by whoever takes the packet. */
  readonly payload: Buffer;
}

/** The bytes are not GDP, or a packet is above the limit. */
export class GdpError extends Error {
  override readonly name = 'GdpError';
}

const time = (value: bigint): bigint | undefined => (value === NONE ? undefined : value);

/** Takes bytes in pieces of any size and gives packets. A packet's payload is copied once, out of the piece it came in. */
export class GdpReader {
  readonly #limit: number;
  readonly #header = Buffer.alloc(HEADER);
  #filled = 0;
  #payload: Buffer | undefined;

  /** `limit`: the largest payload taken, in bytes. */
  constructor(limit = 32 * 1024 * 1024) {
    this.#limit = limit;
  }

  /** The packets that this piece completes, one at a time. Throws {@link GdpError}; the reader is then of no more use. */
  *push(piece: Uint8Array): Generator<GdpPacket> {
    let at = 0;
    while (at < piece.length) {
      if (!this.#payload) {
        at += this.#fill(this.#header, HEADER, piece, at);
        if (this.#filled < HEADER) return;
        this.#payload = this.#begin();
      }
      at += this.#fill(this.#payload, this.#payload.length, piece, at);
      if (this.#filled < this.#payload.length) return;
      const packet = this.#packet(this.#payload);
      this.#payload = undefined;
      this.#filled = 0;
      yield packet;
    }
  }

  #fill(target: Buffer, size: number, piece: Uint8Array, at: number): number {
    const count = Math.min(size - this.#filled, piece.length - at);
    target.set(piece.subarray(at, at + count), this.#filled);
    this.#filled += count;
    return count;
  }

  #begin(): Buffer {
    if (this.#header[0] !== 1) throw new GdpError(`a GDP header with version ${this.#header[0]}, not 1`);
    const length = this.#header.readUInt32BE(6);
    if (length > this.#limit) throw new GdpError(`a GDP packet of ${length} bytes, above the limit of ${this.#limit}`);
    this.#filled = 0;
    return Buffer.allocUnsafeSlow(length);
  }

  #packet(payload: Buffer): GdpPacket {
    const header = this.#header;
    return {
      type: header.readUInt16BE(4),
      pts: time(header.readBigUInt64BE(10)),
      dts: time(header.readBigUInt64BE(44)),
      duration: time(header.readBigUInt64BE(18)),
      delta: (header.readUInt16BE(42) & DELTA_UNIT) !== 0,
      payload,
    };
  }
}

/** Writes one packet: the header, to be followed by the payload. */
export function gdpHeader(packet: Omit<GdpPacket, 'payload'>, length: number): Buffer {
  const header = Buffer.alloc(HEADER);
  header[0] = 1;
  header.writeUInt16BE(packet.type, 4);
  header.writeUInt32BE(length, 6);
  header.writeBigUInt64BE(packet.pts ?? NONE, 10);
  header.writeBigUInt64BE(packet.duration ?? NONE, 18);
  header.writeBigUInt64BE(NONE, 26);
  header.writeBigUInt64BE(NONE, 34);
  header.writeUInt16BE(packet.delta ? DELTA_UNIT : 0, 42);
  header.writeBigUInt64BE(packet.dts ?? NONE, 44);
  return header;
}

/** What gdpdepay wants before the first buffer: stream-start, caps and a segment that begins at 0. */
export function gdpPreamble(streamId: string, caps: string): Buffer {
  const segment =
    'segment, flags=(GstSegmentFlags)GST_SEGMENT_FLAG_NONE, rate=(double)1, applied-rate=(double)1, format=(GstFormat)time, ' +
    'base=(guint64)0, offset=(guint64)0, start=(guint64)0, stop=(guint64)18446744073709551615, time=(guint64)0, ' +
    'position=(guint64)0, duration=(guint64)18446744073709551615;';
  return Buffer.concat([
    textPacket(
      GDP.streamStart,
      `GstEventStreamStart, stream-id=(string)${streamId}, flags=(GstStreamFlags)GST_STREAM_FLAG_NONE, group-id=(uint)1;`,
    ),
    textPacket(GDP.caps, caps),
    textPacket(GDP.segment, `GstEventSegment, segment=(GstSegment)"${segment}";`),
  ]);
}

/**
 * The end of a stream. gdpdepay makes an end-of-stream event of it, though the pipe stays open for another stream; gdppay
 * passes the event on without writing it, so the far end of a pipe that stays open is told by one that is written apart.
 */
export const gdpEnd = (): Buffer => textPacket(GDP.eos, 'GstEventEOS;');

function textPacket(type: number, text: string): Buffer {
  const payload = Buffer.from(`${text}\0`);
  // GStreamer's own writer puts 0 where a packet that is no buffer has no times.
  const none = { pts: type === GDP.caps ? 0n : undefined, dts: 0n, duration: 0n };
  return Buffer.concat([gdpHeader({ type, ...none, delta: false }, payload.length), payload]);
}

/** The text of a caps or event packet, without its closing zero. */
export function gdpText(payload: Buffer): string {
  return payload.toString('utf8', 0, payload.at(-1) === 0 ? payload.length - 1 : payload.length);
}

/** Start and base of a segment event, in ns: running time is time - start + base. */
export function segmentOrigin(text: string): { start: bigint; base: bigint } {
  const read = (field: string): bigint => BigInt(new RegExp(`\\b${field}=\\(guint64\\)(\\d+)`).exec(text)?.[1] ?? 0);
  return { start: read('start'), base: read('base') };
}
