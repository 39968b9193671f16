/**
 * The one wire framing of items, for child pipes, taps, capture, replay and node-to-node links. Version 1.
 *
 * Every message is a header of 56 bytes, big-endian, then `meta` bytes of JSON and `payload` bytes:
 *
 * | at | bytes | field |
 * | -- | ----- | ----- |
 * | 0  | 1 | magic 0xED |
 * | 1  | 1 | version, 1 |
 * | 2  | 1 | type: 1 track, 2 unit, 3 item, 4 discontinuity, 5 gap, 6 end |
 * | 3  | 1 | flags: 1 key, 2 has duration, 4 has capturedAt |
 * | 4  | 4 | track, a number that a `track` message opened |
 * | 8  | 4 | size of meta |
 * | 12 | 4 | size of payload |
 * | 16 | 40 | five doubles: dts, pts, duration in ticks (gap: from, to in epoch ms); arrivedAt, capturedAt in epoch ms |
 *
 * Doubles, not 64-bit integers: ticks are exact in them up to 2^53, and reading them makes no BigInt.
 */
import { Buffer } from 'node:buffer';
import type { AccessUnit, DiscontinuityCause, EndCause, GapCause } from '../model/index.ts';
import { MediaError, malformed } from './media-error.ts';

/** What travels. `track` numbers are the sender's, opened by a `track` message and closed by `end`. */
export type WireMessage =
  /** Opens a track: its name, its media type (`frames`, `chunks`, ...), its caps, and the track number it replaces. */
  | {
      readonly type: 'track';
      readonly track: number;
      readonly id: string;
      readonly media: string;
      readonly caps: unknown;
      readonly replaces?: number;
    }
  /** An access unit: the fast path. */
  | { readonly type: 'unit'; readonly track: number; readonly unit: AccessUnit }
  /** Any other item: plain data, whose `data` field, where it is bytes, travels as they are. */
  | { readonly type: 'item'; readonly track: number; readonly item: object }
  | { readonly type: 'discontinuity'; readonly track: number; readonly cause: DiscontinuityCause }
  /** Server time `from` to `to` (epoch ms) has no media. */
  | {
      readonly type: 'gap';
      readonly track: number;
      readonly from: number;
      readonly to: number;
      readonly cause: GapCause;
    }
  | { readonly type: 'end'; readonly track: number; readonly cause: EndCause };

const MAGIC = 0xed;
const VERSION = 1;
/** Size of the header in bytes. */
export const WIRE_HEADER_SIZE = 56;
const TYPES = ['track', 'unit', 'item', 'discontinuity', 'gap', 'end'] as const;
const FLAG = { key: 1, duration: 2, capturedAt: 4 } as const;

const NONE = new Uint8Array(0);

/**
 * Encodes a message as buffers to be written in order (`writev`, `cork`): the payload is passed on, not copied.
 */
export function encodeWire(message: WireMessage): Uint8Array[] {
  let meta: Uint8Array = NONE;
  let payload: Uint8Array = NONE;
  let flags = 0;
  let times: readonly number[] = [];
  switch (message.type) {
    case 'unit': {
      const { dts, pts, duration, arrivedAt, capturedAt, key, data } = message.unit;
      flags = (key ? FLAG.key : 0) | (duration === undefined ? 0 : FLAG.duration);
      if (capturedAt !== undefined) flags |= FLAG.capturedAt;
      times = [dts, pts, duration ?? 0, arrivedAt, capturedAt ?? 0];
      payload = data;
      break;
    }
    case 'item': {
      const { data, ...rest } = message.item as { data?: unknown };
      if (data instanceof Uint8Array) [meta, payload] = [json({ rest, bytes: true }), data];
      else meta = json({ rest: message.item });
      break;
    }
    case 'gap':
      times = [message.from, message.to];
      meta = json({ cause: message.cause });
      break;
    default: {
      const { type: _type, track: _track, ...rest } = message;
      meta = json(rest);
    }
  }
  const head = Buffer.allocUnsafe(WIRE_HEADER_SIZE + meta.length);
  head[0] = MAGIC;
  head[1] = VERSION;
  head[2] = TYPES.indexOf(message.type) + 1;
  head[3] = flags;
  head.writeUInt32BE(message.track, 4);
  head.writeUInt32BE(meta.length, 8);
  head.writeUInt32BE(payload.length, 12);
  for (let i = 0; i < 5; i++) head.writeDoubleBE(times[i] ?? 0, 16 + 8 * i);
  head.set(meta, WIRE_HEADER_SIZE);
  return payload.length > 0 ? [head, payload] : [head];
}

/** Limits of a decoder: announced sizes above them are refused before anything is allocated. */
export interface WireLimits {
  /** Bytes of meta a message; default 1 MiB. */
  readonly maxMeta?: number;
  /** Bytes of payload a message; default 32 MiB. */
  readonly maxPayload?: number;
}

/**
 * Decodes a byte stream that arrives in any pieces. After a MediaError the stream is out of step for good: every later
 * call throws the same error.
 */
export class WireDecoder {
  readonly #maxMeta: number;
  readonly #maxPayload: number;
  readonly #head = Buffer.alloc(WIRE_HEADER_SIZE);
  #headFilled = 0;
  /** Meta and payload of the message in progress: one allocation, since the payload outlives this call. */
  #body: Buffer | undefined;
  #bodyFilled = 0;
  #failure: MediaError | undefined;

  constructor(limits: WireLimits = {}) {
    this.#maxMeta = limits.maxMeta ?? 1024 * 1024;
    this.#maxPayload = limits.maxPayload ?? 32 * 1024 * 1024;
  }

  /** True where no message is in progress: a stream that ends otherwise was cut. */
  get idle(): boolean {
    return this.#headFilled === 0;
  }

  /** Takes the next bytes and returns the messages that they complete; throws a MediaError. */
  push(bytes: Uint8Array): WireMessage[] {
    if (this.#failure) throw this.#failure;
    try {
      return this.#push(bytes);
    } catch (error) {
      this.#failure = error instanceof MediaError ? error : malformed(`a wire message: ${String(error)}`);
      throw this.#failure;
    }
  }

  #push(bytes: Uint8Array): WireMessage[] {
    const messages: WireMessage[] = [];
    let at = 0;
    for (;;) {
      if (!this.#body) {
        const piece = bytes.subarray(at, at + WIRE_HEADER_SIZE - this.#headFilled);
        this.#head.set(piece, this.#headFilled);
        this.#headFilled += piece.length;
        at += piece.length;
        if (this.#headFilled < WIRE_HEADER_SIZE) return messages;
        this.#body = Buffer.allocUnsafeSlow(this.#bodySize());
        this.#bodyFilled = 0;
      }
      const piece = bytes.subarray(at, at + this.#body.length - this.#bodyFilled);
      this.#body.set(piece, this.#bodyFilled);
      this.#bodyFilled += piece.length;
      at += piece.length;
      if (this.#bodyFilled < this.#body.length) return messages;
      messages.push(this.#message(this.#body));
      this.#body = undefined;
      this.#headFilled = 0;
    }
  }

  #bodySize(): number {
    const head = this.#head;
    if (head[0] !== MAGIC) throw malformed('a wire message without its magic byte');
    if (head[1] !== VERSION)
      throw new MediaError('MEDIA_UNSUPPORTED', `wire framing version ${head[1]}; this is ${VERSION}`);
    if (!TYPES[head[2]! - 1]) throw malformed(`wire message type ${head[2]}`);
    const [meta, payload] = [head.readUInt32BE(8), head.readUInt32BE(12)];
    if (meta > this.#maxMeta || payload > this.#maxPayload) {
      throw new MediaError('MEDIA_TOO_LARGE', `a wire message of ${meta} + ${payload} bytes`);
    }
    return meta + payload;
  }

  #message(body: Buffer): WireMessage {
    const head = this.#head;
    const type = TYPES[head[2]! - 1]!;
    const track = head.readUInt32BE(4);
    const metaSize = head.readUInt32BE(8);
    const payload = new Uint8Array(body.buffer, body.byteOffset + metaSize, body.length - metaSize);
    if (type === 'unit') {
      const flags = head[3]!;
      const unit: AccessUnit = {
        dts: head.readDoubleBE(16),
        pts: head.readDoubleBE(24),
        ...(flags & FLAG.duration && { duration: head.readDoubleBE(32) }),
        key: (flags & FLAG.key) !== 0,
        data: payload,
        arrivedAt: head.readDoubleBE(40),
        ...(flags & FLAG.capturedAt && { capturedAt: head.readDoubleBE(48) }),
      };
      return { type, track, unit };
    }
    const meta = parseJson(body.toString('utf8', 0, metaSize));
    if (type === 'item') {
      const rest = meta['rest'];
      if (typeof rest !== 'object' || rest === null) throw malformed('a wire item without its fields');
      return { type, track, item: meta['bytes'] === true ? { ...rest, data: payload } : rest };
    }
    const cause = meta['cause'];
    if (type === 'track') {
      const { id, media } = meta;
      if (typeof id !== 'string' || typeof media !== 'string') throw malformed('a wire track without a name');
      return { ...meta, type, track, id, media, caps: meta['caps'] };
    }
    if (typeof cause !== 'string') throw malformed(`a wire ${type} without a cause`);
    if (type === 'gap') {
      return { type, track, from: head.readDoubleBE(16), to: head.readDoubleBE(24), cause: cause as GapCause };
    }
    return { type, track, cause } as WireMessage;
  }
}

/** JSON in which bytes travel as `{"$bytes": base64}`: caps hold decoder configurations and init segments. */
function json(value: unknown): Uint8Array {
  const text = JSON.stringify(value, function (this: Record<string, unknown>, key, given: unknown) {
    // Buffer has a toJSON of its own, so the value has to be taken from its holder.
    const raw = this[key];
    if (!(raw instanceof Uint8Array)) return given;
    return { $bytes: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('base64') };
  });
  return Buffer.from(text, 'utf8');
}

function parseJson(text: string): Record<string, unknown> {
  const value: unknown = JSON.parse(text, (_key, given: unknown) => {
    if (typeof given !== 'object' || given === null || !('$bytes' in given)) return given;
    if (typeof given.$bytes !== 'string') throw malformed('wire bytes that are not base64');
    return new Uint8Array(Buffer.from(given.$bytes, 'base64'));
  });
  if (typeof value !== 'object' || value === null) throw malformed('wire meta that is not an object');
  return value as Record<string, unknown>;
}
