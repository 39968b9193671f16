/** web.player: a page that lists the cameras, and one that plays a camera. */
import { defineManifest, definePlugin, HttpServer, Text } from 'eddy/plugin';
import { EMBED_ORIGINS, PLACE_PATTERN, TITLE } from '../shared/options.ts';

export const manifest = defineManifest({
  name: 'web.player',
  version: '1.0.0',
  api: 1,
  summary:
    'Pages that list the cameras and play them: live by WebRTC or LL-HLS, any moment of the past on one scrub bar.',
  config: {
    whep: Text({
      doc: 'Where webrtc.whep serves the cameras. It is tried first; without such a stage cameras play by LL-HLS.',
      default: '/whep',
      pattern: PLACE_PATTERN,
    }),
    hls: Text({
      doc: 'Where publish.hls serves the cameras: its prefix, or the address of a CDN in front of it.',
      default: '/hls',
      pattern: PLACE_PATTERN,
    }),
    title: TITLE,
    embed: EMBED_ORIGINS,
  },
  needs: { http: HttpServer },
  claims: { routes: ['/', '/watch', '/player'] },
});

export default definePlugin(manifest, () => import('./player.ts'));
