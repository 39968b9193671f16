/** The stage `index.sqlite`: is fed segments, and answers for them. */
import { resolve } from 'node:path';
import { EddyError, type Context, type Flow, type Running, type SegmentIndex } from 'eddy/plugin';
import type { manifest } from './plugin.ts';
import { SqliteIndex } from './sqlite-index.ts';

type Manifest = typeof manifest;

/** How long to wait before segments that could not be indexed are tried again, in ms. */
const RETRY_MS = 1000;
/** Errors of the disk or the file, not of what is written. */
const PASSING: readonly string[] = ['INDEX_FULL', 'INDEX_UNREACHABLE', 'INDEX_DENIED'];

/** Makes the index. */
export function create(ctx: Context<Manifest>): Running<Manifest> {
  let index: SqliteIndex | undefined;
  const opened = (): SqliteIndex => {
    if (!index) throw new EddyError('INDEX_UNREACHABLE', 'the segment index is not open');
    return index;
  };
  const service: SegmentIndex = {
    add: async (segments) => opened().add(segments),
    addGap: async (camera, gap) => opened().addGap(camera, gap),
    range: async (camera, range, track, limit) => opened().range(camera, range, track, limit),
    latest: async (camera, track) => opened().latest(camera, track),
    spans: async (camera, range) => opened().spans(camera, range),
    cameras: async () => opened().cameras(),
    reserve: async (camera, atLeast, count) => opened().reserve(camera, atLeast, count),
    delete: async (ids) => opened().delete(ids),
    watch: (camera, listener) => opened().watch(camera, listener),
  };
  const persist = persistently(ctx);

  return {
    services: { index: service },
    async start() {
      index = await SqliteIndex.open(resolve(ctx.baseDir, ctx.config.file), {
        onCrash: (error) => ctx.fail(error),
        onWatcherError: (error) => ctx.log.error({ error }, 'a watcher of the segment index failed'),
      });
    },
    flow(flow) {
      flow.in.segments.onTrack(() => ({
        item: (segment) => persist(flow, () => service.add([segment])),
        gap: (start, end, cause) => persist(flow, () => service.addGap(flow.cameraId, { start, end, cause })),
      }));
    },
    async stop() {
      const closing = index;
      index = undefined;
      await closing?.close();
    },
  };
}

/** Tries until it has worked or the flow is over: meanwhile what follows waits in the link. */
function persistently(ctx: Context<Manifest>) {
  let behind = false;
  return async (flow: Flow<Manifest>, write: () => Promise<void>): Promise<void> => {
    for (;;) {
      try {
        await write();
        if (behind) ctx.log.info({}, 'segments are indexed again');
        behind = false;
        return;
      } catch (error) {
        const { code, message } = error as EddyError;
        if (!PASSING.includes(code) || flow.scope.signal.aborted) throw error;
        if (!behind) ctx.report({ code: 'index.sqlite/BEHIND', message: `segments wait to be indexed: ${message}` });
        behind = true;
        await ctx.clock.sleep(RETRY_MS, flow.scope.signal);
      }
    }
  };
}
