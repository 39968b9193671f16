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
  | { readonly type: 'layers'; readonly spatial: number | undefined; readonly temporal: number | undefined }
  | { readonly type: 'score'; readonly score: number }
  | { readonly type: 'producer-paused' | 'producer-resumed' }
  | { readonly type: 'closed'; readonly cause: 'closed' | 'producer-closed' | 'worker-died' };

/** One stream to one client. It starts paused: resume it, and a key frame is asked for. */
export interface RtpConsumer {
  readonly id: string;
  readonly kind: 'audio' | 'video';
  /** In the client's own payload types and header extension ids. */
  readonly rtpParameters: RtpParameters;
  resume(): Promise<void>;
  pause(): Promise<void>;
  /** The highest simulcast or SVC layer it may have; undefined: whatever the bandwidth allows. */
  preferLayers(layers: { readonly spatial: number; readonly temporal?: number } | undefined): Promise<void>;
  requestKeyFrame(): Promise<void>;
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
  /** Round trip, ms. */
  readonly roundTrip?: number;
  /** What the client's address was, for logs. */
  readonly remote?: string;
}

/** One WebRTC connection. */
export interface WebRtcTransport extends TransportAddress {
  readonly id: string;
  connect(dtls: DtlsParameters): Promise<void>;
  /** New ICE credentials for the same connection. */
  restartIce(): Promise<TransportAddress['iceParameters']>;
  /** Takes a publisher's stream. */
  produce(kind: 'audio' | 'video', rtpParameters: RtpParameters): Promise<RtpHandle>;
  closeProducer(handle: RtpHandle): void;
  /**
   * Sends a stream to the client, in the numbers of its own offer: `offered` holds the codecs and header extensions of
   * the m-line that will carry it, `mid` that m-line. A producer of another router is piped in. Rejects with
   * WEBRTC_CODEC_UNFIT where the offer lacks the codec.
   */
  consume(handle: RtpHandle, offered: RtpParameters, options?: { readonly mid?: string }): Promise<RtpConsumer>;
  /** Caps what the estimate may grant, bits a second. */
  limit(bitrate: { readonly incoming?: number; readonly outgoing?: number }): Promise<void>;
  stats(): Promise<TransportStats>;
  onState(listener: (state: TransportState) => void): () => void;
  close(): void;
}

/** Packets of a producer, delivered in this process, every simulcast layer with its own SSRC and clock. */
export interface RtpTap {
  /** As consumed: SSRCs and payload types of what is delivered, an encoding a layer. */
  readonly rtpParameters: RtpParameters;
  /** Layers by SSRC: spatial index, 0 the lowest. */
  readonly layers: readonly { readonly ssrc: number; readonly spatial: number; readonly rid?: string }[];
  /** The packet is reused after the call returns: copy what is kept. */
  onRtp(listener: (packet: Uint8Array) => void): void;
  onRtcp(listener: (packet: Uint8Array) => void): void;
  /** Asks the publisher for a key frame, of one layer where it is simulcast. */
  requestKeyFrame(ssrc?: number): void;
  onClosed(listener: (cause: 'closed' | 'producer-closed' | 'worker-died') => void): () => void;
  close(): void;
}

/** A producer that is fed from this process. */
export interface RtpFeed {
  readonly handle: RtpHandle;
  readonly rtpParameters: RtpParameters;
  /** Sends one RTP packet. */
  send(packet: Uint8Array): void;
  /** Sends an RTCP compound packet, such as a sender report. */
  sendRtcp(packet: Uint8Array): void;
  /** A consumer wants a key frame. */
  onKeyFrameRequest(listener: () => void): () => void;
  onClosed(listener: (cause: 'closed' | 'worker-died') => void): () => void;
  close(): void;
}

/** The contract. */
export interface RtpRouters {
  capabilities(): Promise<RtpCapabilities>;
  /** For clients: STUN and TURN by configuration. */
  iceServers(): Promise<readonly IceServer[]>;
  /** Opens a connection on the camera's router. Rejects with WEBRTC_WORKERS_DOWN. */
  connect(cameraId: CameraId, options?: { readonly tcp?: boolean }): Promise<WebRtcTransport>;
  /** Delivers a producer's packets here. */
  tap(handle: RtpHandle): Promise<RtpTap>;
  /** A producer on the camera's router, fed from here. */
  feed(cameraId: CameraId, kind: 'audio' | 'video', rtpParameters: RtpParameters): Promise<RtpFeed>;
  /** Routers, their workers, and how many streams each carries. */
  describe(): Promise<
    readonly {
      readonly routerId: string;
      readonly worker: number;
      readonly cameraId: string;
      readonly consumers: number;
    }[]
  >;
}

/** The token. */
export const RtpRouters = contract<RtpRouters>('rtp-routers', 1, "Holds the SFU's routers and resolves rtp handles.");
