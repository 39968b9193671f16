/** `publish.hls`: low-latency HLS. */
import { defineManifest, definePlugin, Duration, HttpServer, input, optional, Text, Timeline } from 'eddy/plugin';
import { ACCEPTS, requestErrors } from '../shared/manifest.ts';

export const manifest = defineManifest({
  name: 'publish.hls',
  version: '1.0.0',
  api: 1,
  summary: 'Serves every camera as low-latency HLS that any player can play, live and at any moment of its past.',
  config: {
    prefix: Text({
      default: '/hls',
      pattern: '^(/[A-Za-z0-9._-]+)+$',
      doc: 'Where its routes begin: {prefix}/{camera}/index.m3u8.',
    }),
    window: Duration({
      optional: true,
      min: '10s',
      max: '24h',
      doc: 'How much a live playlist lists: 10m where there is a timeline to read it from, else 30s, which is then held in memory.',
    }),
    'part-hold-back': Duration({
      optional: true,
      max: '30s',
      doc: 'How far behind the newest part a low-latency player stays; never less than three parts, the default.',
    }),
  },
  inputs: {
    chunks: input('chunks', {
      doc: 'Every rendition of a camera, as tracks of one link.',
      demand: 'always',
      // Players stay three parts behind the newest one; hls.js by default half a second more. Measured: docs/proof.md.
      latency: { min: 1000, max: 1600 },
      accepts: ACCEPTS,
    }),
  },
  needs: { http: HttpServer, timeline: optional(Timeline) },
  errors: {
    ...requestErrors('/hls/cam1/index.m3u8'),
    DIRECTIVE_INVALID: {
      severity: 'error',
      kind: 'peer',
      meaning: 'The playlist was asked for with delivery directives that make no sense (RFC 8216bis 6.2.5.2).',
      mend: 'Ask for a segment at most two ahead of the playlist, and for a part only together with its segment.',
      example: 'GET /hls/cam1/video/live.m3u8?_HLS_part=2',
    },
    UPDATE_TIMEOUT: {
      severity: 'error',
      kind: 'peer',
      meaning: 'The segment or part that the player waits for did not come within three target durations.',
      mend: 'The publisher has stalled or is gone; players try again by themselves.',
      example: 'GET /hls/cam1/video/live.m3u8?_HLS_msn=12&_HLS_part=0 while the publisher is away',
    },
    MEDIA_UNKNOWN: {
      severity: 'error',
      kind: 'peer',
      meaning: 'There is no such track, segment or part, or it is so old that it is no longer kept.',
      mend: 'Play what the current playlist lists. For the past, give the pipeline a timeshift and a store.',
      example: 'GET /hls/cam1/video/1785000000000-892500000.a.m4s an hour later',
    },
  },
  claims: { routes: ['{prefix}'] },
});

export default definePlugin(manifest, () => import('./hls.ts'));
