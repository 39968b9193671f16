/** Chunks without media in them, for whoever only counts, orders and names them. */
import type { Chunk, ChunkCaps } from 'eddy/plugin';

/** Server time at which the first built chunk begins. */
export const START = 1_785_000_000_000;
/** The number of the first built segment. */
export const FIRST = 892_500_000;

export function videoCaps(changes: Partial<ChunkCaps> = {}): ChunkCaps {
  return {
    kind: 'video',
    codec: 'h264',
    codecString: 'avc1.64001f',
    timescale: 90_000,
    init: Uint8Array.of(1, 2, 3),
    segmentTarget: 2,
    partTarget: 0.5,
    width: 640,
    height: 360,
    frameRate: { num: 30, den: 1 },
    ...changes,
  };
}

export function audioCaps(changes: Partial<ChunkCaps> = {}): ChunkCaps {
  const { width: _width, height: _height, frameRate: _rate, ...rest } = videoCaps();
  return { ...rest, kind: 'audio', codec: 'aac', codecString: 'mp4a.40.2', timescale: 48_000, channels: 2, ...changes };
}

/** One part: by default half a second, four to a segment, in step with the clock. */
export function chunk(
  segment: number,
  part: number,
  changes: Partial<Chunk> & { timescale?: number; parts?: number } = {},
): Chunk {
  const { timescale = 90_000, parts = 4, ...rest } = changes;
  const seconds = segment * 2 + part * 0.5;
  return {
    segment: FIRST + segment,
    part,
    last: part === parts - 1,
    independent: part === 0,
    baseTime: Math.round(seconds * timescale),
    duration: Math.round(0.5 * timescale),
    startTs: START + seconds * 1000,
    discontinuity: false,
    writer: 'w1',
    data: Uint8Array.from({ length: 100 }, (_, index) => (segment * 7 + part + index) & 0xff),
    ...rest,
  };
}

/** The parts of whole segments `from` to `to`, both included. */
export function segments(from: number, to: number, changes: Parameters<typeof chunk>[2] = {}): Chunk[] {
  const parts = changes.parts ?? 4;
  return Array.from({ length: to - from + 1 }, (_, index) => from + index).flatMap((segment) =>
    Array.from({ length: parts }, (_, part) => chunk(segment, part, changes)),
  );
}
