/** A segmenter with a recorder behind it, and cameras made of numbers. */
import { expect } from 'vitest';
import { type ReadChunk, readChunks } from '../../../core/media/index.ts';
import type { AccessUnit, AudioCaps, Chunk, ChunkCaps, VideoCaps } from '../../../core/model/index.ts';
import type { SegmenterInput, SegmenterOptions } from '../../../plugins/package/cmaf/face.ts';
import { Segmenter } from '../../../plugins/package/cmaf/segmenter.ts';

export const EPOCH = 1_700_000_000_000;

export const VIDEO: VideoCaps = {
  kind: 'video',
  codec: 'h264',
  timescale: 1000,
  width: 320,
  height: 180,
  codecString: 'avc1.42c00d',
  config: Uint8Array.from(
    Buffer.from('0142c00dffe100176742c00dd901419f9f011000003e90000ea600f142a48001000568cb83cb20', 'hex'),
  ),
};

export const AUDIO: AudioCaps = {
  kind: 'audio',
  codec: 'aac',
  timescale: 1000,
  sampleRate: 48000,
  channels: 2,
  codecString: 'mp4a.40.2',
  config: Uint8Array.of(0x11, 0x90),
};

export interface Recorded {
  caps: ChunkCaps;
  chunks: Chunk[];
  ended?: string;
}

export interface Segment {
  number: number;
  chunks: Chunk[];
  /** Seconds. */
  duration: number;
  startTs: number;
  independent: boolean;
  discontinuity: boolean;
}

export class Recorder {
  readonly tracks = new Map<string, Recorded[]>();
  readonly warnings: number[] = [];
  readonly keyFrameRequests: string[] = [];
  readonly segmenter: Segmenter;
  number = Math.floor(EPOCH / 2000);

  constructor(options: Partial<SegmenterOptions> = {}) {
    this.segmenter = new Segmenter({
      segment: 2000,
      part: 334,
      writer: 'w1',
      nextNumber: () => this.number++,
      ...options,
      sink: {
        open: (id, caps) => this.tracks.set(id, [...(this.tracks.get(id) ?? []), { caps, chunks: [] }]),
        chunk: (id, chunk) => this.tracks.get(id)!.at(-1)!.chunks.push(chunk),
        end: (id, cause) => (this.tracks.get(id)!.at(-1)!.ended = cause),
        gopTooLong: (_id, seconds) => this.warnings.push(seconds),
        requestKeyFrame: (id) => this.keyFrameRequests.push(id),
      },
    });
  }

  of(id: string): Recorded {
    return this.tracks.get(id)!.at(-1)!;
  }

  chunks(id: string): Chunk[] {
    return (this.tracks.get(id) ?? []).flatMap((each) => each.chunks);
  }

  segments(id: string): Segment[] {
    return segmentsOf(this.chunks(id), this.of(id).caps.timescale);
  }

  read(id: string): ReadChunk[] {
    return this.chunks(id).flatMap((chunk) => readChunks(chunk.data));
  }
}

export function segmentsOf(chunks: readonly Chunk[], timescale: number): Segment[] {
  const segments: Segment[] = [];
  for (const chunk of chunks) {
    if (chunk.part === 0) {
      const { segment: number, startTs, independent, discontinuity } = chunk;
      segments.push({ number, chunks: [], duration: 0, startTs, independent, discontinuity });
    }
    const segment = segments.at(-1)!;
    segment.chunks.push(chunk);
    segment.duration += chunk.duration / timescale;
  }
  return segments;
}

/** One clock for a publication whose media time 0 was at `zero` (epoch ms). */
export const clockAt = (zero: number): { toWall(ticks: number, timescale: number): number } => ({
  toWall: (ticks, timescale) => zero + (ticks / timescale) * 1000,
});

export interface CameraOptions {
  fps: number;
  seconds: number;
  /** Seconds between key frames, or for each frame whether it is one. */
  gop: number | ((index: number) => boolean);
  /** B-frames between two others. */
  bFrames?: number;
  /** First timestamp, ms. */
  from?: number;
  /** Shifts each frame, seconds: a variable rate. */
  jitter?: (index: number) => number;
  timescale?: number;
}

/** Frames as an RTMP publisher sends them: decode order, timestamps rounded to milliseconds. */
export function video(options: CameraOptions): AccessUnit[] {
  const { fps, seconds, gop, bFrames = 0, from = 0, timescale = 1000 } = options;
  const frame = 1 / fps;
  const group = bFrames + 1;
  const delay = bFrames > 0 ? frame : 0;
  const count = Math.round(seconds * fps);
  const isKey = typeof gop === 'function' ? gop : (index: number): boolean => index % Math.round(gop * fps) === 0;
  const ticks = (time: number): number => Math.round((from / 1000 + time) * timescale);
  const units: AccessUnit[] = [];
  let lastKey = 0;
  for (let index = 0; index < count; index++) {
    const key = isKey(index);
    if (key) lastKey = index;
    // Within a GOP: I, then groups of P B B in decode order, shown as B B P.
    const inGop = index - lastKey;
    const place = (inGop - 1) % group;
    const shown = inGop === 0 || bFrames === 0 ? index : place === 0 ? index + bFrames : index - 1;
    const at = index * frame + (options.jitter?.(index) ?? 0);
    const pts = bFrames === 0 ? at : shown * frame + delay;
    const data = Uint8Array.of(0, 0, 0, 3, key ? 0x65 : 0x41, index & 255, index >> 8);
    units.push({ dts: ticks(at), pts: ticks(pts), key, data, arrivedAt: EPOCH + from + at * 1000 });
  }
  return units;
}

/** AAC frames with rounded timestamps. */
export function audio(options: {
  seconds: number;
  from?: number;
  sampleRate?: number;
  jitter?: (i: number) => number;
}): AccessUnit[] {
  const { seconds, from = 0, sampleRate = 48000 } = options;
  const units: AccessUnit[] = [];
  for (let i = 0; (i * 1024) / sampleRate < seconds; i++) {
    const at = from + ((i * 1024) / sampleRate) * 1000;
    const ms = Math.round(at + (options.jitter?.(i) ?? 0));
    units.push({ dts: ms, pts: ms, key: true, data: Uint8Array.of(0x21, i & 255, i >> 8), arrivedAt: EPOCH + at });
  }
  return units;
}

/** Feeds several tracks in the order of their decode times. */
export function play(feeds: readonly (readonly [SegmenterInput, readonly AccessUnit[]])[]): void {
  feeds
    .flatMap(([input, units]) => units.map((unit) => ({ input, unit })))
    .sort((a, b) => a.unit.arrivedAt - b.unit.arrivedAt)
    .forEach(({ input, unit }) => input.unit(unit));
}

/** What must hold for any track, whatever went in. */
export function checkTrack(recorder: Recorder, id: string): void {
  const { caps } = recorder.of(id);
  const chunks = recorder.chunks(id);
  let before: Chunk | undefined;
  const reads = recorder.read(id);
  const gaps = (until: number): number => chunks.slice(0, until).filter(({ gap }) => gap).length;
  for (const [index, chunk] of chunks.entries()) {
    expect(chunk.duration / caps.timescale).toBeLessThanOrEqual(caps.partTarget);
    if (before) {
      expect(chunk.baseTime).toBeGreaterThanOrEqual(before.baseTime + before.duration);
      expect(chunk.startTs).toBeGreaterThanOrEqual(before.startTs);
      expect(chunk.part).toBe(before.last ? 0 : before.part + 1);
      if (before.last) expect(chunk.segment).toBeGreaterThan(before.segment);
      else expect(chunk.segment).toBe(before.segment);
    } else {
      expect(chunk.part).toBe(0);
    }
    if (chunk.part > 0) expect(chunk.discontinuity).toBe(false);
    // A segment without any media has no part with any.
    if (before?.gap && !before.last && chunks[index - before.part - 1]?.gap) expect(chunk.gap).toBe(true);
    if (chunk.gap) {
      expect([chunk.data.byteLength, chunk.independent]).toEqual([0, false]);
      before = chunk;
      continue;
    }
    const read = reads[index - gaps(index)]!;
    expect(read.baseTime).toBe(chunk.baseTime);
    expect(read.samples[0]!.key).toBe(chunk.independent);
    expect(read.samples.reduce((sum, sample) => sum + sample.duration, 0)).toBe(chunk.duration);
    before = chunk;
  }
  expect(before?.last ?? true).toBe(true);
  for (const segment of recorder.segments(id)) expect(Math.round(segment.duration)).toBeLessThanOrEqual(4);
}
