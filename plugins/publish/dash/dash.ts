/** Publishes the chunks of every camera as low-latency DASH. */
import type { Context, Running } from 'eddy/plugin';
import { feedObjects } from '../shared/feed-objects.ts';
import { LiveCameras } from '../shared/live-cameras.ts';
import { PastMedia } from '../shared/past-media.ts';
import { Viewers } from '../shared/viewers.ts';
import type { manifest } from './plugin.ts';
import { fileManifests } from './file-manifests.ts';
import { DashRoutes } from './routes.ts';

type Manifest = typeof manifest;

/** The publisher's code. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { http, timeline } = ctx.services;
  const { prefix, window, latency } = ctx.config;
  const cameras = new LiveCameras(ctx, { window, timeline });
  let routes: DashRoutes | undefined;
  return {
    start() {
      cameras.start();
      routes = new DashRoutes({
        prefix,
        latency: latency / 1000,
        clock: ctx.clock,
        viewers: new Viewers(ctx, 'dash'),
        past: timeline && new PastMedia(timeline, ctx.clock),
        camera: (cameraId) => cameras.get(cameraId),
        isLive: (cameraId) => cameras.isLive(cameraId),
      });
      ctx.scope.add(routes.mount(http));
    },
    flow: feedObjects(ctx, cameras, (camera) => {
      routes?.watch(camera);
      return fileManifests(camera, { clock: ctx.clock, latency: latency / 1000, timeUrl: ctx.config['time-url'] });
    }),
  };
}
