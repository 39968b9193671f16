/** RTP packets (RFC 3550 5.1) and their header extensions (RFC 8285). */
import { malformed, truncated } from '../media-error.ts';

/** The fixed header, in bytes. */
export const RTP_HEADER_BYTES = 12;

/** What a packet says. Payload and extensions are views of its bytes. */
export interface RtpPacket {
  readonly marker: boolean;
  readonly payloadType: number;
  /** 16 bits. */
  readonly sequence: number;
  /** 32 bits, in ticks of the payload's clock rate. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** Without padding; empty in a packet of padding alone, with which senders probe for bandwidth. */
  readonly payload: Uint8Array;
  /** The header extension's `defined by profile` field and its words; see {@link rtpExtension}. */
  readonly extension: { readonly profile: number; readonly data: Uint8Array } | undefined;
}

/** Reads a packet; throws a MediaError. */
export function parseRtp(bytes: Uint8Array): RtpPacket {
  if (bytes.length < RTP_HEADER_BYTES) throw truncated('an RTP header');
  const first = bytes[0]!;
  if (first >> 6 !== 2) throw malformed('an RTP packet of another version than 2');
  let at = RTP_HEADER_BYTES + (first & 15) * 4;
  let extension: RtpPacket['extension'];
  if (first & 0x10) {
    if (at + 4 > bytes.length) throw truncated('an RTP header extension');
    const data = at + 4;
    const end = data + u16(bytes, at + 2) * 4;
    if (end > bytes.length) throw truncated('an RTP header extension');
    extension = { profile: u16(bytes, at), data: bytes.subarray(data, end) };
    at = end;
  }
  let end = bytes.length;
  if (first & 0x20) end -= bytes[end - 1]!;
  if (at > end) throw truncated('an RTP packet');
  return {
    marker: bytes[1]! >= 0x80,
    payloadType: bytes[1]! & 0x7f,
    sequence: u16(bytes, 2),
    timestamp: u32(bytes, 4),
    ssrc: u32(bytes, 8),
    payload: bytes.subarray(at, end),
    extension,
  };
}

/** The SSRC of a packet, without reading the rest; undefined where it is too short to have one. */
export function rtpSsrc(bytes: Uint8Array): number | undefined {
  return bytes.length < RTP_HEADER_BYTES ? undefined : u32(bytes, 8);
}

/** The header extension of this id, in the one-byte or the two-byte form; undefined where the packet has none. */
export function rtpExtension(packet: RtpPacket, id: number): Uint8Array | undefined {
  if (!packet.extension) return undefined;
  const { profile, data } = packet.extension;
  const oneByte = profile === 0xbede;
  if (!oneByte && profile >> 4 !== 0x100) return undefined;
  for (let at = 0; at < data.length;) {
    const head = data[at++]!;
    if (head === 0) continue; // padding
    const found = oneByte ? head >> 4 : head;
    // Id 15 of the one-byte form means: read no further.
    if (oneByte && found === 15) return undefined;
    const length = oneByte ? (head & 15) + 1 : (data[at++] ?? 0);
    if (at + length > data.length) return undefined;
    if (found === id) return data.subarray(at, at + length);
    at += length;
  }
  return undefined;
}

/** What {@link writeRtp} puts in front of a payload. */
export interface RtpHeader {
  readonly marker: boolean;
  readonly payloadType: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** One-byte header extensions (RFC 8285 4.2): ids 1 to 14, 1 to 16 bytes each. */
  readonly extensions?: readonly { readonly id: number; readonly data: Uint8Array }[];
}

/** Bytes of the header with its extensions. */
export function rtpHeaderBytes(extensions: RtpHeader['extensions']): number {
  if (!extensions || extensions.length === 0) return RTP_HEADER_BYTES;
  const bytes = extensions.reduce((sum, { data }) => sum + 1 + data.length, 0);
  return RTP_HEADER_BYTES + 4 + Math.ceil(bytes / 4) * 4;
}

/** Writes a header at `at` and returns where the payload begins. Sequence and timestamp are taken modulo their bits. */
export function writeRtpHeader(into: Uint8Array, at: number, header: RtpHeader): number {
  const { extensions = [] } = header;
  into[at] = 0x80 | (extensions.length > 0 ? 0x10 : 0);
  into[at + 1] = (header.marker ? 0x80 : 0) | header.payloadType;
  into[at + 2] = header.sequence >> 8;
  into[at + 3] = header.sequence;
  setU32(into, at + 4, header.timestamp);
  setU32(into, at + 8, header.ssrc);
  const end = at + rtpHeaderBytes(extensions);
  if (extensions.length === 0) return end;
  into.set([0xbe, 0xde, 0, (end - at - RTP_HEADER_BYTES - 4) / 4], at + RTP_HEADER_BYTES);
  let next = at + RTP_HEADER_BYTES + 4;
  for (const { id, data } of extensions) {
    into[next] = (id << 4) | (data.length - 1);
    into.set(data, next + 1);
    next += 1 + data.length;
  }
  into.fill(0, next, end);
  return end;
}

/** Builds one packet. */
export function writeRtp(header: RtpHeader, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(rtpHeaderBytes(header.extensions) + payload.length);
  bytes.set(payload, writeRtpHeader(bytes, 0, header));
  return bytes;
}

/** @internal */
export function u16(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 256 + bytes[at + 1]!;
}

/** @internal */
export function u32(bytes: Uint8Array, at: number): number {
  return bytes[at]! * 0x1000000 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
}

/** @internal Takes the lowest 32 bits of any safe integer. */
export function setU32(bytes: Uint8Array, at: number, value: number): void {
  const low = value % 0x100000000;
  bytes[at] = low >> 24;
  bytes[at + 1] = low >> 16;
  bytes[at + 2] = low >> 8;
  bytes[at + 3] = low;
}
