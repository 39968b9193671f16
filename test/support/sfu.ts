/** The SFU under test, with real workers, and RTP to send through it. */
import type { RtpParameters, RtpRouters } from 'eddy/plugin';
import { manifest } from '../../plugins/webrtc/workers/plugin.ts';
import { create } from '../../plugins/webrtc/workers/workers.ts';
import { fakeContext, type Fake } from '../unit/native/fake-context.ts';

export interface Sfu {
  readonly routers: RtpRouters;
  readonly fake: Fake<typeof manifest>;
  /** Safe to repeat. */
  stop(): Promise<void>;
}

/** Starts the service: loopback, free ports, one worker unless told otherwise. */
export async function startSfu(config: Readonly<Record<string, unknown>> = {}): Promise<Sfu> {
  const fake = fakeContext(manifest, { config: { workers: 1, listen: '127.0.0.1:0', ...config } });
  const running = create(fake.context);
  await running.start?.();
  return {
    routers: running.services.routers,
    fake,
    async stop() {
      await running.stop?.();
      await fake.close();
    },
  };
}

/** Settles when `is` holds; throws after `ms`. */
export async function until(is: () => boolean | Promise<boolean>, what: string, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!(await is())) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const FEEDBACK = [
  { type: 'nack' },
  { type: 'nack', parameter: 'pli' },
  { type: 'ccm', parameter: 'fir' },
  { type: 'goog-remb' },
  { type: 'transport-cc' },
] as const;
const H264 = { 'packetization-mode': 1, 'profile-level-id': '42e01f', 'level-asymmetry-allowed': 1 } as const;

/** Header extensions by the names that tests use. */
export const URI = {
  mid: 'urn:ietf:params:rtp-hdrext:sdes:mid',
  absSendTime: 'http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time',
  transportCc: 'http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01',
  orientation: 'urn:3gpp:video-orientation',
} as const;

/** A publisher's H.264, one SSRC a layer. */
export function h264Published(ssrcs: readonly number[] = [1111], payloadType = 96): RtpParameters {
  return {
    codecs: [{ mimeType: 'video/H264', payloadType, clockRate: 90_000, parameters: H264, rtcpFeedback: FEEDBACK }],
    encodings: ssrcs.map((ssrc) => ({ ssrc })),
    rtcp: { cname: 'camera' },
  };
}

/** A publisher's Opus. */
export const opusPublished = (ssrc = 2222, payloadType = 97): RtpParameters => ({
  codecs: [{ mimeType: 'audio/opus', payloadType, clockRate: 48_000, channels: 2 }],
  encodings: [{ ssrc }],
  rtcp: { cname: 'camera' },
});

/** A viewer's video m-line, in numbers that the router never uses for these. */
export const h264Offered: RtpParameters = {
  codecs: [
    { mimeType: 'video/H264', payloadType: 123, clockRate: 90_000, parameters: H264, rtcpFeedback: FEEDBACK },
    { mimeType: 'video/rtx', payloadType: 124, clockRate: 90_000, parameters: { apt: 123 } },
  ],
  headerExtensions: [
    { uri: URI.mid, id: 9 },
    { uri: URI.transportCc, id: 7 },
    { uri: URI.absSendTime, id: 2 },
    { uri: 'urn:nobody:knows', id: 3 },
    { uri: URI.orientation, id: 15 },
  ],
};

/** A viewer's audio m-line. */
export const opusOffered: RtpParameters = {
  codecs: [{ mimeType: 'audio/opus', payloadType: 109, clockRate: 48_000, channels: 2 }],
  headerExtensions: [{ uri: URI.mid, id: 9 }],
};

/** What a test reads of an RTP packet (RFC 3550, 5.1; RFC 8285, 4.2). */
export interface Rtp {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly seq: number;
  readonly timestamp: number;
  readonly ssrc: number;
  /** One-byte header extensions by id. */
  readonly extensions: ReadonlyMap<number, Buffer>;
  readonly payload: Buffer;
}

/** Builds a packet without extensions. */
export function writeRtp(rtp: Omit<Rtp, 'extensions'>): Buffer {
  const header = Buffer.alloc(12);
  header[0] = 0x80;
  header[1] = (rtp.marker ? 0x80 : 0) | rtp.payloadType;
  header.writeUInt16BE(rtp.seq, 2);
  header.writeUInt32BE(rtp.timestamp, 4);
  header.writeUInt32BE(rtp.ssrc, 8);
  return Buffer.concat([header, rtp.payload]);
}

export function readRtp(packet: Uint8Array): Rtp {
  const bytes = Buffer.from(packet);
  const extensions = new Map<number, Buffer>();
  let at = 12;
  if (bytes[0]! & 0x10) {
    const end = at + 4 + 4 * bytes.readUInt16BE(at + 2);
    if (bytes.readUInt16BE(at) !== 0xbede) throw new Error('not one-byte header extensions');
    for (at += 4; at < end;) {
      const id = bytes[at]! >> 4;
      const length = (bytes[at]! & 15) + 1;
      if (id === 0) at++;
      else {
        extensions.set(id, bytes.subarray(at + 1, at + 1 + length));
        at += 1 + length;
      }
    }
  }
  return {
    payloadType: bytes[1]! & 0x7f,
    marker: (bytes[1]! & 0x80) !== 0,
    seq: bytes.readUInt16BE(2),
    timestamp: bytes.readUInt32BE(4),
    ssrc: bytes.readUInt32BE(8),
    extensions,
    payload: bytes.subarray(at),
  };
}

/** Packets of H.264 as the SFU looks at them: a frame is one packet, a key frame one with SPS and PPS before it. */
export class H264Writer {
  readonly #ssrc: number;
  readonly #payloadType: number;
  #seq = 65_530;
  #timestamp = 0xfffffff0;

  constructor(ssrc = 1111, payloadType = 96) {
    this.#ssrc = ssrc;
    this.#payloadType = payloadType;
  }

  frame(key: boolean): Buffer[] {
    this.#timestamp = (this.#timestamp + 3000) >>> 0;
    const nals = key ? [[0x67, 0x42, 0xe0, 0x1f, 1, 2, 3], [0x68, 0xce, 0x3c, 0x80], slice(0x65)] : [slice(0x41)];
    return nals.map((nal, index) => this.#packet(Buffer.from(nal), index === nals.length - 1));
  }

  #packet(payload: Buffer, marker: boolean): Buffer {
    this.#seq = (this.#seq + 1) & 0xffff;
    return writeRtp({
      payloadType: this.#payloadType,
      ssrc: this.#ssrc,
      marker,
      seq: this.#seq,
      timestamp: this.#timestamp,
      payload,
    });
  }
}

let filler = 0;
const slice = (header: number): number[] => [header, 0x80, ...Array.from({ length: 600 }, () => filler++ & 0xff)];
