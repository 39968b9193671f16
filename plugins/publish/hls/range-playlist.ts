/** Playlists of a stretch of the past by RFC 8216bis. Pure: what is listed, as text. */
import { JOIN_MS, type Segment, segmentName, type TrackId } from 'eddy/plugin';
import { initNameOf, type PastRange } from '../shared/past-media.ts';
import type { Stretch } from '../shared/stretches.ts';
import { HLS_VERSION, seconds, SKIP_TARGETS } from './media-playlist.ts';

/** What a playlist is asked for with. */
export interface RangePlaylistOptions {
  /** `_HLS_skip`: leave out what the player has. */
  readonly skip: boolean;
  /** How segments are named; default: as the timeline names them. */
  readonly nameOf?: (segment: Segment) => string;
}

/** Where in the playlists playback begins, in seconds: the wanted moment, or the first media after it. */
export function startOffset(past: PastRange, stretches: readonly Stretch[]): number {
  const [first] = stretches;
  return first ? Math.max(0, past.range.start - first.first.startTs) / 1000 : 0;
}

/** EXT-X-START: exact to the millisecond, although the segment begins before. */
export const startTag = (past: PastRange, stretches: readonly Stretch[]): string =>
  `#EXT-X-START:TIME-OFFSET=${startOffset(past, stretches).toFixed(3)},PRECISE=YES`;

/** The longest segment of any track, rounded as EXT-X-TARGETDURATION is: the same in every playlist. */
export function targetDurationOf(past: PastRange): number {
  const longest = past.tracks.reduce(
    (most, { segments }) => segments.reduce((sum, one) => Math.max(sum, one.durationTicks / one.timescale), most),
    1,
  );
  return Math.round(longest);
}

/** The media playlist of one track. */
export function rangePlaylist(
  past: PastRange,
  stretches: readonly Stretch[],
  track: TrackId,
  options: RangePlaylistOptions,
): string {
  const targetDuration = targetDurationOf(past);
  const entries = entriesOf(stretches, track, targetDuration, options);
  const skipped = options.skip && !past.complete ? skippable(entries, targetDuration) : 0;
  const independent = stretches.every(({ tracks }) => tracks.get(track)?.every((one) => one.independent) ?? true);
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${HLS_VERSION}`,
    `#EXT-X-TARGETDURATION:${targetDuration}`,
    `#EXT-X-PLAYLIST-TYPE:${past.complete ? 'VOD' : 'EVENT'}`,
    ...(past.complete ? [] : [`#EXT-X-SERVER-CONTROL:CAN-SKIP-UNTIL=${seconds(SKIP_TARGETS * targetDuration)}`]),
    '#EXT-X-MEDIA-SEQUENCE:0',
    ...(independent ? ['#EXT-X-INDEPENDENT-SEGMENTS'] : []),
    startTag(past, stretches),
    ...(skipped > 0 ? [`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`] : []),
  ];
  for (const { text } of entries.slice(skipped)) lines.push(text);
  if (past.complete) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

interface ListedEntry {
  readonly duration: number;
  /** With the tags that apply to it. */
  readonly text: string;
}

function entriesOf(
  stretches: readonly Stretch[],
  track: TrackId,
  targetDuration: number,
  { nameOf = segmentName }: RangePlaylistOptions,
): ListedEntry[] {
  const entries: ListedEntry[] = [];
  let before: Stretch | undefined;
  for (const stretch of stretches) {
    if (before) entries.push(...holeBetween(before, stretch, targetDuration));
    let tags = before ? '#EXT-X-DISCONTINUITY\n' : '';
    const segments = stretch.tracks.get(track) ?? [];
    for (const segment of segments) {
      if (segment === segments[0]) tags += `#EXT-X-MAP:URI="${initNameOf(segment)}"\n`;
      entries.push(listed(segment, tags, nameOf(segment)));
      tags = '';
    }
    // A track that has nothing here still counts the discontinuity, so that it goes on in step with the others.
    if (segments.length === 0) entries.push(...missing(stretch, targetDuration, tags));
    before = stretch;
  }
  return entries;
}

function listed(segment: Segment, tags: string, uri: string): ListedEntry {
  const duration = segment.durationTicks / segment.timescale;
  const date = new Date(Math.round(segment.startTs)).toISOString();
  const text = `${tags}#EXT-X-PROGRAM-DATE-TIME:${date}\n#EXTINF:${seconds(duration)},\n${uri}`;
  return { duration, text };
}

/**
 * A hole is one EXT-X-GAP segment, however long: EXT-X-PROGRAM-DATE-TIME says how long it was. Told at full length hls.js stands before
 * it for ten seconds, and an hour without media would be an hour of seek bar.
 */
const holeBetween = (before: Stretch, next: Stretch, targetDuration: number): ListedEntry[] =>
  next.start - before.end > JOIN_MS
    ? [gap(before.end, Math.min(targetDuration, (next.start - before.end) / 1000), '')]
    : [];

/** This track has nothing where others have: told at full length, so that it stays in step with them. */
function missing(stretch: Stretch, targetDuration: number, tags: string): ListedEntry[] {
  const length = (stretch.end - stretch.start) / 1000;
  const count = Math.max(1, Math.ceil(length / targetDuration));
  const duration = length / count;
  return Array.from({ length: count }, (_, index) =>
    gap(stretch.start + index * duration * 1000, duration, index === 0 ? tags : ''),
  );
}

/** A segment that players need not ask for; `duration` in seconds. */
function gap(startTs: number, duration: number, tags: string): ListedEntry {
  const at = Math.round(startTs);
  const date = new Date(at).toISOString();
  const text = `${tags}#EXT-X-PROGRAM-DATE-TIME:${date}\n#EXT-X-GAP\n#EXTINF:${seconds(duration)},\ngap-${at}.m4s`;
  return { duration, text };
}

/** How many entries are further from the end than the skip boundary. */
function skippable(entries: readonly ListedEntry[], targetDuration: number): number {
  let fromEnd = 0;
  for (let index = entries.length - 1; index >= 0; index -= 1) {
    fromEnd += entries[index]!.duration;
    if (fromEnd > SKIP_TARGETS * targetDuration) return index;
  }
  return 0;
}
