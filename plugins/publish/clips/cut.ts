/** Where a clip begins and ends: which tracks, from which key frame on, and which frames are shown first and last. */
import { segmentName, type CameraId, type Segment, type Timeline } from 'eddy/plugin';
import { readChunks, type ReadSample } from 'eddy/media';
import type { PastTrack } from '../shared/past-media.ts';
import { refusal } from './answers.ts';

/** What is asked for, epoch ms. */
export interface ClipRange {
  readonly start: number;
  readonly end: number;
}

/** Server times are whole ms in requests, frames are not: one that begins within this time counts as beginning there, ms. */
const TOLERANCE = 1;
/** A track that has so much of the time of the one that has most is as good, of 1. */
const ENOUGH = 0.9;

/** The tracks of a clip; the first leads: it says where the clip begins and ends. */
export function chooseTracks(tracks: readonly PastTrack[], range: ClipRange, wanted: string | null): PastTrack[] {
  const covered = ({ segments }: PastTrack): number =>
    segments.reduce((sum, { startTs, duration }) => {
      const inside = Math.min(startTs + duration, range.end) - Math.max(startTs, range.start);
      return sum + Math.max(0, inside);
    }, 0);
  const best = (kind: 'video' | 'audio'): PastTrack | undefined => {
    const all = tracks.filter((track) => track.kind === kind && covered(track) > 0);
    const most = Math.max(...all.map(covered));
    const whole = all.filter((track) => covered(track) >= most * ENOUGH);
    return whole.toSorted((a, b) => (b.caps?.width ?? 0) - (a.caps?.width ?? 0))[0];
  };
  const named = tracks.find(({ id }) => id === wanted);
  if (wanted !== null && !(named && covered(named) > 0))
    throw refusal('RANGE_EMPTY', `There is no track "${wanted}" in that stretch.`);
  const video = named?.kind === 'audio' ? undefined : (named ?? best('video'));
  const audio = named?.kind === 'audio' ? named : best('audio');
  const chosen = [video, audio].filter((track) => track !== undefined);
  if (chosen.length === 0) throw refusal('RANGE_EMPTY', 'There is no media in that stretch.');
  return chosen;
}

/** A place in the samples of a track. */
export interface Place {
  readonly segment: Segment;
  /** Of a sample in the segment. */
  readonly index: number;
}

/** The edges of the leading track. */
export interface Cut {
  /** Where decoding begins, and the last sample that is decoded. */
  readonly from: Place;
  readonly to: Place;
  /** Presentation of the first frame that is shown and end of the last one, in ticks; each on the clock of its segment. */
  readonly startPts: number;
  readonly endPts: number;
  /** The segment on whose clock `startPts` is. */
  readonly startSegment: Segment;
  /** Server time (epoch ms) of the first frame that is shown. */
  readonly startTs: number;
}

/** Reads the segments of a camera's track. */
export type ReadSegment = (segment: Segment) => Promise<ReadSample[]>;

/** Reads segments by the timeline; rejects with `publish.clips/MEDIA_GONE`. */
export function segmentReader(timeline: Timeline, cameraId: CameraId): ReadSegment {
  return async (segment) => {
    const data = await timeline.read(cameraId, segment.track, segmentName(segment));
    if (!data) throw refusal('MEDIA_GONE', `"${segment.id}" is not there any more.`);
    return readChunks(data).flatMap(({ samples }) => samples);
  };
}

/**
 * Cuts a track, whose segments are in order and reach back to the key frame before `start`. The first frame is the one on screen at `start`,
 * the last one that which is on screen just before `end`; where nothing is, the next one after, and the last one before.
 */
export async function cut(segments: readonly Segment[], range: ClipRange, read: ReadSegment): Promise<Cut | undefined> {
  const first = segments.findIndex(({ startTs, duration }) => startTs + duration > range.start + TOLERANCE);
  const last = segments.findLastIndex(({ startTs }) => startTs < range.end - TOLERANCE);
  if (first < 0 || last < first) return undefined;
  const startSegment = segments[first]!;
  const samples = await read(startSegment);
  const wanted = ptsAt(startSegment, samples, range.start + TOLERANCE);
  const shown = samples.reduce<ReadSample | undefined>(
    (best, one) => (one.pts <= wanted && one.pts >= (best?.pts ?? -Infinity) ? one : best),
    undefined,
  );
  let start = shown ?? samples[0];
  let from = start && (await keyFrameBefore(segments, first, samples, start, read));
  if (!from) {
    // Nothing before it can be decoded: the first key frame after it, then.
    const index = samples.findIndex(({ key }) => key);
    if (index < 0) return cut(segments.slice(first + 1), range, read);
    start = samples[index];
    from = { segment: startSegment, index };
  }
  const endSegment = segments[last]!;
  const tail = endSegment === startSegment ? samples : await read(endSegment);
  const limit = ptsAt(endSegment, tail, range.end - TOLERANCE);
  const to = tail.findLastIndex(({ pts }) => pts < limit);
  if (!start || to < 0) return undefined;
  const shownLast = tail.reduce((best, one) => (one.pts < limit && one.pts > best.pts ? one : best), tail[to]!);
  return {
    from,
    to: { segment: endSegment, index: to },
    startPts: start.pts,
    endPts: shownLast.pts + shownLast.duration,
    startSegment,
    startTs: startSegment.startTs + ((start.pts - firstPts(samples)) * 1000) / startSegment.timescale,
  };
}

const firstPts = (samples: readonly ReadSample[]): number => Math.min(...samples.map(({ pts }) => pts));

/** Server time as presentation time in a segment. */
const ptsAt = ({ startTs, timescale }: Segment, samples: readonly ReadSample[], at: number): number =>
  firstPts(samples) + ((at - startTs) * timescale) / 1000;

/** The last key frame at or before a sample, in its segment or in those that play on into it. */
async function keyFrameBefore(
  segments: readonly Segment[],
  at: number,
  samples: readonly ReadSample[],
  { pts, dts }: ReadSample,
  read: ReadSegment,
): Promise<Place | undefined> {
  const inside = samples.findLastIndex((one) => one.key && one.pts <= pts && one.dts <= dts);
  if (inside >= 0) return { segment: segments[at]!, index: inside };
  for (let index = at; index > 0; index -= 1) {
    const [before, next] = [segments[index - 1]!, segments[index]!];
    if (next.discontinuity || next.writer !== before.writer || next.initUrl !== before.initUrl) return undefined;
    const key = (await read(before)).findLastIndex((one) => one.key);
    if (key >= 0) return { segment: before, index: key };
  }
  return undefined;
}
