/** A segment as a row, and back. Imports types alone: threads of a database load it too. */
import type { Segment } from 'eddy/plugin';

/** What a row of `segments` says, with what its generation says. */
export interface Row {
  readonly start: number;
  readonly number: number;
  readonly duration: number;
  readonly bytes: number;
  readonly baseTime: number;
  readonly ticks: number;
  readonly flags: number;
  /** Null where it equals the id. */
  readonly url: string | null;
  readonly writer: string;
  readonly initUrl: string;
  readonly timescale: number;
  readonly codec: string;
}

/** Bits of `flags`. */
const DISCONTINUITY = 1;
const INDEPENDENT = 2;

/** The row of a segment. */
export function toRow(segment: Segment): Row {
  return {
    start: segment.startTs,
    number: segment.number,
    duration: segment.duration,
    bytes: segment.bytes,
    baseTime: segment.baseTime,
    ticks: segment.durationTicks,
    flags: (segment.discontinuity ? DISCONTINUITY : 0) | (segment.independent ? INDEPENDENT : 0),
    url: segment.url === segment.id ? null : segment.url,
    writer: segment.writer,
    initUrl: segment.initUrl,
    timescale: segment.timescale,
    codec: segment.codecString,
  };
}

/** The segment of a row. */
export function toSegment(cameraId: string, track: string, row: Row): Segment {
  const id = `${cameraId}/${track}/${Math.round(row.start)}-${row.number}.${row.writer}.m4s`;
  return {
    id,
    cameraId,
    track,
    number: row.number,
    startTs: row.start,
    duration: row.duration,
    writer: row.writer,
    url: row.url ?? id,
    initUrl: row.initUrl,
    bytes: row.bytes,
    timescale: row.timescale,
    baseTime: row.baseTime,
    durationTicks: row.ticks,
    discontinuity: (row.flags & DISCONTINUITY) !== 0,
    independent: (row.flags & INDEPENDENT) !== 0,
    codecString: row.codec,
  };
}
