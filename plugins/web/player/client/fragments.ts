/** Between media time, which players count in, and the wall clock, which playlists tell by EXT-X-PROGRAM-DATE-TIME. Pure. */

/** A fragment as hls.js has it: seconds, and epoch ms. */
export interface DatedFragment {
  readonly start: number;
  readonly duration: number;
  readonly programDateTime: number | null;
  /** It has no media (EXT-X-GAP). */
  readonly gap?: boolean;
}

/** Dates are told in whole ms, and a stretch may begin in between; seconds. */
const ROUNDING = 0.002;

/** Where this moment plays, seconds; undefined where these fragments do not have it. */
export function positionOf(fragments: readonly DatedFragment[], moment: number): number | undefined {
  for (const { start, duration, programDateTime, gap } of fragments) {
    if (gap || programDateTime === null) continue;
    const into = (moment - programDateTime) / 1000;
    if (into > -ROUNDING && into < duration) return start + Math.max(0, into);
  }
  return undefined;
}

/** The moment that plays at this position; undefined before the first dated fragment. */
export function momentAt(fragments: readonly DatedFragment[], position: number): number | undefined {
  const found = fragments.findLast(({ start, programDateTime }) => programDateTime !== null && start <= position);
  return found && found.programDateTime! + (position - found.start) * 1000;
}

/**
 * The playlist, told to begin at this moment, or at the next media after it (EXT-X-START, RFC 8216bis 4.4.2.2). The server
 * tells the beginning of the stretch that was asked for; the page asks for a longer one, so that a step back is no new
 * stretch. A multivariant playlist knows no dates: its tag goes, so that those of its media playlists count.
 */
export function beginAt(playlist: string, moment: number): string {
  const lines = playlist.split('\n').filter((line) => !line.startsWith('#EXT-X-START:'));
  if (lines.some((line) => line.startsWith('#EXT-X-STREAM-INF:'))) return lines.join('\n');
  let offset = 0;
  let date = NaN;
  let duration = 0;
  let gap = false;
  for (const line of lines) {
    if (line.startsWith('#EXT-X-PROGRAM-DATE-TIME:')) date = Date.parse(line.slice(25));
    else if (line.startsWith('#EXTINF:')) duration = parseFloat(line.slice(8));
    else if (line === '#EXT-X-GAP') gap = true;
    else if (line !== '' && !line.startsWith('#')) {
      const into = Math.max(0, (moment - date) / 1000);
      if (!gap && into < duration) {
        offset += into;
        break;
      }
      offset += duration;
      gap = false;
    }
  }
  return lines.join('\n').replace('#EXTM3U', `#EXTM3U\n#EXT-X-START:TIME-OFFSET=${offset.toFixed(3)},PRECISE=YES`);
}
