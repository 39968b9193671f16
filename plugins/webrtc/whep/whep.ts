/** `webrtc.whep` at work: viewers of every camera, their figures, and their end. */
import { latencyMeter, PeerRate, type Context, type Running } from 'eddy/plugin';
import { Refusals } from '../shared/gateway/refusal.ts';
import { Figures } from './figures.ts';
import { Joining } from './joining.ts';
import { LiveCameras } from './live-camera.ts';
import { manifest } from './plugin.ts';
import { Qualities } from './quality.ts';
import { mountRoutes } from './routes.ts';
import type { Viewer } from './viewer.ts';
import type { ViewerEnd } from './viewer-options.ts';

type Manifest = typeof manifest;

/** How often it is seen whether a viewer's grant has changed, ms. */
const GRANTS_EVERY = 2000;

/** Starts the gateway. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const cameras = new LiveCameras(ctx.clock);
  const viewers = new Map<string, Viewer>();
  const open = ctx.metrics.gauge('whep_sessions', 'WHEP viewers that are connected or about to be.');
  const ended = ctx.metrics.counter('whep_sessions_ended_total', 'WHEP sessions that ended, by reason.');
  const figures = new Figures(ctx.clock);

  const joining = new Joining(ctx, {
    cameras,
    qualities: new Qualities(ctx.services.routers, ctx.clock),
    refusals: new Refusals(manifest.name),
    latency: latencyMeter(ctx.metrics),
    joined: (viewer) => {
      viewers.set(viewer.id, viewer);
      open.set(viewers.size);
      figures.follow(viewer);
    },
    onEnd: (viewer: Viewer, reason: ViewerEnd) => {
      if (viewers.delete(viewer.id)) open.set(viewers.size);
      ended.add(1, { reason });
    },
    count: () => viewers.size,
  });

  return {
    start() {
      ctx.scope.add(
        ctx.clock.every(GRANTS_EVERY, () => {
          for (const viewer of viewers.values()) viewer.keepToGrant();
        }),
      );
      const rate = new PeerRate(ctx.clock, ctx.config.posts);
      ctx.scope.add(mountRoutes(ctx, { joining, rate, find: (id) => viewers.get(id) }));
      ctx.scope.add(
        ctx.events.on(({ type, cameraId }) => {
          // Lingering is over: nobody comes back to this camera.
          if (type !== 'camera.away') return;
          for (const viewer of [...viewers.values()])
            if (viewer.camera.cameraId === cameraId) viewer.end('camera-away');
        }),
      );
    },
    flow(flow) {
      flow.scope.add(cameras.get(flow.cameraId).attach(flow.in.in));
    },
    stop() {
      for (const viewer of [...viewers.values()]) viewer.end('stopped');
    },
  };
}
