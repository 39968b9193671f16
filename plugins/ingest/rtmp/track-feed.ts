/** What the video and the audio of a publisher have in common. */
import { MediaError, type FlvMetadata } from 'eddy/media';
import type { FlowOutput, TrackCaps, TrackWriter } from 'eddy/plugin';
import { RtmpRefusal } from './refusal.ts';

/** RTMP counts milliseconds, and so do its tracks: packagers rescale without loss, and no rounding is hidden here. */
export const RTMP_TIMESCALE = 1000;

/** What a track's feed asks of its publication's. */
export interface FeedHooks {
  /** What `onMetaData` said so far. */
  readonly metadata: FlvMetadata;
  drop(reason: string): void;
  full(writer: TrackWriter<'frames'>): void;
  /** A finding of this plugin; repeated ones are joined. */
  report(code: string, message: string): void;
}

/** Takes parsed FLV bodies of one kind. */
export interface FrameSink<M> {
  take(message: M, ms: number, arrivedAt: number): void;
}

/** One kind's track, which a change of configuration replaces by a new one. */
export class TrackSlot {
  readonly #output: FlowOutput<'frames'>;
  readonly #id: string;
  readonly #hooks: FeedHooks;
  #writer: TrackWriter<'frames'> | undefined;
  #codec: string | undefined;
  #config: Uint8Array | undefined;
  #lastDts = -Infinity;

  constructor(output: FlowOutput<'frames'>, id: string, hooks: FeedHooks) {
    this.#output = output;
    this.#id = id;
    this.#hooks = hooks;
  }

  get writer(): TrackWriter<'frames'> | undefined {
    return this.#writer;
  }

  get codec(): string | undefined {
    return this.#codec;
  }

  /** True where this configuration is the running track's: encoders repeat it before every key frame. */
  has(codec: string, config: Uint8Array): boolean {
    return this.#codec === codec && this.#config !== undefined && Buffer.compare(this.#config, config) === 0;
  }

  /** Opens the track, or puts a new one in the place of the old. */
  open(codec: string, config: Uint8Array, caps: TrackCaps): void {
    const old = this.#writer;
    this.#codec = codec;
    this.#config = config;
    this.#writer = this.#output.addTrack(this.#id, caps, old ? { replaces: old } : {});
    this.#lastDts = -Infinity;
  }

  /** Writes a frame. A dts that is behind its predecessor's by an encoder's untidiness is held to it. */
  write(ms: number, compositionOffset: number, key: boolean, data: Uint8Array, arrivedAt: number): void {
    const writer = this.#writer;
    if (!writer) return;
    const dts = Math.max(ms, this.#lastDts);
    this.#lastDts = dts;
    if (!writer.write({ dts, pts: dts + compositionOffset, key, data, arrivedAt })) this.#hooks.full(writer);
  }
}

/** Runs a parser of the peer's bytes; what it throws ends this connection. */
export function parsing<T>(parse: () => T): T {
  try {
    return parse();
  } catch (error) {
    if (error instanceof MediaError) throw new RtmpRefusal('media-malformed', error.message);
    throw error;
  }
}
