/** Ids of segments: `{cameraId}/{track}/{segmentName}`. */
import { EddyError, parseSegmentName, segmentName, type Segment } from 'eddy/plugin';

/** A segment to be deleted, by what its id is made of. */
export interface SegmentRef {
  readonly camera: string;
  readonly track: string;
  /** Rounded, as in its name. */
  readonly start: number;
  readonly number: number;
  readonly writer: string;
}

/** Throws INDEX_SEGMENT_INVALID. */
export function checkSegment(segment: Segment): void {
  const { id, cameraId, track, startTs, duration } = segment;
  if (id !== `${cameraId}/${track}/${segmentName(segment)}`)
    throw new EddyError('INDEX_SEGMENT_INVALID', `"${id}" is not the id of its segment`);
  if (!Number.isFinite(startTs) || !(duration >= 0))
    throw new EddyError('INDEX_SEGMENT_INVALID', `the segment "${id}" begins at ${startTs} and lasts ${duration}`);
}

/** What these ids name; what is no id names nothing. */
export function parseIds(ids: readonly string[]): SegmentRef[] {
  return ids.flatMap((id) => parseId(id) ?? []);
}

function parseId(id: string): SegmentRef | undefined {
  const [camera, track, name, ...rest] = id.split('/');
  const parsed = name === undefined || rest.length > 0 ? undefined : parseSegmentName(name);
  if (!parsed || camera === undefined || track === undefined) return undefined;
  return { camera, track, start: parsed.startTs, number: parsed.number, writer: parsed.writer };
}
