/** web.publish at work: a page, where to name a camera, and their files. */
import type { Context, HttpResponse, Running } from 'eddy/plugin';
import { pageHeaders, readBundle } from '../shared/pages.ts';
import { FILES, publishPage } from './page.ts';
import type { manifest } from './plugin.ts';

/** Beside this file in the checkout and in the package: made by scripts/build-web.mjs. */
const BUNDLE = new URL('./dist/', import.meta.url);

/** Makes the page; it is mounted from start to stop. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const unmounts: (() => void)[] = [];
  const get = (path: string, answer: (camera: string | undefined) => HttpResponse): void => {
    const handler = (request: { params: { camera?: string } }): HttpResponse => answer(request.params.camera);
    unmounts.push(ctx.services.http.route({ method: 'GET', path, handler, cors: false }));
  };
  return {
    async start() {
      const { files, version } = await readBundle(BUNDLE);
      const { title, whip, embed } = ctx.config;
      const headers = pageHeaders({ speaksTo: [whip], embed, captures: true });
      const page = (camera?: string): HttpResponse => ({
        headers,
        body: publishPage({ title, whip, version }, camera ?? ''),
      });
      get('/publish', page);
      get('/publish/:camera', page);
      for (const [name, file] of files) get(`${FILES}/${name}`, () => file);
    },
    stop() {
      for (const unmount of unmounts.splice(0)) unmount();
    },
  };
}
