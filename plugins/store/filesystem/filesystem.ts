/** The service `store.filesystem`. */
import { resolve } from 'node:path';
import type { Context, Running } from 'eddy/plugin';
import { FileStore } from './file-store.ts';
import type { manifest } from './plugin.ts';

/** Makes the store. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const { dir, concurrency } = ctx.config;
  const store = new FileStore(resolve(ctx.baseDir, dir), { concurrency });
  return {
    services: { store },
    async start() {
      const removed = await store.open();
      if (removed === 0) return;
      const message = `${removed} half-written files of an earlier run were removed`;
      ctx.report({ code: 'store.filesystem/LEFTOVERS', message });
    },
  };
}
