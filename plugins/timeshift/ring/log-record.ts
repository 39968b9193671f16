/**
 * A record of the write-ahead log: `EWAL`, the length of its head and of its data, the CRC-32 of both (all big endian,
 * 32 bits each), its head as JSON, its data. A record that a crash cut short, or that the disk garbled, ends the file.
 */
import { crc32 } from 'node:zlib';
import type { CameraId, Chunk, ChunkCaps, TrackId } from 'eddy/plugin';

/** The caps of a generation; its data is the init segment. Written anew into every file that has parts of it. */
export interface GenerationHead {
  readonly kind: 'generation';
  readonly camera: CameraId;
  readonly track: TrackId;
  readonly init: string;
  readonly caps: Omit<ChunkCaps, 'init'>;
}

/** A part; its data is the chunk. */
export interface PartHead {
  readonly kind: 'part';
  readonly camera: CameraId;
  readonly track: TrackId;
  readonly init: string;
  readonly chunk: Omit<Chunk, 'data'>;
}

export type RecordHead = GenerationHead | PartHead;

const MAGIC = 0x4557414c;
const FIXED = 16;

/** A record as it is written: what stands before the data, and the data itself. */
export function writeRecord(
  head: RecordHead,
  data: Uint8Array,
): { readonly before: Uint8Array; readonly data: Uint8Array } {
  const json = Buffer.from(JSON.stringify(head));
  const before = Buffer.allocUnsafe(FIXED + json.byteLength);
  before.writeUInt32BE(MAGIC, 0);
  before.writeUInt32BE(json.byteLength, 4);
  before.writeUInt32BE(data.byteLength, 8);
  before.writeUInt32BE(crc32(data, crc32(json)), 12);
  before.set(json, FIXED);
  return { before, data };
}

/** A record as it was read; `offset` is that of its data in the file. */
export interface ReadRecord {
  readonly head: RecordHead;
  readonly offset: number;
  readonly data: Uint8Array;
}

/** Reads the records of a file up to the first that is not whole; `end` is where the last whole one ends. */
export function readRecords(file: Uint8Array): { readonly records: ReadRecord[]; readonly end: number } {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const records: ReadRecord[] = [];
  let at = 0;
  while (at + FIXED <= bytes.length && bytes.readUInt32BE(at) === MAGIC) {
    const offset = at + FIXED + bytes.readUInt32BE(at + 4);
    const end = offset + bytes.readUInt32BE(at + 8);
    if (end > bytes.length) break;
    const json = bytes.subarray(at + FIXED, offset);
    const data = bytes.subarray(offset, end);
    if (crc32(data, crc32(json)) !== bytes.readUInt32BE(at + 12)) break;
    records.push({ head: JSON.parse(json.toString()) as RecordHead, offset, data });
    at = end;
  }
  return { records, end: at };
}
