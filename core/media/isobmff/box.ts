/** Boxes of the ISO base media file format (ISO 14496-12): building small ones, and walking through any. */
import { malformed, truncated } from '../media-error.ts';

/** Four ASCII characters as bytes. */
export function fourCc(name: string): Uint8Array {
  return Uint8Array.of(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2), name.charCodeAt(3));
}

/** Big-endian integers one after the other; each entry is `[bytes, value]` with 1, 2, 3, 4 or 8 bytes. */
export function fields(...entries: readonly (readonly [1 | 2 | 3 | 4 | 8, number])[]): Uint8Array {
  const out = new Uint8Array(entries.reduce((size, [bytes]) => size + bytes, 0));
  let at = 0;
  for (const [bytes, value] of entries) {
    let rest = value < 0 ? value + 2 ** (8 * bytes) : value;
    for (let i = bytes - 1; i >= 0; i--) {
      out[at + i] = rest % 256;
      rest = Math.floor(rest / 256);
    }
    at += bytes;
  }
  return out;
}

/** A box of these parts; a handful of small copies, for init segments. */
export function box(type: string, ...parts: readonly Uint8Array[]): Uint8Array {
  const size = parts.reduce((sum, part) => sum + part.length, 8);
  const out = new Uint8Array(size);
  out.set(fields([4, size]));
  out.set(fourCc(type), 4);
  let at = 8;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** A full box: a box whose body begins with a version and 24 bits of flags. */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly Uint8Array[]): Uint8Array {
  return box(type, fields([1, version], [3, flags]), ...parts);
}

/** The unity transformation of movie and track headers. */
export const MATRIX = fields(
  [4, 0x10000],
  [4, 0],
  [4, 0],
  [4, 0],
  [4, 0x10000],
  [4, 0],
  [4, 0],
  [4, 0],
  [4, 0x40000000],
);

/** The dinf of a track whose media is in the same file. */
export function dataInFile(): Uint8Array {
  return box('dinf', fullBox('dref', 0, 0, fields([4, 1]), fullBox('url ', 0, 1)));
}

/** A box as found: its body is a view. */
export interface BoxView {
  readonly type: string;
  /** Where the box begins in the data that was walked. */
  readonly offset: number;
  readonly size: number;
  readonly body: Uint8Array;
}

/** The boxes side by side in `data`; throws a MediaError where one does not fit. Size 0 runs to the end. */
export function readBoxes(data: Uint8Array): BoxView[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const boxes: BoxView[] = [];
  for (let at = 0; at < data.length;) {
    if (at + 8 > data.length) throw truncated('a box header');
    let size = view.getUint32(at);
    let header = 8;
    if (size === 1) {
      if (at + 16 > data.length) throw truncated('a box header');
      size = Number(view.getBigUint64(at + 8));
      header = 16;
    } else if (size === 0) {
      size = data.length - at;
    }
    if (size < header) throw malformed('a box smaller than its header');
    if (at + size > data.length) throw truncated('a box');
    const type = String.fromCharCode(...data.subarray(at + 4, at + 8));
    boxes.push({ type, offset: at, size, body: data.subarray(at + header, at + size) });
    at += size;
  }
  return boxes;
}

/** The first box down a path of types (`['moov', 'trak', 'mdia']`) through plain container boxes. */
export function findBox(data: Uint8Array, path: readonly string[]): BoxView | undefined {
  let within = data;
  let found: BoxView | undefined;
  for (const type of path) {
    found = readBoxes(within).find((each) => each.type === type);
    if (!found) return undefined;
    within = found.body;
  }
  return found;
}
