/** The real HTTP server on a free port, without an engine. */
import { parseFields } from '../../core/plugin/index.ts';
import { manifest } from '../../plugins/http/server/plugin.ts';
import { create } from '../../plugins/http/server/server.ts';
import { fakeContext } from '../unit/hls/fake-context.ts';

const parsed = parseFields(manifest.config, { listen: '127.0.0.1:0' });
if ('error' in parsed) throw new Error(parsed.error);
const CONFIG = parsed.value;

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
