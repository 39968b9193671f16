/** RTCP: compound packets of sender and receiver reports, and the requests for a key frame (RFC 3550 6, 4585, 5104). */
import { malformed, truncated } from '../media-error.ts';
import { readNtp, writeNtp } from './ntp.ts';
import { setU32, u16, u32 } from './packet.ts';

/** What a receiver tells of one stream (RFC 3550 6.4.1). */
export interface RtcpReportBlock {
  readonly ssrc: number;
  /** Share of packets lost since the report before, 0 to 1. */
  readonly fractionLost: number;
  /** In all; negative where duplicates came. */
  readonly packetsLost: number;
  /** In ticks of the stream's clock rate. */
  readonly jitter: number;
}

/** One packet of a compound. Types that Eddy does not look at are `other`. */
export type RtcpPacket =
  | {
      readonly type: 'sender-report';
      readonly ssrc: number;
      /** The sender's clock, epoch ms (a double). */
      readonly senderTime: number;
      readonly rtpTimestamp: number;
      readonly packets: number;
      readonly bytes: number;
      readonly blocks: readonly RtcpReportBlock[];
    }
  | { readonly type: 'receiver-report'; readonly ssrc: number; readonly blocks: readonly RtcpReportBlock[] }
  | { readonly type: 'pli'; readonly ssrc: number }
  | { readonly type: 'fir'; readonly entries: readonly { readonly ssrc: number; readonly command: number }[] }
  | { readonly type: 'other'; readonly packetType: number };

/** Reads a compound packet; throws a MediaError. */
export function parseRtcp(bytes: Uint8Array): RtcpPacket[] {
  const packets: RtcpPacket[] = [];
  for (let at = 0; at < bytes.length;) {
    if (at + 4 > bytes.length) throw truncated('an RTCP header');
    if (bytes[at]! >> 6 !== 2) throw malformed('an RTCP packet of another version than 2');
    const end = at + (u16(bytes, at + 2) + 1) * 4;
    if (end > bytes.length) throw truncated('an RTCP packet');
    packets.push(parseOne(bytes.subarray(at, end)));
    at = end;
  }
  return packets;
}

function parseOne(bytes: Uint8Array): RtcpPacket {
  const packetType = bytes[1]!;
  const count = bytes[0]! & 31;
  const need = (length: number): void => {
    if (bytes.length < length) throw truncated('an RTCP packet');
  };
  switch (packetType) {
    case 200:
      need(28);
      return {
        type: 'sender-report',
        ssrc: u32(bytes, 4),
        senderTime: readNtp(bytes, 8),
        rtpTimestamp: u32(bytes, 16),
        packets: u32(bytes, 20),
        bytes: u32(bytes, 24),
        blocks: parseBlocks(bytes, 28, count),
      };
    case 201:
      need(8);
      return { type: 'receiver-report', ssrc: u32(bytes, 4), blocks: parseBlocks(bytes, 8, count) };
    case 206: {
      need(12);
      if (count === 1) return { type: 'pli', ssrc: u32(bytes, 8) };
      if (count !== 4) break;
      const entries = [];
      for (let at = 12; at + 8 <= bytes.length; at += 8)
        entries.push({ ssrc: u32(bytes, at), command: bytes[at + 4]! });
      return { type: 'fir', entries };
    }
  }
  return { type: 'other', packetType };
}

function parseBlocks(bytes: Uint8Array, from: number, count: number): RtcpReportBlock[] {
  if (bytes.length < from + count * 24) throw truncated('an RTCP report block');
  return Array.from({ length: count }, (_, i) => {
    const at = from + i * 24;
    const lost = u32(bytes, at + 4) & 0xffffff;
    return {
      ssrc: u32(bytes, at),
      fractionLost: bytes[at + 4]! / 256,
      packetsLost: lost >= 0x800000 ? lost - 0x1000000 : lost,
      jitter: u32(bytes, at + 12),
    };
  });
}

/** What {@link writeSenderReport} says. */
export interface SenderReport {
  readonly ssrc: number;
  /** Epoch ms (a double) at which ... */
  readonly senderTime: number;
  /** ... this RTP timestamp is shown. */
  readonly rtpTimestamp: number;
  readonly packets: number;
  /** Of payloads. */
  readonly bytes: number;
  /** The name that the streams of one sender share: receivers align those. ASCII, at most 255 characters. */
  readonly cname: string;
}

/** Builds a compound of a sender report and the source description that RFC 3550 6.1 demands with it. */
export function writeSenderReport(report: SenderReport): Uint8Array {
  // The item list ends with at least one zero and is padded to words (6.5).
  const chunk = Math.ceil((4 + 2 + report.cname.length + 1) / 4) * 4;
  const bytes = new Uint8Array(28 + 4 + chunk);
  bytes.set([0x80, 200, 0, 6]);
  setU32(bytes, 4, report.ssrc);
  writeNtp(bytes, 8, report.senderTime);
  setU32(bytes, 16, report.rtpTimestamp);
  setU32(bytes, 20, report.packets);
  setU32(bytes, 24, report.bytes);
  bytes.set([0x81, 202, 0, chunk / 4], 28);
  setU32(bytes, 32, report.ssrc);
  bytes.set([1, report.cname.length], 36);
  for (let i = 0; i < report.cname.length; i++) bytes[38 + i] = report.cname.charCodeAt(i);
  return bytes;
}
