/** A manifest of what one viewer may have. */
import type { Access } from 'eddy/plugin';
import { within } from '../shared/quality.ts';
import type { Mpd } from './mpd.ts';

/** The manifest without the renditions that are beyond a viewer's grant. Throws WATCH_REFUSED where no picture is left. */
export function limitMpd(mpd: Mpd, access: Access): Mpd {
  const periods = mpd.periods.map((period) => ({
    ...period,
    tracks: within(access, period.tracks, ({ caps, bandwidth }) => ({
      kind: caps.kind,
      width: caps.width,
      height: caps.height,
      bitrate: caps.bitrate ?? bandwidth,
    })),
  }));
  return { ...mpd, periods };
}
