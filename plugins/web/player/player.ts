/** web.player at work: two pages and their files. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { EddyError, type Context, type HttpResponse, type Running } from 'eddy/plugin';
import { homePage, watchPage, type PageOptions } from './pages.ts';
import type { manifest } from './plugin.ts';

/** Beside this file in the checkout and in the package: made by scripts/build-web.mjs. */
const BUNDLE = new URL('./dist/', import.meta.url);

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  map: 'application/json',
};

/** Makes the pages; they are mounted from start to stop. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const unmounts: (() => void)[] = [];
  const get = (path: string, answer: (camera: string) => HttpResponse): void => {
    const handler = (request: { params: { camera: string } }): HttpResponse => answer(request.params.camera);
    unmounts.push(ctx.services.http.route({ method: 'GET', path, handler, cors: false }));
  };
  return {
    async start() {
      const files = await readBundle();
      const version = createHash('sha256')
        .update([...files.values()].map((file) => file.headers!.etag).join())
        .digest('hex');
      const options: PageOptions = { title: ctx.config.title, hls: ctx.config.hls, version: version.slice(0, 12) };
      const headers = pageHeaders(ctx.config.hls, ctx.config.embed);
      get('/', () => ({ headers, body: homePage(options) }));
      get('/watch/:camera', (camera) => ({ headers, body: watchPage(options, camera) }));
      for (const [name, file] of files) get(`/player/${name}`, () => file);
    },
    stop() {
      for (const unmount of unmounts.splice(0)) unmount();
    },
  };
}

async function readBundle(): Promise<Map<string, HttpResponse>> {
  const names = await readdir(BUNDLE).catch((error: unknown) => {
    throw new EddyError('SERVICE_START_FAILED', 'The player is not built: run "npm run build:web".', { cause: error });
  });
  const files = new Map<string, HttpResponse>();
  for (const name of names.sort()) {
    const body = await readFile(new URL(name, BUNDLE));
    const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
    const headers = {
      'content-type': TYPES[name.split('.').at(-1)!] ?? 'application/octet-stream',
      // Pages name files with their version, so that an upgrade is seen at once.
      'cache-control': 'public, max-age=86400',
      etag,
      'x-content-type-options': 'nosniff',
    };
    files.set(name, { headers, body });
  }
  return files;
}

/** Only our own files run, nothing inline; media may come from the CDN that `hls` names. */
function pageHeaders(hls: string, embed: readonly string[]): Readonly<Record<string, string>> {
  const media = hls.startsWith('http') ? ` ${new URL(hls).origin}` : '';
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `media-src 'self' blob:${media}`,
    `connect-src 'self'${media}`,
    "worker-src 'self' blob:",
    "base-uri 'none'",
    "form-action 'self'",
    `frame-ancestors ${["'self'", ...embed].join(' ')}`,
  ];
  return {
    'content-type': 'text/html; charset=utf-8',
    'cache-control': 'no-cache',
    'content-security-policy': policy.join('; '),
    // The address may hold a token.
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  };
}
