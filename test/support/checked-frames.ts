/** Frames that say themselves whether they are whole. */
import { crc32 } from 'node:zlib';

const HEAD = 13;

/** One NAL unit with its four-byte length: number and camera in it, and a CRC-32 over all before it at its end. */
export function checkedFrame(camera: string, key: boolean, number: number, length: number): Uint8Array {
  const data = Buffer.alloc(
    Math.max(length, HEAD + 4),
    0x5a ^ (number & 0x1f) ^ (camera.charCodeAt(camera.length - 1) & 0x1f),
  );
  data.writeUInt32BE(data.length - 4, 0);
  data[4] = key ? 0x65 : 0x41;
  data.writeUInt32BE(number, 5);
  data.writeUInt32BE(crc32(camera), 9);
  data.writeUInt32BE(crc32(data.subarray(0, -4)), data.length - 4);
  return data;
}

/** The number of a frame; undefined where it is not whole, or not of this camera. */
export function readCheckedFrame(camera: string, data: Uint8Array): number | undefined {
  const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength);
  if (bytes.length < HEAD + 4 || bytes.readUInt32BE(0) !== bytes.length - 4) return undefined;
  if (bytes.readUInt32BE(bytes.length - 4) !== crc32(bytes.subarray(0, -4))) return undefined;
  return bytes.readUInt32BE(9) === crc32(camera) ? bytes.readUInt32BE(5) : undefined;
}
