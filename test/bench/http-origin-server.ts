/** The child of http-origin.ts: http.server with one media route, as publish.hls mounts it. Prints its URL. */
import plugin from '../../plugins/http/server/plugin.ts';
import { create } from '../../plugins/http/server/server.ts';
import { fakeContext } from '../unit/http/fake-context.ts';

const part = Buffer.alloc(Number(process.argv[2] ?? 20_000), 7);
const { ctx } = fakeContext<Parameters<typeof create>[0]>(plugin, { listen: '127.0.0.1:0' });
const server = create(ctx);
await server.start?.();
server.services.http.route({
  method: 'GET',
  path: '/hls/:camera/:file',
  handler: () => ({
    headers: { 'content-type': 'video/mp4', 'cache-control': 'public, max-age=31536000, immutable' },
    body: part,
  }),
});
console.log(server.services.http.urls[0]);
