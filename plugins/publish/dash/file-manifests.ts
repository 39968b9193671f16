/** DASH for a server of files: whole segments that are listed and counted. */
import type { Clock } from 'eddy/plugin';
import { initNameOf } from '../shared/past-media.ts';
import { fileName, folderOf } from '../shared/file-names.ts';
import type { LiveCamera } from '../shared/live-camera.ts';
import type { ListingFormat } from '../shared/objects-feed.ts';
import { DASH_TYPE } from './answers.ts';
import { liveMpd } from './live-mpd.ts';
import { writeMpd } from './mpd.ts';
import { Periods } from './periods.ts';
import { rangeMpd } from './range-mpd.ts';

/** Options of {@link fileManifests}. */
export interface FileManifestsOptions {
  readonly clock: Pick<Clock, 'now'>;
  /** Seconds. */
  readonly latency: number;
  /** Where players ask for the time of day (UTCTiming). */
  readonly timeUrl: string | undefined;
}

/** The manifests of one camera: its Periods are kept from here on. */
export function fileManifests(camera: LiveCamera, { clock, latency, timeUrl }: FileManifestsOptions): ListingFormat {
  const periods = new Periods(camera, { listed: true });
  return {
    contentType: DASH_TYPE,
    live() {
      const mpd = liveMpd(camera, periods, { now: clock.now(), latency, files: { clock: timeUrl } });
      return mpd ? [{ name: 'manifest.mpd', text: writeMpd(mpd), needs: liveMedia(camera) }] : [];
    },
    recording(past, name) {
      const mpd = rangeMpd(past, { now: clock.now(), asked: 0, location: '', files: true });
      if (!mpd) return [];
      const needs = past.tracks.flatMap(({ id, segments }) =>
        segments.flatMap((one) => [`${folderOf(id)}/${initNameOf(one)}`, `${folderOf(id)}/${fileName(one)}`]),
      );
      return [{ name: `${name}.mpd`, text: writeMpd(mpd), needs: [...new Set(needs)] }];
    },
  };
}

function liveMedia(camera: LiveCamera): string[] {
  const names = [...camera.tracks.values()].flatMap(({ id, segments }) =>
    segments.flatMap((segment) =>
      segment.complete && !segment.gap
        ? [`${folderOf(id)}/${segment.init.name}`, `${folderOf(id)}/${fileName(segment)}`]
        : [],
    ),
  );
  return [...new Set(names)];
}
