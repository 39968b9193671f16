/** NTP timestamps (RFC 3550 4): seconds since 1900 and their 2^-32 parts. Here they are epoch ms as doubles. */
import { setU32, u32 } from './packet.ts';

/** Seconds from 1900 to 1970. */
const EPOCH_OFFSET = 2_208_988_800;
const FRACTION = 2 ** 32;

/** Reads 64 bits of NTP time as epoch ms. The era is that of 1968 to 2104 (RFC 4330 3). */
export function readNtp(bytes: Uint8Array, at: number): number {
  const seconds = u32(bytes, at);
  const era = seconds < 0x80000000 ? FRACTION : 0;
  return (seconds + era - EPOCH_OFFSET) * 1000 + (u32(bytes, at + 4) / FRACTION) * 1000;
}

/** Writes epoch ms as 64 bits of NTP time. */
export function writeNtp(bytes: Uint8Array, at: number, epochMs: number): void {
  const seconds = Math.floor(epochMs / 1000);
  setU32(bytes, at, seconds + EPOCH_OFFSET);
  setU32(bytes, at + 4, Math.floor(((epochMs - seconds * 1000) / 1000) * FRACTION));
}
