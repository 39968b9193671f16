/** `publish.dash`: low-latency DASH from the chunks that HLS is made of. */
import { defineManifest, definePlugin, Duration, HttpServer, input, optional, Text, Timeline } from 'eddy/plugin';
import { ACCEPTS, objectsOutput, RECORDING, requestErrors } from '../shared/manifest.ts';

export const manifest = defineManifest({
  name: 'publish.dash',
  version: '1.0.0',
  api: 1,
  summary: 'Serves every camera as low-latency DASH, live and at any moment of its past.',
  config: {
    prefix: Text({
      default: '/dash',
      pattern: '^(/[A-Za-z0-9._-]+)+$',
      doc: 'Where its routes begin: {prefix}/{camera}/manifest.mpd.',
    }),
    window: Duration({
      optional: true,
      min: '10s',
      max: '24h',
      doc: 'How far back the live manifest reaches: 10m where there is a timeline to read it from, else 30s, which is then held in memory.',
    }),
    latency: Duration({
      default: '1800ms',
      min: '500ms',
      max: '30s',
      doc: 'How far behind the camera players are told to stay.',
    }),
    recording: RECORDING,
    'time-url': Text({
      optional: true,
      pattern: '^https?://\\S+$',
      doc: 'Where players of its objects ask for the time of day (UTCTiming: an address that answers ISO 8601 as text). Default: they take the moment at which the manifest was written.',
    }),
  },
  inputs: {
    chunks: input('chunks', {
      doc: 'Every rendition of a camera, as tracks of one link.',
      demand: 'always',
      // What players are told by default, and what they miss it by. Measured: docs/proof.md.
      latency: { min: 1500, max: 2500 },
      accepts: ACCEPTS,
    }),
  },
  outputs: { objects: objectsOutput() },
  needs: { http: HttpServer, timeline: optional(Timeline) },
  errors: {
    ...requestErrors('/dash/cam1/manifest.mpd'),
    MEDIA_UNKNOWN: {
      severity: 'error',
      kind: 'peer',
      meaning: 'There is no such track or segment, or it is so old that it is no longer kept.',
      mend: 'Play what the current manifest tells of. For the past, give the pipeline a timeshift and a store.',
      example: 'GET /dash/cam1/video/a.892500000.m4s an hour later',
    },
  },
  claims: { routes: ['{prefix}'] },
});

export default definePlugin(manifest, () => import('./dash.ts'));
