/** What the manifests of the publishers have in common: the media they take, and why a request cannot be answered. */

import { Duration, output } from 'eddy/plugin';

/** Every codec that has a place in CMAF. */
export const ACCEPTS = [
  { kind: 'video', codec: ['h264', 'hevc', 'av1', 'vp9'] },
  { kind: 'audio', codec: ['aac', 'opus', 'mp3'] },
] as const;

/** The configuration key `recording`. */
export const RECORDING = Duration({
  default: '6h',
  min: '1m',
  max: '7d',
  doc: 'The longest recording of its objects: told of as a whole at the end of a publication, and whenever it is as long as this.',
});

/** The output pad `objects`. */
export const objectsOutput = () =>
  output('objects', {
    doc: 'The same as files for a server that knows nothing of media, for publish.cdn: whole segments, and what names them.',
    optional: true,
  });

/** The errors of a publisher whose playlists (or manifests) are at `path`: `/hls/cam1/index.m3u8`. */
export function requestErrors(path: string) {
  return {
    NOT_READY: {
      severity: 'error',
      kind: 'peer',
      meaning: 'The camera has a publisher, but no whole segment of it has been made yet.',
      mend: "Try again in a few seconds. If it stays so, the camera's tracks in /api/v1/cameras say what is missing.",
      example: `GET ${path} within the first seconds of a publication`,
    },
    RANGE_INVALID: {
      severity: 'error',
      kind: 'peer',
      meaning: 'The wanted stretch of the past is no stretch: a time that cannot be read, or an end before its start.',
      mend: 'Ask with start (RFC 3339 or epoch ms) and, where it is to end, either end or duration (such as 90s or 1h).',
      example: `GET ${path}?start=yesterday`,
    },
    RANGE_EMPTY: {
      severity: 'error',
      kind: 'peer',
      meaning: 'The camera has no media in the wanted stretch.',
      mend: '/api/v1/cameras/{camera}/timeline tells what there is. Nothing is kept without a timeshift in the pipeline.',
      example: `GET ${path}?start=2026-01-01T00:00:00Z&duration=1h`,
    },
  } as const;
}
