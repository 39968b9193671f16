/** web.api: health, metrics and the HTTP API of a running pipeline. */
import { defineManifest, definePlugin, HttpServer, OneOf } from 'eddy/plugin';

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
  needs: { http: HttpServer },
  claims: { routes: ['/livez', '/readyz', '/metrics', '/api'] },
});

export default definePlugin(manifest, () => import('./api.ts'));
