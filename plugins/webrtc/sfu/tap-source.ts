/** A stream that a WebRTC publisher sends: while its frames are wanted it is tapped, and each layer becomes a track. */
import { codecOfMimeType, MediaError, parseRtp, type SyncedStream } from 'eddy/media';
import {
  Backoff,
  type Clock,
  type EndCause,
  type FlowOutput,
  type InputTrack,
  type Logger,
  type Metrics,
  type RtpHandle,
  type RtpRouters,
  type RtpTap,
} from 'eddy/plugin';
import { ABS_CAPTURE_TIME } from './capture-time.ts';
import { KeyFrameCadence } from './key-frame-cadence.ts';
import { LayerReader } from './layer-reader.ts';
import type { PublisherTime } from './publisher-time.ts';

/** How long sound waits for pictures to begin the timeline, ms. */
const SOUND_YIELDS_MS = 1000;

/** What a source is made of. */
export interface TapSourceOptions {
  readonly track: InputTrack<'rtp'>;
  readonly port: FlowOutput<'frames'>;
  readonly time: PublisherTime;
  readonly routers: RtpRouters;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly log: Logger;
  /** ms; see the manifest. */
  readonly keyFrames: number;
  readonly wait: number;
  report(code: string, message: string): void;
  /** Its pictures have B-frames, which WebRTC players show in the wrong order. */
  onBFrames(): void;
}

export class TapSource {
  readonly id: string;
  readonly kind: 'video' | 'audio';
  readonly #options: TapSourceOptions;
  readonly #backoff = new Backoff({ min: 100, max: 5000 });
  /** By the SSRC that the tap delivers. */
  readonly #layers = new Map<number, LayerReader>();
  readonly #requests: { add(value?: number): void };
  readonly #lost: { add(value?: number): void };
  /** By layer: where they lie in time is known for good, however often they are tapped. */
  readonly #synced = new Map<number, SyncedStream>();
  #handle: RtpHandle | undefined;
  #tap: RtpTap | undefined;
  #opening = false;
  #wanted = false;
  #ended = false;
  #cancelRetry: (() => void) | undefined;

  constructor(options: TapSourceOptions) {
    this.#options = options;
    this.id = options.track.id;
    this.kind = options.track.caps.kind;
    const { metrics } = options;
    this.#requests = metrics.counter(
      'sfu_key_frame_requests_total',
      'Key frames asked of WebRTC publishers for frames.',
    );
    this.#lost = metrics.counter('sfu_packets_lost_total', 'Packets of WebRTC publishers that never came.');
  }

  /** The stream to read; another one takes the place of the one before. */
  take(handle: RtpHandle): void {
    if (handle.producerId === this.#handle?.producerId) return;
    this.#close('replaced');
    this.#synced.clear();
    this.#handle = handle;
    this.#open();
  }

  /** Whether anyone wants its frames: nobody is tapped otherwise. */
  want(wanted: boolean): void {
    this.#wanted = wanted;
    if (wanted) this.#open();
    else this.#close('unwanted');
  }

  sweep(): void {
    for (const layer of this.#layers.values()) layer.sweep();
  }

  end(cause: EndCause): void {
    this.#ended = true;
    this.#close(cause);
  }

  #open(): void {
    if (!this.#wanted || !this.#handle || this.#tap || this.#opening || this.#ended) return;
    this.#opening = true;
    const handle = this.#handle;
    this.#options.routers.tap(handle).then(
      (tap) => {
        this.#opening = false;
        if (this.#ended || !this.#wanted || this.#handle !== handle) {
          tap.close();
          this.#open();
        } else {
          this.#read(tap);
        }
      },
      (error: unknown) => {
        this.#opening = false;
        this.#options.log.warn({ err: error, track: this.id }, 'the stream could not be tapped');
        this.#retry();
      },
    );
  }

  #read(tap: RtpTap): void {
    const { clock } = this.#options;
    this.#tap = tap;
    const since = clock.monotonic();
    this.#openLayers(tap);
    tap.onSenderReport(({ ssrc, senderTime, rtpTimestamp }) =>
      this.#layers.get(ssrc)?.report(senderTime, rtpTimestamp),
    );
    tap.onRtp((bytes) => this.#packet(bytes));
    tap.onClosed((cause) => {
      if (this.#tap !== tap) return;
      this.#tap = undefined;
      this.#endLayers(cause === 'producer-closed' ? 'publisher-ended' : 'failed');
      // With its producer gone, the publication says what follows; a worker that died may have taken the tap alone.
      if (cause !== 'producer-closed') this.#retry(clock.monotonic() - since);
    });
  }

  #openLayers(tap: RtpTap): void {
    const { track, time, port, clock, wait, keyFrames } = this.#options;
    const { codecs, headerExtensions = [] } = tap.rtpParameters;
    const codec = codecOfMimeType(codecs[0]!.mimeType);
    if (!codec) return;
    const cadence = new KeyFrameCadence(keyFrames, () => this.#ask(tap, undefined));
    for (const { ssrc, spatial } of tap.layers) {
      const below = tap.layers.length - 1 - spatial;
      const reader = new LayerReader({
        id: below === 0 ? this.id : `${this.id}-${below}`,
        codec,
        clockRate: codecs[0]!.clockRate,
        wait,
        time,
        synced: this.#syncedOf(spatial, codecs[0]!.clockRate),
        port,
        from: track,
        captureTimeId: headerExtensions.find(({ uri }) => uri === ABS_CAPTURE_TIME)?.id,
        now: () => clock.now(),
        requestKeyFrame: () => this.#ask(tap, ssrc),
        onFrame: (key, atMs) => {
          if (this.kind === 'video') cadence.frame(spatial, key, atMs);
        },
        onBFrames: () => this.#options.onBFrames(),
        onLost: (packets) => this.#lost.add(packets),
        badMedia: (message) => this.#options.report('BAD_MEDIA', message),
      });
      this.#layers.set(ssrc, reader);
    }
  }

  #syncedOf(spatial: number, clockRate: number): SyncedStream {
    let synced = this.#synced.get(spatial);
    if (!synced) {
      const yields = this.kind === 'audio' ? SOUND_YIELDS_MS : 0;
      synced = this.#options.time.sync.stream({ clockRate, yields });
      this.#synced.set(spatial, synced);
    }
    return synced;
  }

  #packet(bytes: Uint8Array): void {
    try {
      const packet = parseRtp(bytes);
      this.#layers.get(packet.ssrc)?.packet(packet);
    } catch (error) {
      if (!(error instanceof MediaError)) throw error;
      this.#options.report('BAD_MEDIA', `${this.id}: ${error.message}`);
    }
  }

  #ask(tap: RtpTap, ssrc: number | undefined): void {
    this.#requests.add(ssrc === undefined ? this.#layers.size : 1);
    tap.requestKeyFrame(ssrc);
  }

  #retry(heldFor = 0): void {
    if (this.#ended || !this.#wanted) return;
    this.#cancelRetry?.();
    this.#cancelRetry = this.#options.clock.after(this.#backoff.next(heldFor), () => this.#open());
  }

  #close(cause: EndCause): void {
    this.#cancelRetry?.();
    const tap = this.#tap;
    this.#tap = undefined;
    tap?.close();
    this.#endLayers(cause);
  }

  #endLayers(cause: EndCause): void {
    const layers = [...this.#layers.values()];
    this.#layers.clear();
    for (const layer of layers) layer.end(cause);
  }
}
