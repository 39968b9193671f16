/** The output `objects` of a publisher's flows. */
import type { Context, FlowHandlers, FlowOutput } from 'eddy/plugin';
import type { LiveCamera } from './live-camera.ts';
import type { ChunkFlow, LiveCameras } from './live-cameras.ts';
import { type ListingFormat, ObjectsFeed } from './objects-feed.ts';

type Ctx = Pick<Context, 'name' | 'clock' | 'cameras' | 'pipeline'> & {
  readonly config: { readonly recording: number };
};
type ObjectsFlow = ChunkFlow & { readonly out: { readonly objects: FlowOutput<'objects'> } };

/**
 * Reads cameras, and feeds the output of each for as long as its flow lasts; a flow that is restarted goes on with what was told. What
 * a camera leaves behind is told when its publication is over; not when the stage or the pipeline stops, after which it may go on.
 */
export function feedObjects(
  ctx: Ctx,
  cameras: LiveCameras,
  format: (camera: LiveCamera) => ListingFormat,
): (flow: ObjectsFlow) => FlowHandlers {
  const { name: id, clock, config } = ctx;
  const feeds = new WeakMap<LiveCamera, ObjectsFeed>();
  const feedOf = (camera: LiveCamera): ObjectsFeed => {
    let feed = feeds.get(camera);
    if (feed) return feed;
    const monotonic = (): number => clock.monotonic();
    feed = new ObjectsFeed(camera, { format: format(camera), id, recording: config.recording, monotonic });
    feeds.set(camera, feed);
    return feed;
  };
  return (flow) => {
    const camera = cameras.read(flow);
    const feed = feedOf(camera);
    flow.scope.add(feed.feed(flow.out.objects));
    return {
      async drain() {
        const goesOn = ctx.cameras.get(camera.cameraId)?.publications.length !== 0;
        if (!goesOn && ctx.pipeline.state() !== 'draining') {
          cameras.end(camera);
          feed.finish();
        }
        feed.stop();
      },
    };
  };
}
