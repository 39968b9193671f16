/** Publishes the chunks of every camera as low-latency HLS. */
import type { CameraId, Context, Flow, Running, TrackReader } from 'eddy/plugin';
import { LiveCamera } from '../shared/live-camera.ts';
import type { LiveTrack } from '../shared/live-track.ts';
import { Viewers } from '../shared/viewers.ts';
import type { manifest } from './plugin.ts';
import { HlsRoutes } from './routes.ts';

type Manifest = typeof manifest;

/** The publisher's code. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  const { http, timeline } = ctx.services;
  const windowSeconds = ctx.config.window / 1000;
  const partHoldBack = ctx.config['part-hold-back'];
  const cameras = new Map<CameraId, LiveCamera>();
  const flows = new Map<CameraId, Flow<Manifest>>();
  const options = { window: windowSeconds, grace: timeline ? 0 : windowSeconds };

  /** Ends the playlists of a camera that has no flow and no hope of one; players see the end, then nothing. */
  const endIfAway = (cameraId: CameraId): void => {
    const camera = cameras.get(cameraId);
    const state = ctx.cameras.get(cameraId)?.state;
    if (!camera || camera.ended || flows.has(cameraId) || state === 'live' || state === 'lingering') return;
    camera.end();
    ctx.clock.after(ctx.config.window, () => {
      if (cameras.get(cameraId) === camera) cameras.delete(cameraId);
    });
  };

  return {
    start() {
      const viewers = new Viewers(ctx, 'hls');
      const routes = new HlsRoutes({
        prefix: ctx.config.prefix,
        partHoldBack: partHoldBack === undefined ? undefined : partHoldBack / 1000,
        viewers,
        timeline,
        camera: (cameraId) => cameras.get(cameraId as CameraId),
      });
      ctx.scope.add(routes.mount(http));
      ctx.scope.add(
        ctx.events.on(({ type, cameraId }) => {
          if (type === 'camera.away' && cameraId !== undefined) endIfAway(cameraId);
        }),
      );
    },
    flow(flow) {
      const { cameraId } = flow;
      let camera = cameras.get(cameraId);
      if (!camera || camera.ended) cameras.set(cameraId, (camera = new LiveCamera(cameraId, options, ctx.clock)));
      flows.set(cameraId, flow);
      flow.scope.add(() => {
        // A flow that is restarted goes on with the same playlists; one that is gone for good ends them.
        if (flows.get(cameraId) === flow) flows.delete(cameraId);
        endIfAway(cameraId);
      });
      const live = camera;
      flow.in.chunks.onTrack(({ id, caps }) => readTrack(live, live.begin(id, caps)));
    },
  };
}

function readTrack(camera: LiveCamera, track: LiveTrack): TrackReader<'chunks'> {
  return {
    item: (chunk) => void camera.append(track, chunk),
    discontinuity: () => track.cut(),
    end: () => camera.pause(track),
  };
}
