/** The stage `index.sqlite`: is fed segments, and answers for them. */
import { resolve } from 'node:path';
import type { Context, Running } from 'eddy/plugin';
import { handleOf, indexFlows } from '../shared/stage.ts';
import type { manifest } from './plugin.ts';
import { SqliteIndex } from './sqlite-index.ts';

/** Makes the index. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  let index: SqliteIndex | undefined;
  const service = handleOf(() => index);
  return {
    services: { index: service },
    async start() {
      index = await SqliteIndex.open(resolve(ctx.baseDir, ctx.config.file), {
        onCrash: (error) => ctx.fail(error),
        onWatcherError: (error) => ctx.log.error({ error }, 'a watcher of the segment index failed'),
      });
    },
    flow: indexFlows(ctx, service, 'index.sqlite/BEHIND'),
    async stop() {
      const closing = index;
      index = undefined;
      await closing?.close();
    },
  };
}
