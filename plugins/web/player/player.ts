/** web.player at work: two pages and their files. */
import type { Context, HttpResponse, Running } from 'eddy/plugin';
import { pageHeaders, readBundle } from '../shared/pages.ts';
import { homePage, watchPage, type PageOptions } from './pages.ts';
import type { manifest } from './plugin.ts';

/** Beside this file in the checkout and in the package: made by scripts/build-web.mjs. */
const BUNDLE = new URL('./dist/', import.meta.url);

/** Makes the pages; they are mounted from start to stop. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const unmounts: (() => void)[] = [];
  const get = (path: string, answer: (camera: string) => HttpResponse): void => {
    const handler = (request: { params: { camera: string } }): HttpResponse => answer(request.params.camera);
    unmounts.push(ctx.services.http.route({ method: 'GET', path, handler, cors: false }));
  };
  return {
    async start() {
      const { files, version } = await readBundle(BUNDLE);
      const { title, hls, whep, embed } = ctx.config;
      const options: PageOptions = { title, hls, whep, version };
      const headers = pageHeaders({ speaksTo: [hls, whep], embed });
      get('/', () => ({ headers, body: homePage(options) }));
      get('/watch/:camera', (camera) => ({ headers, body: watchPage(options, camera) }));
      for (const [name, file] of files) get(`/player/${name}`, () => file);
    },
    stop() {
      for (const unmount of unmounts.splice(0)) unmount();
    },
  };
}
