/** web.publish: a page that publishes camera, screen or a test card from any browser. */
import { defineManifest, definePlugin, HttpServer, Text } from 'eddy/plugin';
import { EMBED_ORIGINS, PLACE_PATTERN, TITLE } from '../shared/options.ts';

export const manifest = defineManifest({
  name: 'web.publish',
  version: '1.0.0',
  api: 1,
  summary: 'A page that publishes camera, screen or a test card by WebRTC with simulcast: /publish/{camera}.',
  config: {
    whip: Text({
      doc: 'Where webrtc.whip takes cameras in: its prefix, or the base URL of another server.',
      default: '/whip',
      pattern: PLACE_PATTERN,
    }),
    title: TITLE,
    embed: EMBED_ORIGINS,
  },
  needs: { http: HttpServer },
  claims: { routes: ['/publish'] },
});

export default definePlugin(manifest, () => import('./publish.ts'));
