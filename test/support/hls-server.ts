/** publish.hls and the real HTTP server on a free port, without an engine, for players and the rule checker. */
import { create as createHls } from '../../plugins/publish/hls/hls.ts';
import { startHttpService } from './http-service.ts';
import { fakeContext, fakeFlow } from '../unit/hls/fake-context.ts';

export interface HlsServerOptions {
  readonly window?: number;
  readonly partHoldBack?: number;
  readonly timeline?: object;
}

/** Starts both; `close` leaves nothing behind. */
export async function hlsServer(options: HlsServerOptions = {}) {
  const http = await startHttpService();
  const { service } = http;
  const config = { prefix: '/hls', window: options.window ?? 30_000, 'part-hold-back': options.partHoldBack };
  const hls = fakeContext({ config, services: { http: service, timeline: options.timeline } });
  const stage = createHls(hls.ctx);
  await stage.start?.();
  return {
    url: service.urls[0]!,
    ...hls,
    /** A camera goes live. */
    open(cameraId: string) {
      const fake = fakeFlow(cameraId, ['objects'], { wanted: false });
      hls.states.set(cameraId, 'live');
      void stage.flow(fake.flow);
      return fake;
    },
    async close() {
      await stage.stop?.();
      await hls.scope.close();
      await http.close();
    },
  };
}
