/** From the packets of one output to frames. */
import { rescale, type AccessUnit, type TrackCaps } from 'eddy/plugin';
import {
  annexBToLengthPrefixed,
  audioCapsFromConfig,
  splitAdts,
  toFourByteLengths,
  videoCapsFromKeyFrame,
} from 'eddy/media';
import { readOutputCaps, VIDEO_TIMESCALE, withRate, type OutputCaps } from './caps.ts';
import { GDP, gdpText, segmentOrigin, type GdpPacket } from './gdp.ts';

const NS = 1_000_000_000;

/** A frame with its track's caps. */
export interface OutputFrame {
  readonly caps: TrackCaps;
  readonly unit: AccessUnit;
}

/** Keeps what the packets of one output have told: its caps and where its time begins. */
export class OutputDecoder {
  #stream: OutputCaps | undefined;
  #capsText = '';
  #caps: TrackCaps | undefined;
  #origin = { start: 0n, base: 0n };
  /** Where a buffer without times would be, in ns: the end of the one before. */
  #next = 0;

  /** Takes a packet; gives the frame in it, if any. Throws for a stream that Eddy does not carry and for bad bytes. */
  take(packet: GdpPacket): OutputFrame | undefined {
    switch (packet.type) {
      case GDP.caps:
        this.#setCaps(gdpText(packet.payload));
        return undefined;
      case GDP.segment:
        this.#origin = segmentOrigin(gdpText(packet.payload));
        return undefined;
      case GDP.buffer:
        return packet.payload.length > 0 ? this.#frame(packet) : undefined;
      default:
        return undefined;
    }
  }

  #setCaps(text: string): void {
    if (text === this.#capsText) return;
    const stream = readOutputCaps(text);
    if (!stream) throw new TypeError(`an output with caps that are no coded stream of Eddy's: ${text.slice(0, 200)}`);
    this.#capsText = text;
    this.#stream = stream;
    this.#caps = stream.caps;
  }

  #frame(packet: GdpPacket): OutputFrame | undefined {
    const stream = this.#stream;
    if (!stream) throw new TypeError('an output sent a buffer before its caps');
    const data = this.#data(stream, packet);
    const key = stream.kind !== 'video' || !packet.delta;
    if (!this.#caps && stream.kind === 'video' && key) {
      const caps = videoCapsFromKeyFrame(stream.codec, data, VIDEO_TIMESCALE);
      this.#caps = caps && withRate(caps, stream.frameRate);
    }
    const caps = this.#caps;
    const times = this.#times(packet);
    // Before the first key frame with its parameters nobody could decode it.
    if (!caps) return undefined;
    const ticks = (ns: number): number => rescale(ns, NS, caps.timescale);
    return {
      caps,
      unit: {
        dts: ticks(times.dts),
        pts: ticks(times.pts),
        ...(packet.duration !== undefined && { duration: ticks(Number(packet.duration)) }),
        key,
        data,
        arrivedAt: Date.now(),
      },
    };
  }

  #data(stream: OutputCaps, packet: GdpPacket): Uint8Array {
    if (stream.kind === 'video') {
      return stream.annexB
        ? annexBToLengthPrefixed(packet.payload)
        : toFourByteLengths(packet.payload, stream.lengthSize);
    }
    if (stream.kind === 'data' || !stream.adts) return packet.payload;
    const frame = splitAdts(packet.payload)[0]!;
    this.#caps ??= audioCapsFromConfig('aac', frame.config);
    return frame.data;
  }

  /** Running times in ns. A missing one is taken from the other, both missing from the buffer before. */
  #times({ pts, dts, duration }: GdpPacket): { pts: number; dts: number } {
    const running = (time: bigint | undefined): number | undefined =>
      time === undefined ? undefined : Number(time - this.#origin.start + this.#origin.base);
    const decode = running(dts) ?? running(pts) ?? this.#next;
    this.#next = decode + Number(duration ?? 0n);
    return { pts: running(pts) ?? decode, dts: decode };
  }
}
