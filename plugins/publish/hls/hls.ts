/** Publishes the chunks of every camera as low-latency HLS. */
import type { Context, Running } from 'eddy/plugin';
import { LiveCameras } from '../shared/live-cameras.ts';
import { PastMedia } from '../shared/past-media.ts';
import { Viewers } from '../shared/viewers.ts';
import { feedObjects } from '../shared/feed-objects.ts';
import { filePlaylists } from './file-playlists.ts';
import type { manifest } from './plugin.ts';
import { HlsRoutes } from './routes.ts';

type Manifest = typeof manifest;

/** The publisher's code. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { http, timeline } = ctx.services;
  const { prefix, window } = ctx.config;
  const partHoldBack = ctx.config['part-hold-back'];
  const cameras = new LiveCameras(ctx, { window, timeline });
  return {
    start() {
      cameras.start();
      const routes = new HlsRoutes({
        prefix,
        partHoldBack: partHoldBack === undefined ? undefined : partHoldBack / 1000,
        viewers: new Viewers(ctx, 'hls'),
        past: timeline && new PastMedia(timeline, ctx.clock),
        camera: (cameraId) => cameras.get(cameraId),
        isLive: (cameraId) => cameras.isLive(cameraId),
      });
      ctx.scope.add(routes.mount(http));
    },
    flow: feedObjects(ctx, cameras, () => filePlaylists),
  };
}
