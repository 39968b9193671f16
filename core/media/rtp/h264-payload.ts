/** H.264 in RTP, sending side (RFC 6184, packetization mode 1). */
import { malformed } from '../media-error.ts';
import type { RtpPayload } from './stream-writer.ts';

const STAP_A = 24;
const FU_A = 28;

/**
 * The payloads of one access unit: NAL units that fit together share a STAP-A (5.7.1), one that fits alone goes as it
 * is (5.6), a larger one in FU-As (5.8). `limit` is the most bytes of a payload.
 */
export function h264Payloads(nals: readonly Uint8Array[], limit: number): RtpPayload[] {
  if (limit < 16) throw new TypeError(`RTP payloads of ${limit} bytes`);
  const payloads: RtpPayload[] = [];
  let together: Uint8Array[] = [];
  let size = 1;
  const flush = (): void => {
    if (together.length > 0) payloads.push(together.length === 1 ? [together[0]!] : aggregate(together));
    together = [];
    size = 1;
  };
  for (const nal of nals) {
    if (nal.length === 0) throw malformed('an empty NAL unit');
    if (size + 2 + nal.length > limit) flush();
    if (nal.length > limit) {
      fragment(nal, limit, payloads);
    } else {
      together.push(nal);
      size += 2 + nal.length;
    }
  }
  flush();
  return payloads;
}

function aggregate(nals: readonly Uint8Array[]): RtpPayload {
  // Its header has the highest importance (NRI) of what it holds, and the forbidden bit if any has it.
  let nri = 0;
  let forbidden = 0;
  for (const nal of nals) {
    nri = Math.max(nri, nal[0]! & 0x60);
    forbidden |= nal[0]! & 0x80;
  }
  const pieces: Uint8Array[] = [Uint8Array.of(forbidden | nri | STAP_A)];
  for (const nal of nals) pieces.push(Uint8Array.of(nal.length >> 8, nal.length), nal);
  return pieces;
}

/** In parts of about equal size: the last is not a packet of a few bytes. */
function fragment(nal: Uint8Array, limit: number, payloads: RtpPayload[]): void {
  const indicator = (nal[0]! & 0xe0) | FU_A;
  const type = nal[0]! & 0x1f;
  const count = Math.ceil((nal.length - 1) / (limit - 2));
  const each = Math.ceil((nal.length - 1) / count);
  for (let at = 1; at < nal.length; at += each) {
    const end = Math.min(at + each, nal.length);
    const header = (at === 1 ? 0x80 : 0) | (end === nal.length ? 0x40 : 0) | type;
    payloads.push([Uint8Array.of(indicator, header), nal.subarray(at, end)]);
  }
}
