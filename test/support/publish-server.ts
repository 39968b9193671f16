/** publish.hls, publish.dash and the real HTTP server over one memory of the past, without an engine: for players and rule checkers. */
import type { CameraId, ChunkCaps, EndCause, Timeline, TrackReader } from 'eddy/plugin';
import { create as createDash } from '../../plugins/publish/dash/dash.ts';
import { create as createHls } from '../../plugins/publish/hls/hls.ts';
import { FakeTimeline } from '../../core/testing/fakes/segments.ts';
import { recordTrack } from './recorder.ts';
import { startHttpService } from './http-service.ts';
import { fakeContext, fakeFlow } from '../unit/hls/fake-context.ts';

/** Starts all; `close` leaves nothing behind. */
export async function publishServer(
  options: {
    readonly window?: number; /** Kept of what is published. */
    readonly timeline?: FakeTimeline;
    /** Asked instead of that. */
    readonly past?: Timeline;
  } = {},
) {
  const http = await startHttpService();
  const { service } = http;
  const timeline = options.timeline ?? new FakeTimeline();
  const services = { http: service, timeline: options.past ?? timeline };
  const window = options.window;
  const dash = fakeContext({ config: { prefix: '/dash', window, latency: 1800 }, services });
  const hls = fakeContext({ config: { prefix: '/hls', window, 'part-hold-back': undefined }, services });
  const stages = [createDash(dash.ctx), createHls(hls.ctx)];
  for (const stage of stages) await stage.start?.();
  return {
    url: service.urls[0]!,
    timeline,
    errors: [...dash.errors, ...hls.errors],
    /** A camera goes live. */
    open(cameraId: string) {
      const flows = stages.map((stage, index) => {
        const fake = fakeFlow(cameraId, ['objects'], { wanted: false });
        [dash, hls][index]!.states.set(cameraId, 'live');
        void stage.flow(fake.flow);
        return fake;
      });
      return {
        track(id: string, caps: ChunkCaps): TrackReader<'chunks'> & { end(cause: EndCause): void } {
          const recorder = recordTrack(timeline, cameraId as CameraId, id, caps);
          const readers = flows.map((flow) => flow.track(id, caps));
          return {
            async item(chunk) {
              void recorder.item(chunk);
              for (const reader of readers) await reader.item(chunk);
            },
            discontinuity(cause) {
              for (const reader of readers) void reader.discontinuity?.(cause);
            },
            end(cause) {
              void recorder.end?.(cause);
              for (const reader of readers) void reader.end(cause);
            },
          };
        },
        /** It is away beyond its linger. */
        async close() {
          for (const fake of [dash, hls]) fake.states.set(cameraId, 'away');
          for (const flow of flows) await flow.close();
        },
      };
    },
    async close() {
      for (const stage of stages) await stage.stop?.();
      for (const { scope } of [dash, hls]) await scope.close();
      await http.close();
    },
  };
}
