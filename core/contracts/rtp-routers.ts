/**
 * RtpRouters: the SFU's routers, where `rtp` handles live. Packets stay in the SFU's worker processes; what crosses this
 * contract is plain data, and packets only where a stage taps or feeds them.
 */
import type { CameraId, RtpHandle, RtpParameters } from '../model/index.ts';
import { contract } from './contract.ts';

/** A codec that routers take (mediasoup's RtpCodecCapability, as plain data). */
export interface RtpCodecCapability {
  readonly kind: 'audio' | 'video';
  readonly mimeType: string;
  readonly clockRate: number;
  readonly channels?: number;
  readonly preferredPayloadType?: number;
  readonly parameters?: Readonly<Record<string, unknown>>;
  readonly rtcpFeedback?: readonly { readonly type: string; readonly parameter?: string }[];
}

/** What every router takes; the same for all of them. */
export interface RtpCapabilities {
  readonly codecs: readonly RtpCodecCapability[];
  readonly headerExtensions: readonly {
    readonly kind: 'audio' | 'video';
    readonly uri: string;
    readonly preferredId: number;
    readonly direction: string;
  }[];
}

/** An ICE server for clients, as RTCIceServer has it. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** What a client needs to reach a transport. */
export interface TransportAddress {
  readonly iceParameters: { readonly usernameFragment: string; readonly password: string; readonly iceLite?: boolean };
  readonly iceCandidates: readonly {
    readonly foundation: string;
    readonly priority: number;
    readonly address: string;
    readonly protocol: 'udp' | 'tcp';
    readonly port: number;
    readonly type: 'host';
    readonly tcpType?: 'passive';
  }[];
  readonly dtlsFingerprints: readonly { readonly algorithm: string; readonly value: string }[];
}

/** A client's side of DTLS, from its SDP. */
export interface DtlsParameters {
  readonly role: 'client' | 'server' | 'auto';
  readonly fingerprints: readonly { readonly algorithm: string; readonly value: string }[];
}

/** How a transport fares. `closed` carries why: its client left, consent expired, its worker died. */
export type TransportState =
  | { readonly state: 'new' | 'connecting' | 'connected' | 'disconnected' }
  | { readonly state: 'closed'; readonly cause: 'closed' | 'ice' | 'dtls' | 'worker-died' };

/** What a consumer tells. */
export type ConsumerEvent =
  /** What is sent now; both undefined while nothing is: no layer is alive, or the bandwidth does not suffice for any. */
  | { readonly type: 'layers'; readonly spatial: number | undefined; readonly temporal: number | undefined }
  /** How well the client receives it, 0 to 10. */
  | { readonly type: 'score'; readonly score: number }
  | { readonly type: 'producer-paused' | 'producer-resumed' }
  | { readonly type: 'closed'; readonly cause: 'closed' | 'producer-closed' | 'worker-died' };

/** Figures of one RTP stream, counted since its start. */
export interface StreamStats {
  readonly ssrc: number;
  /** Of a publisher's simulcast layer. */
  readonly rid?: string;
  readonly packets: number;
  readonly bytes: number;
  /** Bits a second, over the last second or so. */
  readonly bitrate: number;
  readonly packetsLost: number;
  /** Key frame requests, PLI and FIR together: to the publisher, or from the client. */
  readonly keyFrameRequests: number;
  /** Round trip, ms, where reports have told it. */
  readonly roundTrip?: number;
  /** 0 to 10; a publisher's layer of 0 has stopped. */
  readonly score: number;
}

/** One stream to one client. It starts paused: resume it, and a key frame is asked for. */
export interface RtpConsumer {
  readonly id: string;
  readonly kind: 'audio' | 'video';
  readonly producerId: string;
  /**
   * In the client's own payload types and header extension ids: what the answer says. One codec, and its RTX where the
   * client offered that; header extensions that both sides know, with ids up to 14 (RFC 8285, one-byte headers).
   */
  readonly rtpParameters: RtpParameters;
  resume(): Promise<void>;
  pause(): Promise<void>;
  /** The highest simulcast or SVC layer it may have; undefined: whatever the bandwidth allows. */
  preferLayers(layers: { readonly spatial: number; readonly temporal?: number } | undefined): Promise<void>;
  requestKeyFrame(): Promise<void>;
  /**
   * Watches for the next key frame; once this settles none is missed, so resume then. `sent` settles when it has begun to
   * leave for the client, or the consumer has closed.
   */
  nextKeyFrame(): Promise<{ readonly sent: Promise<void> }>;
  stats(): Promise<StreamStats>;
  /** Tells what it is at once (layers, score), then each change. */
  on(listener: (event: ConsumerEvent) => void): () => void;
  close(): void;
}

/** Figures of one transport. */
export interface TransportStats {
  readonly bytesIn: number;
  readonly bytesOut: number;
  /** Estimated bandwidth towards the client, bits a second, where it is negotiated. */
  readonly availableOutgoingBitrate?: number;
  /** Share of packets lost, 0 to 1, as the receivers report it. */
  readonly lossIn?: number;
  readonly lossOut?: number;
  /** Round trip, ms: the longest of its streams. */
  readonly roundTrip?: number;
  /** The client's address and protocol as ICE has chosen it, for logs: `udp 127.0.0.1:50123`. */
  readonly remote?: string;
}

/**
 * One WebRTC connection. It closes by itself when nobody connects, when the client stops to answer (ICE consent, RFC
 * 7675), at DTLS's close, and with its worker; calls after that reject with WEBRTC_TRANSPORT_CLOSED.
 */
export interface WebRtcTransport extends TransportAddress {
  readonly id: string;
  /**
   * `role` is the client's, from its SDP: `active` is client, `passive` server, `actpass` auto. Rejects with
   * WEBRTC_PARAMETERS_INVALID.
   */
  connect(dtls: DtlsParameters): Promise<void>;
  /** New ICE credentials for the same connection. */
  restartIce(): Promise<TransportAddress['iceParameters']>;
  /**
   * Takes a publisher's stream. Simulcast encodings are ordered from the lowest layer to the highest. Rejects with
   * WEBRTC_CODEC_UNFIT or WEBRTC_PARAMETERS_INVALID.
   */
  produce(kind: 'audio' | 'video', rtpParameters: RtpParameters): Promise<RtpHandle>;
  closeProducer(handle: RtpHandle): void;
  /**
   * Sends a stream to the client, in the numbers of its own offer: `offered` holds the codecs and header extensions of
   * the m-line that will carry it, `mid` that m-line. A producer of another router is piped in. A consumer may take the
   * `mid` of another that is closed afterwards: that changes the camera without renegotiation. Rejects with
   * WEBRTC_CODEC_UNFIT where the offer lacks the codec, WEBRTC_HANDLE_GONE where the producer has ended.
   */
  consume(handle: RtpHandle, offered: RtpParameters, options?: { readonly mid?: string }): Promise<RtpConsumer>;
  /** Caps what the estimate may grant, bits a second; never above what the service allows anybody, which is what Infinity stands for. */
  limit(bitrate: { readonly incoming?: number; readonly outgoing?: number }): Promise<void>;
  stats(): Promise<TransportStats>;
  /** Tells the present state at once, then each change; `closed` is the last. */
  onState(listener: (state: TransportState) => void): () => void;
  close(): void;
}

/** A sender report (RFC 3550 6.4.1): the publisher's own word about the moment that an RTP timestamp stands for. */
export interface RtpSenderReport {
  /** As the tap delivers it, not as the publisher sent it. */
  readonly ssrc: number;
  /** The publisher's clock, ms since 1970 (a double). It aligns the streams of one publisher; it is no server time. */
  readonly senderTime: number;
  readonly rtpTimestamp: number;
}

/**
 * Packets of a producer, delivered in this process, every simulcast layer with its own SSRC and clock. Payload types and
 * header extension ids are the router's, sequence numbers and timestamps the publisher's up to a constant offset.
 */
export interface RtpTap {
  /** As consumed: SSRCs and payload types of what is delivered, an encoding a layer. */
  readonly rtpParameters: RtpParameters;
  /** Layers by SSRC: spatial index, 0 the lowest. */
  readonly layers: readonly { readonly ssrc: number; readonly spatial: number; readonly rid?: string }[];
  /**
   * Delivery begins with the first listener, and with a key frame request. Each packet is a buffer of its own: it may be
   * kept. Retransmitted packets come late: reorder.
   */
  onRtp(listener: (packet: Uint8Array) => void): void;
  /**
   * Tells the publisher's own sender reports, the last one of each layer at once. A router's reports to its consumers are
   * made from arrival times, too coarse for lip sync; over a DirectTransport it sends none.
   */
  onSenderReport(listener: (report: RtpSenderReport) => void): void;
  /** Asks the publisher for a key frame: of the layer with this SSRC, or of every layer. */
  requestKeyFrame(ssrc?: number): void;
  onClosed(listener: (cause: 'closed' | 'producer-closed' | 'worker-died') => void): () => void;
  close(): void;
}

/** A producer that is fed from this process. */
export interface RtpFeed {
  readonly handle: RtpHandle;
  readonly rtpParameters: RtpParameters;
  /**
   * Sends one RTP packet (RFC 3550), at most 1200 bytes or so: it is forwarded as it is. Does nothing after the end. H.264
   * is forwarded from its first SPS on.
   */
  send(packet: Uint8Array): void;
  /** Sends an RTCP compound packet, such as a sender report. */
  sendRtcp(packet: Uint8Array): void;
  /** A consumer wants a key frame. */
  onKeyFrameRequest(listener: () => void): () => void;
  /**
   * Tells the highest layer that any consumer may be sent by its own choice, from 0, at once and at each change; undefined
   * while nobody consumes. Layers above it need not be fed; those below it are what consumers fall back to.
   */
  onHighestLayer(listener: (highest: number | undefined) => void): () => void;
  onClosed(listener: (cause: 'closed' | 'worker-died') => void): () => void;
  close(): void;
}

/** A router and what it carries. */
export interface RouterStatus {
  readonly routerId: string;
  readonly cameraId: CameraId;
  /** Position of its worker in the pool, from 0, and that worker's process. */
  readonly worker: number;
  readonly pid: number;
  readonly transports: number;
  readonly producers: number;
  readonly consumers: number;
  /** Producers of other routers that are piped in. */
  readonly piped: number;
}

/** What a connection is for. */
export interface ConnectOptions {
  /**
   * A publisher is put on the camera's first router; a viewer may be put on another one where that router's worker is
   * full. Default viewer.
   */
  readonly role?: 'publisher' | 'viewer';
  /** Whether the candidates include TCP (RFC 6544), for clients whose network blocks UDP. Default true. */
  readonly tcp?: boolean;
}

/** The contract. */
export interface RtpRouters {
  capabilities(): Promise<RtpCapabilities>;
  /** For clients: STUN and TURN by configuration. */
  iceServers(): Promise<readonly IceServer[]>;
  /** Opens a connection on a router of the camera. Rejects with WEBRTC_WORKERS_DOWN. */
  connect(cameraId: CameraId, options?: ConnectOptions): Promise<WebRtcTransport>;
  /** Delivers a producer's packets here. Rejects with WEBRTC_HANDLE_GONE. */
  tap(handle: RtpHandle): Promise<RtpTap>;
  /**
   * A producer on the camera's first router, fed from here. Streams of one publication share `rtcp.cname`: receivers align
   * those, by their sender reports. Rejects with WEBRTC_WORKERS_DOWN, WEBRTC_CODEC_UNFIT or WEBRTC_PARAMETERS_INVALID.
   */
  feed(cameraId: CameraId, kind: 'audio' | 'video', rtpParameters: RtpParameters): Promise<RtpFeed>;
  /** Figures of a producer, one for each layer that has sent something. Rejects with WEBRTC_HANDLE_GONE. */
  stats(handle: RtpHandle): Promise<readonly StreamStats[]>;
  /** Every router. */
  describe(): Promise<readonly RouterStatus[]>;
}

/** The token. */
export const RtpRouters = contract<RtpRouters>('rtp-routers', 1, "Holds the SFU's routers and resolves rtp handles.");
