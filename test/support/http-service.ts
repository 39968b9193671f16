/** The real HTTP server on a free port, without an engine. */
import { create } from '../../plugins/http/server/server.ts';
import { fakeContext } from '../unit/hls/fake-context.ts';

const CONFIG = {
  listen: { host: '127.0.0.1', port: 0 },
  tls: undefined,
  cors: ['*'],
  proxies: [],
  'max-connections': 1000,
  'request-timeout': 30_000,
  'idle-timeout': 65_000,
  'stall-timeout': 20_000,
};

/** Starts it; `close` leaves nothing behind. */
export async function startHttpService() {
  const web = fakeContext({ config: CONFIG });
  const http = create(web.ctx);
  await http.start?.();
  return {
    service: http.services.http,
    async close() {
      await http.stop?.();
      await web.scope.close();
    },
  };
}
