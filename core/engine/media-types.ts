/** What the engine must know of each media type to queue and meter it. */
import { ticksToMs, type AccessUnit, type Chunk, type PublishedObject, type Segment } from '../model/index.ts';
import type { ItemOf, MediaTypeName, TrackCapsOf } from '../plugin/index.ts';

/** What one item weighs. */
export interface Measure {
  readonly bytes: number;
  /** Where it lies on its track's own timeline, ms; queues are measured by it. */
  readonly at: number;
  /** True where a reader that was cut off may begin again. */
  readonly resync: boolean;
}

type Measures = { readonly [T in MediaTypeName]: (item: ItemOf<T>, caps: TrackCapsOf<T>) => Measure };

const measures: Measures = {
  frames: (unit: AccessUnit, caps) => ({
    bytes: unit.data.length,
    at: ticksToMs(unit.dts, caps.timescale),
    resync: unit.key,
  }),
  chunks: (chunk: Chunk, caps) => ({
    bytes: chunk.data.length,
    at: ticksToMs(chunk.baseTime, caps.timescale),
    resync: chunk.part === 0 && chunk.independent,
  }),
  segments: (segment: Segment) => ({ bytes: 0, at: segment.startTs, resync: true }),
  objects: (object: PublishedObject) => ({ bytes: object.data?.length ?? 0, at: 0, resync: true }),
  rtp: () => ({ bytes: 0, at: 0, resync: true }),
};

/** Measures an item of any type. */
export function measure(type: MediaTypeName, item: unknown, caps: unknown): Measure {
  return (measures[type] as (item: unknown, caps: unknown) => Measure)(item, caps);
}
