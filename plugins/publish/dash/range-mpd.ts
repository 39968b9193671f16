/** The manifest of a stretch of the past: every segment is listed, and every break begins a Period. */
import { JOIN_MS, type ChunkCaps, type Segment } from 'eddy/plugin';
import { initNameOf, type PastRange, type PastTrack } from '../shared/past-media.ts';
import { folderOf } from '../shared/file-names.ts';
import { type Stretch, stretchesOf } from '../shared/stretches.ts';
import type { Mpd, MpdPeriod, MpdTrack } from './mpd.ts';
import { inTrack, numberTemplate, timeTemplate } from './names.ts';

/** What the manifest is asked for with. */
export interface RangeMpdOptions {
  /** Epoch ms. */
  readonly now: number;
  /** When the player asked first (epoch ms), and where it is to ask again. */
  readonly asked: number;
  readonly location: string;
  /** True: for a server of files, whose media is named by its number, in folders named by {@link folderOf}. */
  readonly files?: boolean;
}

/** The manifest: static once the stretch is complete, until then one that grows. Undefined where there is no media. */
export function rangeMpd(past: PastRange, options: RangeMpdOptions): Mpd | undefined {
  const { files = false } = options;
  const stretches = stretchesOf(past.tracks, { counted: files });
  const [first] = stretches;
  if (!first) return undefined;
  const zero = past.complete ? first.start : 0;
  const longest = past.tracks.reduce(
    (most, { segments }) => segments.reduce((sum, { duration }) => Math.max(sum, duration / 1000), most),
    0,
  );
  const periods = stretches.map((stretch, index) =>
    tellStretch(past.tracks, stretch, { zero, next: stretches[index + 1], files }),
  );
  const common = { periods, publishTime: options.now, maxSegmentDuration: Math.ceil(longest) };
  if (past.complete) return common;
  return {
    // The last Period goes on.
    ...common,
    periods: periods.map((period, index) => (index < periods.length - 1 ? period : { ...period, duration: undefined })),
    live: {
      clock: 'now',
      window: Math.ceil((options.now - first.start) / 1000),
      // Players begin this far behind: where the stretch begins. Counted from their first question, so that it stays.
      delay: Math.max(longest, (options.asked - Math.max(past.range.start, first.start)) / 1000),
      latency: undefined,
      update: longest,
      location: options.location,
    },
  };
}

function tellStretch(
  tracks: readonly PastTrack[],
  stretch: Stretch,
  { zero, next, files }: { zero: number; next: Stretch | undefined; files: boolean },
): MpdPeriod {
  const { first } = stretch;
  // Where media time stands when the Period begins: no sample may lie before it.
  const media = Math.min(...[...stretch.tracks.values()].map(([segment]) => segment!.baseTime / segment!.timescale));
  const startTs = first.startTs - (first.baseTime / first.timescale - media) * 1000;
  const told = tracks.flatMap((track) => {
    const segments = stretch.tracks.get(track.id);
    return segments ? [tellTrack(track, segments, { media, startTs, files })] : [];
  });
  const hole = !next || next.start - stretch.end > JOIN_MS;
  const end = Math.max(
    ...[...stretch.tracks.values()].map((segments) => {
      const last = segments.at(-1)!;
      return (last.baseTime + last.durationTicks) / last.timescale - media;
    }),
  );
  return {
    id: `${first.writer}-${first.number}`,
    start: (startTs - zero) / 1000,
    duration: hole ? end : undefined,
    startTs,
    tracks: told,
  };
}

function tellTrack(
  track: PastTrack,
  segments: readonly Segment[],
  { media, startTs, files }: { media: number; startTs: number; files: boolean },
): MpdTrack {
  const first = segments[0]!;
  const { timescale } = first;
  const bytes = segments.reduce((sum, one) => sum + one.bytes, 0);
  const peak = segments.reduce((most, one) => Math.max(most, (one.bytes * 8000) / Math.max(1, one.duration)), 0);
  const template = files ? numberTemplate(first.writer) : timeTemplate(first.writer, startTs - media * 1000);
  const folder = files ? folderOf(track.id) : track.id;
  return {
    id: track.id,
    caps: capsOf(track, first),
    bandwidth: peak || bytes * 8,
    timescale,
    presentationTimeOffset: Math.floor(media * timescale + 1e-3),
    initialization: inTrack(folder, initNameOf(first)),
    media: inTrack(folder, template),
    addressing: {
      by: 'time',
      segments: segments.map((one) => ({ time: one.baseTime, duration: one.durationTicks })),
      ...(files && { startNumber: first.number }),
    },
    independent: segments.every(({ independent }) => independent),
  };
}

/** What is said of a rendition; the index alone knows no more than its codec. */
function capsOf({ generations, kind }: PastTrack, segment: Segment): ChunkCaps {
  const known = generations.get(initNameOf(segment));
  if (known) return known;
  const { codecString, timescale } = segment;
  const codec = kind === 'audio' ? ('aac' as const) : ('h264' as const);
  return { kind, codec, codecString, timescale, init: new Uint8Array(), segmentTarget: 0, partTarget: 0 };
}
