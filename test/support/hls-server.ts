/** publish.hls and the real HTTP server on a free port, without an engine, for players and the rule checker. */
import { create as createHttp } from '../../plugins/http/server/server.ts';
import { create as createHls } from '../../plugins/publish/hls/hls.ts';
import { fakeContext, fakeFlow } from '../unit/hls/fake-context.ts';

export interface HlsServerOptions {
  readonly window?: number;
  readonly partHoldBack?: number;
  readonly timeline?: object;
}

const HTTP_CONFIG = {
  listen: { host: '127.0.0.1', port: 0 },
  tls: undefined,
  cors: ['*'],
  proxies: [],
  'max-connections': 1000,
  'request-timeout': 30_000,
  'idle-timeout': 65_000,
  'stall-timeout': 20_000,
};

/** Starts both; `close` leaves nothing behind. */
export async function hlsServer(options: HlsServerOptions = {}) {
  const web = fakeContext({ config: HTTP_CONFIG });
  const http = createHttp(web.ctx);
  await http.start?.();
  const service = http.services.http;
  const config = { prefix: '/hls', window: options.window ?? 30_000, 'part-hold-back': options.partHoldBack };
  const hls = fakeContext({ config, services: { http: service, timeline: options.timeline } });
  const stage = createHls(hls.ctx);
  await stage.start?.();
  return {
    url: service.urls[0]!,
    ...hls,
    /** A camera goes live. */
    open(cameraId: string) {
      const fake = fakeFlow(cameraId);
      hls.states.set(cameraId, 'live');
      void stage.flow(fake.flow);
      return fake;
    },
    async close() {
      await stage.stop?.();
      await hls.scope.close();
      await http.stop?.();
      await web.scope.close();
    },
  };
}
