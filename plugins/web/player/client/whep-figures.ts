/** What getStats tells of a WebRTC playback, as rates over the last seconds. */
import { captureAge } from '../../shared/client/capture-time.ts';
import type { LinkFigures } from './playback.ts';

/** Window of rates, ms. */
const WINDOW = 3000;
/** A capture time that is further off tells nothing, ms. */
const BELIEVABLE = 10_000;

interface Reading {
  readonly at: number;
  readonly bytes: number;
  readonly received: number;
  readonly lost: number;
  readonly buffered: number;
  readonly emitted: number;
}

/** As WebRTC Statistics names it; only what is read here. */
interface Entry {
  readonly type: string;
  readonly id: string;
  readonly kind?: string;
  readonly [name: string]: unknown;
}

const EMPTY: LinkFigures = {
  bitsPerSecond: undefined,
  loss: undefined,
  roundTrip: undefined,
  jitterBuffer: undefined,
  layer: undefined,
  path: undefined,
  latency: undefined,
  latencyFrom: undefined,
};

/** See the file's head. */
export class WhepFigures {
  link: LinkFigures = EMPTY;
  codecs: readonly string[] = [];
  /** When media last came, on the clock of `performance.now()`. */
  mediaAt = -Infinity;
  readonly #connection: RTCPeerConnection;
  readonly #clockOffset: () => number;
  #readings: Reading[] = [];
  #frames = -1;
  #packets = -1;
  #layers = 0;
  #isIngest = false;
  #onScreen: { readonly age: number; readonly at: number } | undefined;

  constructor(connection: RTCPeerConnection, video: HTMLVideoElement, clockOffset: () => number, end: AbortSignal) {
    this.#connection = connection;
    this.#clockOffset = clockOffset;
    if (!('requestVideoFrameCallback' in video)) return;
    const onFrame: VideoFrameRequestCallback = (now, { captureTime, expectedDisplayTime }) => {
      if (end.aborted) return;
      video.requestVideoFrameCallback(onFrame);
      // The element shows the past; this stream only waits.
      if (!video.srcObject) return;
      this.mediaAt = performance.now();
      // What browsers derive from sender reports: the server's, since it makes its own.
      if (captureTime !== undefined) {
        const age = expectedDisplayTime - captureTime;
        if (Math.abs(age) < BELIEVABLE) this.#onScreen = { age, at: now };
      }
    };
    video.requestVideoFrameCallback(onFrame);
  }

  /** How many layers the camera has. */
  setLayers(count: number): void {
    this.#layers = count;
  }

  /** From where the server says that capture times in this stream count. */
  setOrigin(from: unknown): void {
    this.#isIngest = from === 'ingest';
  }

  /** Another camera: its rates begin anew. */
  restart(): void {
    this.#isIngest = false;
    this.#readings = [];
    this.#layers = 0;
    this.#onScreen = undefined;
    this.mediaAt = performance.now();
  }

  /** Reads once. */
  async read(): Promise<void> {
    const report = await this.#connection.getStats().catch(() => undefined);
    if (!report) return;
    const entries = [...(report as unknown as Map<string, Entry>).values()];
    const inbound = entries.filter(({ type }) => type === 'inbound-rtp');
    const video = inbound.find(({ kind }) => kind === 'video');
    this.#noticeMedia(inbound, video);
    const pair = entries.find(
      (each) => each.type === 'candidate-pair' && each.nominated === true && each.state === 'succeeded',
    );
    const reading: Reading = {
      at: performance.now(),
      bytes: sum(inbound, 'bytesReceived'),
      received: sum(inbound, 'packetsReceived'),
      lost: sum(inbound, 'packetsLost'),
      buffered: number(video, 'jitterBufferDelay'),
      emitted: number(video, 'jitterBufferEmittedCount'),
    };
    this.#readings.push(reading);
    while (this.#readings.length > 2 && reading.at - this.#readings[0]!.at > WINDOW) this.#readings.shift();
    const first = this.#readings[0]!;
    const seconds = (reading.at - first.at) / 1000;
    const lost = Math.max(0, reading.lost - first.lost);
    const packets = reading.received - first.received + lost;
    const emitted = reading.emitted - first.emitted;
    const jitterBuffer = emitted > 0 ? (reading.buffered - first.buffered) / emitted : undefined;
    const roundTrip = pair?.currentRoundTripTime as number | undefined;
    this.link = {
      bitsPerSecond: seconds > 0.4 ? ((reading.bytes - first.bytes) * 8) / seconds : undefined,
      loss: packets > 0 ? lost / packets : undefined,
      roundTrip,
      jitterBuffer,
      layer: this.#layerName(number(video, 'frameHeight')),
      path: pathOf(pair, entries),
      ...this.#latency(roundTrip, jitterBuffer),
    };
    this.codecs = inbound.flatMap(({ codecId }) => {
      const mime = entries.find(({ id }) => id === codecId)?.mimeType as string | undefined;
      return mime ? [mime.slice(mime.indexOf('/') + 1)] : [];
    });
  }

  /** Pictures where there are any; of sound alone packets, since it makes none. */
  #noticeMedia(inbound: readonly Entry[], video: Entry | undefined): void {
    const frames = number(video, 'framesDecoded');
    const packets = sum(inbound, 'packetsReceived');
    const moved = frames > 0 ? frames !== this.#frames : packets > 0 && packets !== this.#packets && !video;
    if (moved) this.mediaAt = performance.now();
    this.#frames = frames;
    this.#packets = packets;
  }

  #latency(
    roundTrip: number | undefined,
    jitterBuffer: number | undefined,
  ): Pick<LinkFigures, 'latency' | 'latencyFrom'> {
    const receiver = this.#connection.getReceivers().find(({ track }) => track.kind === 'video');
    const age = receiver && captureAge(receiver, Date.now() + this.#clockOffset());
    const onScreen = this.#onScreen && performance.now() - this.#onScreen.at < 1000 ? this.#onScreen.age : undefined;
    if (age !== undefined)
      return { latency: Math.max(0, age) / 1000, latencyFrom: this.#isIngest ? 'ingest' : 'capture' };
    if (onScreen !== undefined) return { latency: Math.max(0, onScreen) / 1000, latencyFrom: 'ingest' };
    if (roundTrip === undefined || jitterBuffer === undefined) return { latency: undefined, latencyFrom: undefined };
    return { latency: roundTrip / 2 + jitterBuffer, latencyFrom: 'network' };
  }

  #layerName(height: number): string | undefined {
    if (height === 0) return undefined;
    return this.#layers > 1 ? `${height}p of ${this.#layers}` : `${height}p`;
  }
}

const number = (entry: Entry | undefined, name: string): number => (entry?.[name] as number | undefined) ?? 0;
const sum = (entries: readonly Entry[], name: string): number =>
  entries.reduce((total, entry) => total + number(entry, name), 0);

function pathOf(pair: Entry | undefined, entries: readonly Entry[]): string | undefined {
  const local = entries.find(({ id }) => id === pair?.localCandidateId);
  if (!local) return undefined;
  const protocol = (local.relayProtocol ?? local.protocol) as string | undefined;
  return local.candidateType === 'relay' ? `relay ${protocol}` : protocol;
}
