/** Numbers, times and counts the packets of one stream that is sent. */
import { writeSenderReport } from './rtcp.ts';
import { RTP_HEADER_BYTES, rtpHeaderBytes, writeRtpHeader, type RtpHeader } from './packet.ts';

/** A payload in pieces, so that its media is copied once, into the packet. */
export type RtpPayload = readonly Uint8Array[];

/** Options of {@link RtpStreamWriter}. */
export interface RtpStreamOptions {
  readonly ssrc: number;
  readonly payloadType: number;
  readonly cname: string;
  /** Sequence number of the first packet; RFC 3550 5.1 asks for a random one. */
  readonly sequence?: number;
}

/** See the file's head. */
export class RtpStreamWriter {
  readonly ssrc: number;
  readonly #payloadType: number;
  readonly #cname: string;
  #sequence: number;
  #packets = 0;
  #bytes = 0;

  constructor(options: RtpStreamOptions) {
    this.ssrc = options.ssrc;
    this.#payloadType = options.payloadType;
    this.#cname = options.cname;
    this.#sequence = options.sequence ?? 0;
  }

  /** The packets of one frame, views of one buffer; the marker is on the last, `extensions` on the first. */
  frame(payloads: readonly RtpPayload[], timestamp: number, extensions?: RtpHeader['extensions']): Uint8Array[] {
    let size = 0;
    for (const payload of payloads) for (const piece of payload) size += piece.length;
    this.#bytes += size;
    this.#packets += payloads.length;
    const extra = rtpHeaderBytes(extensions) - RTP_HEADER_BYTES;
    const bytes = new Uint8Array(size + payloads.length * RTP_HEADER_BYTES + extra);
    let end = 0;
    return payloads.map((payload, i) => {
      const start = end;
      const header = {
        marker: i === payloads.length - 1,
        payloadType: this.#payloadType,
        sequence: this.#sequence,
        timestamp,
        ssrc: this.ssrc,
        ...(i === 0 && extensions ? { extensions } : {}),
      };
      this.#sequence = (this.#sequence + 1) & 0xffff;
      end = writeRtpHeader(bytes, end, header);
      for (const piece of payload) {
        bytes.set(piece, end);
        end += piece.length;
      }
      return bytes.subarray(start, end);
    });
  }

  /** A sender report: `rtpTimestamp` is shown at `senderTime` (epoch ms). */
  report(senderTime: number, rtpTimestamp: number): Uint8Array {
    const { ssrc } = this;
    const [packets, bytes] = [this.#packets, this.#bytes];
    return writeSenderReport({ ssrc, senderTime, rtpTimestamp, packets, bytes, cname: this.#cname });
  }
}
