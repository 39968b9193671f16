/** Media playlists by RFC 8216bis (draft-pantos-hls-rfc8216bis-18). Pure: what is listed, as text. */
import type { LivePart, LiveSegment } from '../shared/live-segment.ts';
import type { LiveTrack } from '../shared/live-track.ts';

/** What a playlist is asked for with. */
export interface MediaPlaylistOptions {
  /** `_HLS_skip=YES`: leave out what the player has (6.2.5.1). */
  readonly skip: boolean;
  /** Seconds; see `part-hold-back` of the plugin. */
  readonly partHoldBack: number;
  /** The camera's other tracks, for EXT-X-RENDITION-REPORT. */
  readonly others: readonly LiveTrack[];
}

/** EXT-X-SKIP needs version 9 (RFC 8216bis 7). */
export const HLS_VERSION = 9;
/** Skippable is what is further from the end than this many target durations; the RFC's least. */
export const SKIP_TARGETS = 6;
/** Parts are listed up to this many target durations from the end (4.4.4.9). */
const PART_TARGETS = 3;
const HOLD_BACK_TARGETS = 3;

/** Writes seconds with microseconds; the shortest text that says so. */
export const seconds = (value: number): string => String(Number(value.toFixed(6)));
/** PART-TARGET is a bound: no part may be longer, not even by rounding. */
const secondsUp = (value: number): string => String(Number((Math.ceil(value * 1e6 - 1e-3) / 1e6).toFixed(6)));

/** PART-HOLD-BACK for a track in seconds, with what the configuration asks for: never less than three parts. */
export function partHoldBackOf(track: LiveTrack, wanted: number | undefined): number {
  const least = Number(secondsUp(track.partTarget)) * 3;
  return Math.max(least, wanted ?? 0);
}

/** The media playlist of a track. */
export function mediaPlaylist(track: LiveTrack, options: MediaPlaylistOptions): string {
  const { segments, targetDuration } = track;
  const first = segments[0];
  const skipped = options.skip ? skippable(track) : 0;
  const lines = [
    '#EXTM3U',
    `#EXT-X-VERSION:${HLS_VERSION}`,
    `#EXT-X-TARGETDURATION:${targetDuration}`,
    serverControl(track, options.partHoldBack),
    `#EXT-X-PART-INF:PART-TARGET=${secondsUp(track.partTarget)}`,
    `#EXT-X-MEDIA-SEQUENCE:${first?.number ?? 0}`,
    `#EXT-X-DISCONTINUITY-SEQUENCE:${first ? first.epoch - Number(first.discontinuity) : 0}`,
  ];
  if (segments.every(({ independent }) => independent)) lines.push('#EXT-X-INDEPENDENT-SEGMENTS');
  if (skipped > 0) lines.push(`#EXT-X-SKIP:SKIPPED-SEGMENTS=${skipped}`);

  const end = segments.reduce((sum, { duration }) => sum + duration, 0);
  let at = segments.slice(0, skipped).reduce((sum, { duration }) => sum + duration, 0);
  let map: string | undefined;
  for (const segment of segments.slice(skipped)) {
    const withParts = end - (at + segment.duration) < PART_TARGETS * targetDuration;
    const newMap = segment.init.name !== map;
    writeSegment(lines, segment, { withParts, newMap, whole: track.isWhole(segment) });
    map = segment.init.name;
    at += segment.duration;
  }

  if (track.ended) {
    lines.push('#EXT-X-ENDLIST');
  } else {
    if (track.hint !== undefined) lines.push(`#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${track.hint}"`);
    for (const other of options.others) writeReport(lines, other);
  }
  return `${lines.join('\n')}\n`;
}

function serverControl(track: LiveTrack, partHoldBack: number): string {
  const attributes = [
    'CAN-BLOCK-RELOAD=YES',
    `CAN-SKIP-UNTIL=${seconds(SKIP_TARGETS * track.targetDuration)}`,
    `HOLD-BACK=${seconds(HOLD_BACK_TARGETS * track.targetDuration)}`,
    `PART-HOLD-BACK=${seconds(partHoldBack)}`,
  ];
  return `#EXT-X-SERVER-CONTROL:${attributes.join(',')}`;
}

/** How many segments are further from the end than the skip boundary. */
function skippable(track: LiveTrack): number {
  let fromEnd = 0;
  for (let index = track.segments.length - 1; index >= 0; index -= 1) {
    fromEnd += track.segments[index]!.duration;
    if (fromEnd > SKIP_TARGETS * track.targetDuration) return index;
  }
  return 0;
}

function writeSegment(
  lines: string[],
  segment: LiveSegment,
  { withParts, newMap, whole }: { withParts: boolean; newMap: boolean; whole: boolean },
): void {
  if (segment.discontinuity) lines.push('#EXT-X-DISCONTINUITY');
  if (newMap) lines.push(`#EXT-X-MAP:URI="${segment.init.name}"`);
  lines.push(`#EXT-X-PROGRAM-DATE-TIME:${new Date(Math.round(segment.startTs)).toISOString()}`);
  if (segment.gap && whole) lines.push('#EXT-X-GAP');
  if (withParts) for (const part of segment.parts) lines.push(partLine(part));
  if (!whole) return;
  lines.push(`#EXTINF:${seconds(segment.duration)},`, segment.name);
}

function partLine(part: LivePart): string {
  const independent = part.independent ? ',INDEPENDENT=YES' : '';
  const gap = part.data ? '' : ',GAP=YES';
  return `#EXT-X-PART:DURATION=${seconds(part.duration)},URI="${part.name}"${independent}${gap}`;
}

function writeReport(lines: string[], other: LiveTrack): void {
  const position = other.position;
  if (!position) return;
  const uri = `../${encodeURIComponent(other.id)}/live.m3u8`;
  lines.push(
    `#EXT-X-RENDITION-REPORT:URI="${uri}",LAST-MSN=${position.number},LAST-PART=${Math.max(0, position.part)}`,
  );
}
