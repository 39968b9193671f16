/** The live manifest of a camera, from its Periods and its live window. */
import type { LiveCamera } from '../shared/live-camera.ts';
import { folderOf } from '../shared/file-names.ts';
import type { LiveInit, LiveSegment } from '../shared/live-segment.ts';
import type { LiveTrack } from '../shared/live-track.ts';
import type { Addressing, Mpd, MpdPeriod, MpdTrack } from './mpd.ts';
import { inTrack, numberTemplate, timeTemplate } from './names.ts';
import { type Period, type Periods, presentedAt } from './periods.ts';

/** What the manifest is asked for with. */
export interface LiveMpdOptions {
  /** Epoch ms. */
  readonly now: number;
  /** Seconds that players are told to stay behind. */
  readonly latency: number;
  /** For a server of files: whole segments by number, in folders named by {@link folderOf}, and this time of day. */
  readonly files?: { readonly clock: string | undefined };
}

/** Said of a track of which nothing was measured yet and whose source says nothing, bits a second. */
const ASSUMED = { video: 2_500_000, audio: 128_000 } as const;
/** How far the end of a Period may lie before the next one's beginning without being told, s: clocks are slewed. */
const SEAM = 0.05;
/**
 * Shaka counts the suggested delay from the end of what is there; dash.js goes by ServiceDescription, which means the camera. What is there is this far behind
 * the camera, s, less what a player must have in hand: with 0.4 s less it began a quarter of a second ahead of parts that come every third of one, and stalled
 * with the first that was late (measured, Shaka 4 as it comes).
 */
const BEHIND_END = 1.4;
/** Seconds between looks where the manifest only changes with a break: what a break costs players. */
const UPDATE_BY_NUMBER = 2;

/** The manifest; undefined while no Period can be told of. With `files` its Periods must be listed ones. */
export function liveMpd(camera: LiveCamera, periods: Periods, options: LiveMpdOptions): Mpd | undefined {
  const told = periods.list.flatMap((period, index) => tell(camera, period, periods.list[index + 1], options) ?? []);
  const newest = periods.list.at(-1);
  const tracks = [...camera.tracks.values()];
  const oldest = Math.min(...tracks.flatMap(({ segments: [first] }) => (first ? [first.startTs] : [])));
  if (told.length === 0 || !newest) return undefined;
  const target = Math.max(...tracks.map(({ caps }) => caps.segmentTarget));
  const low = newest.addressing === 'number';
  const typical = newest.duration ? newest.duration.ticks / newest.duration.timescale : target;
  return {
    periods: told,
    publishTime: options.now,
    // What is told, not what could be: Shaka stays this far behind what is said to be there.
    maxSegmentDuration: Math.max(...told.flatMap((period) => period.tracks.map(longestOf))),
    live: {
      clock: options.files ? options.files.clock : 'now',
      window: Math.max(1, Math.floor((options.now - oldest) / 1000)),
      // Segments that are listed when they are whole are up to a segment, a look and another segment old.
      delay: low
        ? Math.max(0, options.latency - BEHIND_END)
        : Math.max(options.latency, listedDelay(typical, target, options)),
      latency: low ? options.latency : undefined,
      update: camera.ended ? undefined : low ? UPDATE_BY_NUMBER : target / 2,
    },
  };
}

/** Seconds; files are also a cache's age and an upload older. */
const listedDelay = (typical: number, target: number, { files }: LiveMpdOptions): number =>
  2 * typical + target / 2 + 1 + (files ? typical : 0);

/** Seconds. */
function longestOf({ addressing, timescale }: MpdTrack): number {
  if (addressing.by === 'number') return addressing.duration / timescale;
  return Math.max(...addressing.segments.map(({ duration }) => duration)) / timescale;
}

function tell(
  camera: LiveCamera,
  period: Period,
  next: Period | undefined,
  options: LiveMpdOptions,
): MpdPeriod | undefined {
  const tracks: MpdTrack[] = [];
  for (const [id, init] of period.tracks) {
    const track = camera.tracks.get(id);
    const told = track && tellTrack(track, init, period, options);
    // A Period is told of whole: players take no track that comes later.
    if (!told) return undefined;
    tracks.push(told);
  }
  period.published = true;
  const start = period.startTs / 1000;
  return { id: period.id, start, startTs: period.startTs, duration: durationOf(camera, period, next), tracks };
}

/**
 * Told where the next Period does not say it: a hole follows, or this is the end. Not told while the publisher is awaited: dash.js would
 * take the end of the last Period for the end of all.
 */
function durationOf(camera: LiveCamera, period: Period, next: Period | undefined): number | undefined {
  if (period.end) {
    const end = presentedAt(period, period.end.media);
    if (next && next.startTs - end <= SEAM * 1000) return undefined;
    return (end - period.startTs) / 1000;
  }
  if (!camera.ended) return undefined;
  const tracks = [...period.tracks.keys()].flatMap((id) => camera.tracks.get(id) ?? []);
  const ends = tracks.flatMap(({ last }) =>
    last ? [presentedAt(period, { ticks: last.baseTime + last.ticks, timescale: last.init.caps.timescale })] : [],
  );
  return (Math.max(...ends) - period.startTs) / 1000;
}

function tellTrack(track: LiveTrack, init: LiveInit, period: Period, { files }: LiveMpdOptions): MpdTrack | undefined {
  const addressing = files ? countedSegments(track, period) : addressingOf(track, init, period);
  if (!addressing) return undefined;
  const { caps } = init;
  const { scale, ...how } = addressing;
  const begin = (period.media.ticks / period.media.timescale) * caps.timescale;
  const presentationTimeOffset = period.media.timescale === caps.timescale ? period.media.ticks : Math.floor(begin);
  const offset = period.startTs - (period.media.ticks / period.media.timescale) * 1000;
  const counted = how.by === 'number' || files !== undefined;
  const template = counted ? numberTemplate(period.writer) : timeTemplate(period.writer, offset);
  const folder = files ? folderOf(track.id) : track.id;
  return {
    id: track.id,
    caps,
    bandwidth: track.bitrate.peak(track.targetDuration) ?? caps.bitrate ?? ASSUMED[track.kind],
    timescale: caps.timescale * scale,
    presentationTimeOffset: presentationTimeOffset * scale,
    initialization: inTrack(folder, init.name),
    media: inTrack(folder, template),
    addressing: how,
    independent: track.segments.every(({ independent }) => independent),
  };
}

type Scaled = Addressing & { readonly scale: number };

const timed = ({ baseTime, ticks }: LiveSegment) => ({ time: baseTime, duration: ticks });

function wholeSegments(track: LiveTrack, period: Period): LiveSegment[] {
  const end = period.end?.number ?? Infinity;
  return track.segments.filter(
    ({ number, complete, gap }) => number >= period.number && number < end && complete && !gap,
  );
}

/** The newest segments that follow each other without a number missing: players count them. */
function countedSegments(track: LiveTrack, period: Period): Scaled | undefined {
  const whole = wholeSegments(track, period);
  const run = whole.slice(whole.findLastIndex(({ number }, index) => whole[index - 1]?.number !== number - 1));
  const [first] = run;
  return first && { by: 'time', segments: run.map(timed), startNumber: first.number, scale: 1 };
}

function addressingOf(track: LiveTrack, init: LiveInit, period: Period): Scaled | undefined {
  if (period.addressing === 'time') {
    const segments = wholeSegments(track, period).map(timed);
    return segments.length > 0 ? { by: 'time', segments, scale: 1 } : undefined;
  }
  if (!period.duration) return undefined;
  const { ticks, timescale } = period.duration;
  // The template's clock is as much finer than the track's as makes the duration a whole number.
  const exact = ticks * init.caps.timescale;
  const scale = timescale / gcd(exact, timescale);
  return {
    by: 'number',
    duration: (exact * scale) / timescale,
    startNumber: period.number,
    // A segment is there for those who read along as soon as its first part is.
    early: Math.max(0, ticks / timescale - track.partTarget),
    scale,
  };
}

function gcd(a: number, b: number): number {
  return b === 0 ? a : gcd(b, a % b);
}
