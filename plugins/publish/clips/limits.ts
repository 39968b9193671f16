/** Which tracks of a stretch may go into a viewer's clip. */
import type { Access } from 'eddy/plugin';
import type { PastTrack } from '../shared/past-media.ts';
import { assertWithin, within, type Rendition } from '../shared/quality.ts';

/** What there is to choose from. Throws WATCH_REFUSED where what is wanted, or every picture, is beyond the viewer's grant. */
export function allowedTracks(
  access: Access,
  tracks: readonly PastTrack[],
  wanted: string | null,
): readonly PastTrack[] {
  const named = tracks.find(({ id }) => id === wanted);
  if (!named) return within(access, tracks, renditionOf);
  assertWithin(access, renditionOf(named));
  return tracks;
}

/** The largest picture of the stretch: the camera may have changed it meanwhile. */
function renditionOf({ kind, generations, segments }: PastTrack): Rendition {
  const lines = Math.max(0, ...[...generations.values()].map(({ width = 0, height = 0 }) => Math.min(width, height)));
  const bits = segments.reduce((sum, { bytes }) => sum + bytes * 8, 0);
  const lasts = segments.reduce((sum, { duration }) => sum + duration, 0);
  return { kind, width: lines, height: lines, bitrate: (bits * 1000) / Math.max(1, lasts) };
}
