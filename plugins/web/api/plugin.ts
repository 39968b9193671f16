/** web.api: health, metrics and the HTTP API of a running pipeline. */
import { defineManifest, definePlugin, HttpServer, OneOf, optional, Timeline } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'web.api',
  version: '1.0.0',
  api: 1,
  summary: 'Health, metrics and the HTTP API of the running pipeline; in every pipeline that has an HTTP server.',
  config: {
    metrics: OneOf(['admin', 'public'], {
      doc: 'Who may read /metrics: those whom the authorizer lets administer, or anyone.',
      default: 'admin',
    }),
  },
  needs: { http: HttpServer, timeline: optional(Timeline) },
  errors: {
    RANGE_INVALID: {
      severity: 'error',
      kind: 'peer',
      meaning: 'The past was asked for with times or limits that make no sense.',
      mend: 'Ask with start and end as RFC 3339 (with Z or an offset) or epoch milliseconds, the end after the start.',
      example: 'GET /api/v1/cameras/cam1/segments?start=yesterday',
    },
  },
  claims: { routes: ['/livez', '/readyz', '/metrics', '/api'] },
});

export default definePlugin(manifest, () => import('./api.ts'));
