/** Serves the page with the clients of others, from an origin of its own: what they ask of Eddy passes CORS as in real life. */
import { createServer } from 'node:http';
import { join } from 'node:path';
import { build } from 'esbuild';
import type { Page } from 'playwright-core';

/** A running page. */
export interface ClientsSite {
  readonly url: string;
  close(): Promise<void>;
}

/** Bundles and serves it. */
export async function serveClients(): Promise<ClientsSite> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, 'clients-page.js')],
    bundle: true,
    write: false,
    format: 'iife',
    target: 'chrome120',
    logLevel: 'error',
  });
  const script = outputFiles[0]!.contents;
  const server = createServer((request, response) => {
    if (request.url === '/clients.js') return response.setHeader('content-type', 'text/javascript').end(script);
    return response.setHeader('content-type', 'text/html').end('<!doctype html><script src="/clients.js"></script>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}/`,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** Calls `window.clients` in the page. */
export const ask = <T>(page: Page, name: string, ...args: unknown[]): Promise<T> =>
  page.evaluate<T>(`window.clients.${name}(${args.map((arg) => JSON.stringify(arg) ?? 'undefined').join(', ')})`);
