/** Sends a stream by WHIP with simulcast; the stream may be changed while it is sent. */
import { preferCaptureTime } from '../../shared/client/capture-time.ts';
import { SdpSession } from '../../shared/client/sdp-session.ts';

/** Options of {@link Sender}. */
export interface SenderOptions {
  readonly endpoint: string;
  /** `H264`, `VP8`, `VP9` or `AV1`: no other is offered. Undefined: all are, and the server chooses. */
  readonly codec: string | undefined;
  /** How many sizes: 1, or 3. */
  readonly layers: number;
  readonly iceServers: readonly RTCIceServer[];
  /** It ended against its will: the connection failed, or the server has ended the session. */
  readonly onEnd: (text: string) => void;
  readonly onConnected: () => void;
}

/** Layers, the lowest first: what share of the picture's sides, and the most bits a second at 720 lines. */
const LAYERS = [
  { rid: 'l', scale: 4, bitrate: 250_000 },
  { rid: 'm', scale: 2, bitrate: 800_000 },
  { rid: 'h', scale: 1, bitrate: 2_500_000 },
];
/** Bits grow slower than pictures do. */
const GROWTH = 0.75;
/** Receivers report many times a second: silence for this long is a question to the server, ms. */
const SILENCE = 500;
const CHECK_EVERY = 200;

/** See the file's head. */
export class Sender {
  readonly connection: RTCPeerConnection;
  readonly #options: SenderOptions;
  readonly #end = new AbortController();
  readonly #video: RTCRtpTransceiver;
  readonly #audio: RTCRtpTransceiver;
  #session: SdpSession | undefined;
  #heard = 0;
  #heardAt: number | undefined;
  #asking = false;

  constructor(stream: MediaStream, options: SenderOptions) {
    this.#options = options;
    this.connection = new RTCPeerConnection({ iceServers: [...options.iceServers], bundlePolicy: 'max-bundle' });
    const [video] = stream.getVideoTracks();
    const [audio] = stream.getAudioTracks();
    this.#video = this.connection.addTransceiver(video ?? 'video', {
      direction: 'sendonly',
      streams: [stream],
      sendEncodings: encodings(options.layers, video),
    });
    this.#audio = this.connection.addTransceiver(audio ?? 'audio', { direction: 'sendonly', streams: [stream] });
    if (options.codec !== undefined) offerOnly(this.#video, options.codec);
    for (const each of [this.#video, this.#audio]) preferCaptureTime(each);
    this.connection.addEventListener('connectionstatechange', () => {
      const { connectionState } = this.connection;
      if (connectionState === 'connected') options.onConnected();
      if (connectionState === 'failed') this.#lose('The connection to the server failed.');
    });
    addEventListener('pagehide', () => this.#session?.end(), { signal: this.#end.signal });
  }

  /** Rejects with SessionRefused, or the browser's error. */
  async start(): Promise<void> {
    this.#session = await SdpSession.open(this.#options.endpoint, this.connection, this.#end.signal);
    if (this.#end.signal.aborted) return this.#session.end();
    const timer = setInterval(() => void this.#watch(), CHECK_EVERY);
    this.#end.signal.addEventListener('abort', () => clearInterval(timer));
  }

  get iceServers(): readonly RTCIceServer[] {
    return this.#session?.iceServers ?? [];
  }

  /** Another camera, screen or card in the same session: viewers stay. */
  async replace(stream: MediaStream): Promise<void> {
    const video = stream.getVideoTracks()[0] ?? null;
    await this.#audio.sender.replaceTrack(stream.getAudioTracks()[0] ?? null);
    await this.#video.sender.replaceTrack(video);
    // A screen has more to say than a camera.
    const parameters = this.#video.sender.getParameters();
    for (const [index, { maxBitrate }] of encodings(this.#options.layers, video ?? undefined).entries()) {
      const encoding = parameters.encodings[index];
      if (encoding && maxBitrate !== undefined) encoding.maxBitrate = maxBitrate;
    }
    await this.#video.sender.setParameters(parameters).catch(() => {});
  }

  /** Ends it for good; the server is told. Idempotent. */
  close(): void {
    if (this.#end.signal.aborted) return;
    this.#end.abort();
    this.#session?.end();
    this.connection.close();
  }

  /** ICE gives a dead connection up after half a minute; the server knows sooner. */
  async #watch(): Promise<void> {
    if (this.#asking || !this.#session || this.connection.connectionState === 'new') return;
    this.#asking = true;
    const report = await this.connection.getStats().catch(() => []);
    let heard = 0;
    for (const [, entry] of report as Iterable<[string, { type: string; bytesReceived?: number }]>) {
      if (entry.type === 'transport') heard += entry.bytesReceived ?? 0;
    }
    const now = performance.now();
    if (heard !== this.#heard || this.#heardAt === undefined) this.#heardAt = now;
    this.#heard = heard;
    if (now - this.#heardAt > SILENCE) {
      const alive = await this.#session.isAliveByPatch(this.connection);
      if (alive === false) this.#lose('The server has ended this session.');
      // Not at each look: one request for each silence.
      this.#heardAt = performance.now();
    }
    this.#asking = false;
  }

  #lose(text: string): void {
    if (this.#end.signal.aborted) return;
    this.close();
    this.#options.onEnd(text);
  }
}

function encodings(layers: number, track: MediaStreamTrack | undefined): RTCRtpEncodingParameters[] {
  const { width = 1280, height = 720 } = track?.getSettings() ?? {};
  const factor = Math.max(0.3, (width * height) / (1280 * 720)) ** GROWTH;
  const wanted = layers === 1 ? LAYERS.slice(-1) : LAYERS;
  return wanted.map(({ rid, scale, bitrate }) => ({
    ...(layers === 1 ? {} : { rid }),
    scaleResolutionDownBy: scale,
    maxBitrate: Math.round(bitrate * factor),
  }));
}

/** The order of an offer does not choose: servers take what they prefer themselves of whatever is offered. */
function offerOnly(transceiver: RTCRtpTransceiver, codec: string): void {
  const wanted = new Set([`video/${codec.toLowerCase()}`, 'video/rtx']);
  const all = RTCRtpSender.getCapabilities('video')?.codecs ?? [];
  transceiver.setCodecPreferences(all.filter(({ mimeType }) => wanted.has(mimeType.toLowerCase())));
}
