/** web.player: a page that lists the cameras, and one that plays a camera. */
import { defineManifest, definePlugin, HttpServer, ListOf, Text } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'web.player',
  version: '1.0.0',
  api: 1,
  summary: 'Pages that list the cameras and play them in any browser, and say why one cannot play.',
  config: {
    hls: Text({
      doc: 'Where publish.hls serves the cameras: its prefix, or the address of a CDN in front of it.',
      default: '/hls',
      pattern: '^(https?://[^\\s"<>]+|(/[A-Za-z0-9._-]+)+)$',
    }),
    title: Text({ doc: 'What the pages are called.', default: 'Eddy' }),
    embed: ListOf(
      Text({ doc: 'An origin, such as "https://example.org".', pattern: '^(\\*|https?://[A-Za-z0-9.*:-]+)$' }),
      {
        doc: 'Other sites that may show the player in a frame.',
        default: [],
      },
    ),
  },
  needs: { http: HttpServer },
  claims: { routes: ['/', '/watch', '/player'] },
});

export default definePlugin(manifest, () => import('./player.ts'));
