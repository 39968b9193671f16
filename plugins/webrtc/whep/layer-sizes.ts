/**
 * How large the pictures of a publisher's layers are, read from its key frames. Its word in the SDP would be worth nothing, and it may change its
 * picture at any time.
 */
import { codecOfMimeType, FrameReader, MediaError, parseRtp, videoCapsFromRtp, type RtpFrame } from 'eddy/media';
import type { Clock, RtpHandle, RtpRouters, RtpTap, VideoCodec } from 'eddy/plugin';
import { layerCount } from './layers.ts';
import { StreamWatch } from './stream-watch.ts';

/** Every layer that is sent has shown a key frame within this time, ms. */
const TOLD_WITHIN = 2000;
/** A layer that has not is asked for one this often, ms. */
const ASK_EVERY = 500;
/** A missing packet is waited for so long, ms. */
const PACKET_WAIT = 200;

/** Lines of the shorter side of each layer's picture, the lowest layer first; undefined while a layer has not told. */
export type Lines = readonly (number | undefined)[];

/** See the file's head. */
export class LayerSizes extends StreamWatch {
  readonly #clock: Pick<Clock, 'after' | 'now'>;
  readonly #told = Promise.withResolvers<void>();
  #lines: (number | undefined)[];

  constructor(handle: RtpHandle, routers: Pick<RtpRouters, 'tap'>, clock: Pick<Clock, 'after' | 'now'>) {
    super();
    this.#clock = clock;
    this.#lines = Array.from({ length: layerCount(handle) });
    this.#open(handle, routers).catch((error: unknown) => {
      this.#told.reject(error);
      this.end();
    });
  }

  get lines(): Lines {
    return this.#lines;
  }

  /** Settles once every layer that is sent has told its size. Rejects as `tap` does. */
  get told(): Promise<void> {
    return this.#told.promise;
  }

  async #open(handle: RtpHandle, routers: Pick<RtpRouters, 'tap'>): Promise<void> {
    // The layers of SVC are one stream, whose key frames tell of one of them.
    if ((handle.rtpParameters.encodings?.length ?? 1) !== this.#lines.length) return this.#told.resolve();
    const tap = await routers.tap(handle);
    if (this.ended.aborted) return tap.close();
    const cancel = this.#clock.after(TOLD_WITHIN, () => this.#told.resolve());
    this.ended.addEventListener('abort', () => {
      cancel();
      this.#told.resolve();
      tap.close();
    });
    tap.onClosed((cause) => {
      // With its producer gone, so are those who watch it; else nobody knows any more what it sends.
      if (cause === 'worker-died') this.#become([]);
      this.end();
    });
    const readers = new Map(tap.layers.map(({ ssrc, spatial }) => [ssrc, this.#reader(tap, ssrc, spatial)]));
    tap.onRtp((bytes) => {
      try {
        const packet = parseRtp(bytes);
        readers.get(packet.ssrc)?.push(packet, this.#clock.now());
      } catch (error) {
        if (!(error instanceof MediaError)) throw error;
      }
    });
  }

  #reader(tap: RtpTap, ssrc: number, spatial: number): FrameReader {
    const { mimeType, clockRate } = tap.rtpParameters.codecs[0]!;
    const codec = codecOfMimeType(mimeType) as VideoCodec;
    let askedAt = this.#clock.now();
    const frame = (each: RtpFrame): void => {
      const caps = each.key ? videoCapsFromRtp(codec, each, clockRate) : undefined;
      if (caps) this.#tell(spatial, Math.min(caps.width, caps.height));
    };
    const keyFrameNeeded = (): void => {
      const now = this.#clock.now();
      // After a loss the next one is soon enough: its viewers ask for it.
      if (this.#lines[spatial] !== undefined || now - askedAt < ASK_EVERY) return;
      askedAt = now;
      tap.requestKeyFrame(ssrc);
    };
    return new FrameReader(codec, { wait: PACKET_WAIT }, { frame, keyFrameNeeded, lost: () => undefined });
  }

  #tell(spatial: number, lines: number): void {
    if (lines === this.#lines[spatial]) return;
    this.#become(this.#lines.with(spatial, lines));
    if (!this.#lines.includes(undefined)) this.#told.resolve();
  }

  #become(lines: (number | undefined)[]): void {
    this.#lines = lines;
    this.changed();
  }
}
