/**
 * Reads AMF0 (Adobe AMF0, section 2) from strangers: every length is checked, and depth and number of values are
 * bounded. Writing is the library's; its reader trusts lengths, recursion and markers, and misplaces what follows an
 * ECMA array by one byte.
 */
import { RtmpRefusal } from './refusal.ts';

/** A decoded AMF0 value. */
export type AmfValue = number | boolean | string | null | undefined | Date | readonly AmfValue[] | AmfObject;
/** An object or ECMA array; it has no prototype, so no key of a stranger's means anything. */
export interface AmfObject {
  readonly [key: string]: AmfValue;
}

const MAX_DEPTH = 16;
const MAX_VALUES = 4096;
const OBJECT_END = 9;

/**
 * The values of a message body, from `at`. Throws an RtmpRefusal `amf-invalid` for truncated bytes, unknown markers,
 * nesting beyond 16 levels and more than 4096 values.
 */
export function decodeAmf0(body: Uint8Array, at = 0): AmfValue[] {
  const reader = new Amf0Reader(body, at);
  const values: AmfValue[] = [];
  while (!reader.done) values.push(reader.value(0));
  return values;
}

/** True where a value is an object with keys. */
export function isAmfObject(value: AmfValue): value is AmfObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

const refuse = (message: string): RtmpRefusal => new RtmpRefusal('amf-invalid', message);

class Amf0Reader {
  readonly #bytes: Buffer;
  #at: number;
  #values = 0;

  constructor(body: Uint8Array, at: number) {
    this.#bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
    this.#at = at;
  }

  get done(): boolean {
    return this.#at >= this.#bytes.length;
  }

  value(depth: number): AmfValue {
    if (depth > MAX_DEPTH) throw refuse(`AMF values nested deeper than ${MAX_DEPTH}`);
    if (++this.#values > MAX_VALUES) throw refuse(`more than ${MAX_VALUES} AMF values in a message`);
    const marker = this.#bytes[this.#take(1)]!;
    switch (marker) {
      case 0:
        return this.#bytes.readDoubleBE(this.#take(8));
      case 1:
        return this.#bytes[this.#take(1)] !== 0;
      case 2:
        return this.#text(2);
      case 3:
        return this.#object(depth);
      case 5:
      case 13: // unsupported: a placeholder without value
        return null;
      case 6:
        return undefined;
      case 7: // a reference to an earlier object, which no encoder sends in commands
        this.#take(2);
        return undefined;
      case 8: // ECMA array: its count is a hint, the end marker rules
        this.#take(4);
        return this.#object(depth);
      case 10:
        return this.#array(depth);
      case 11: {
        const at = this.#take(10);
        return new Date(this.#bytes.readDoubleBE(at));
      }
      case 12:
      case 15:
        return this.#text(4);
      case 16:
        this.#text(2);
        return this.#object(depth);
      default:
        throw refuse(`AMF marker ${marker} is unknown`);
    }
  }

  #take(count: number): number {
    const at = this.#at;
    if (count > this.#bytes.length - at) throw refuse('an AMF value ends before its announced length');
    this.#at = at + count;
    return at;
  }

  #text(lengthBytes: 2 | 4): string {
    const length = this.#bytes.readUIntBE(this.#take(lengthBytes), lengthBytes);
    const at = this.#take(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  #object(depth: number): AmfObject {
    const object = Object.create(null) as Record<string, AmfValue>;
    for (;;) {
      const key = this.#text(2);
      if (key === '' && this.#bytes[this.#at] === OBJECT_END) {
        this.#take(1);
        return object;
      }
      object[key] = this.value(depth + 1);
    }
  }

  #array(depth: number): AmfValue[] {
    const count = this.#bytes.readUInt32BE(this.#take(4));
    const array: AmfValue[] = [];
    // The count is a stranger's: the loop ends at the first value that is not there.
    for (let i = 0; i < count; i++) array.push(this.value(depth + 1));
    return array;
  }
}
