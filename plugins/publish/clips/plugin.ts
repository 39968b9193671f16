/** `publish.clips`: stretches of the past as files. */
import {
  API_VERSION,
  defineCodes,
  defineManifest,
  definePlugin,
  Duration,
  HttpServer,
  Integer,
  Timeline,
} from 'eddy/plugin';

const errors = defineCodes({
  RANGE_INVALID: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The wanted clip is no stretch of the past, or longer than clips may be.',
    mend: 'Ask with start (RFC 3339 or epoch ms) and either end or duration (such as 90s); "longest" of the plugin says how long a clip may be.',
    example: 'GET /api/v1/cameras/cam1/export.mp4?start=2026-05-04T12:00:00Z',
  },
  RANGE_EMPTY: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The camera, or the track that was asked for, has no media in the wanted stretch.',
    mend: '"/api/v1/cameras/{camera}/timeline" tells what there is.',
    example: 'GET /api/v1/cameras/cam1/export.mp4?start=2026-01-01T00:00:00Z&duration=1m',
  },
  CODEC_CHANGES: {
    severity: 'error',
    kind: 'peer',
    meaning:
      'Within the wanted stretch the camera went over to another codec or clock rate, which one track of a file cannot hold.',
    mend: 'Export the stretch before and the one after the moment that the message names, each by itself.',
    example: 'a clip over the moment at which cam1 was published anew, with HEVC instead of H.264',
  },
  BUSY: {
    severity: 'warning',
    kind: 'peer',
    meaning: 'As many clips are being sent as may be at one time.',
    mend: 'Ask again when one has ended, or raise "at-once" of the plugin.',
    example: 'a fifth download while four go on',
  },
  MEDIA_GONE: {
    severity: 'warning',
    kind: 'media',
    meaning:
      'A segment was deleted, or could not be read, while a clip with it was being sent: the download broke off.',
    mend: 'Ask for the clip again. Keep a stretch that is close to its deletion first: PUT /api/v1/cameras/{camera}/keeps.',
    example: 'a slow download of what "retain" deletes within the minute',
  },
});

export const manifest = defineManifest({
  name: 'publish.clips',
  version: '1.0.0',
  api: API_VERSION,
  summary: 'Gives any stretch of the past as an MP4 file, exact to the frame and without encoding anything anew.',
  config: {
    longest: Duration({ doc: 'The longest clip.', default: '1h', min: '1s', max: '24h' }),
    'at-once': Integer({
      doc: 'How many clips are sent at one time; each holds a segment in memory.',
      default: 4,
      min: 1,
      max: 100,
    }),
  },
  needs: { http: HttpServer, timeline: Timeline },
  errors,
  claims: { routes: ['/api/v1/cameras/:camera/export.mp4'] },
});

export default definePlugin(manifest, () => import('./clips.ts'));
