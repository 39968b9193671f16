/** A static file server, as plain as the origin of a CDN: files, their types by what comes after the dot, and CORS. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';

const TYPES: Readonly<Record<string, string>> = {
  '.m3u8': 'application/vnd.apple.mpegurl',
  '.mpd': 'application/dash+xml',
  '.m4s': 'video/mp4',
  '.mp4': 'video/mp4',
};

/** A request and how it was answered. */
export interface ServedFile {
  readonly path: string;
  readonly status: number;
}

/** Serves a folder on a free port. */
export async function fileServer(folder: string) {
  const served: ServedFile[] = [];
  const server = createServer((request, response) => {
    const path = new URL(request.url!, 'http://x').pathname;
    response.setHeader('access-control-allow-origin', '*');
    readFile(join(folder, path)).then(
      (body) => {
        served.push({ path, status: 200 });
        response.setHeader('content-type', TYPES[extname(path)] ?? 'application/octet-stream').end(body);
      },
      () => {
        served.push({ path, status: 404 });
        response.writeHead(404).end();
      },
    );
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    served,
    close: () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
