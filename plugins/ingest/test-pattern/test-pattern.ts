/** The stage: publishes its camera once the gate is open, and keeps a host running while anyone wants the media. */
import { EddyError, Backoff, type Context, type Publication, type Running } from 'eddy/plugin';
import type { manifest } from './plugin.ts';
import { Stream } from './stream.ts';

type Ctx = Context<typeof manifest>;

/** Makes the stage. */
export function create(ctx: Ctx): Running<typeof manifest> {
  let stopping = new AbortController();
  let running: Promise<void> | undefined;

  async function run(signal: AbortSignal): Promise<void> {
    const backoff = new Backoff({ min: 500, max: 30_000 });
    while (!signal.aborted) {
      const began = ctx.clock.monotonic();
      const publication = await publish(ctx);
      if (publication) {
        const reason = await stream(ctx, publication, signal);
        // Somebody else publishes this camera by the pipeline's own rule: coming back would only push them out again.
        if (reason instanceof EddyError && reason.code === 'PUBLISH_REPLACED') return;
      }
      await ctx.clock.sleep(backoff.next(ctx.clock.monotonic() - began), signal).catch(() => undefined);
    }
  }

  async function stop(): Promise<void> {
    stopping.abort();
    await running;
  }

  return {
    open() {
      if (running && !stopping.signal.aborted) return;
      const previous = running;
      stopping = new AbortController();
      const { signal } = stopping;
      running = Promise.resolve(previous).then(() => run(signal));
      running.catch((error: unknown) => ctx.fail(error));
    },
    drain: stop,
    stop,
  };
}

async function publish(ctx: Ctx): Promise<Publication<typeof manifest> | undefined> {
  const cameraId = ctx.config.camera;
  try {
    return await ctx.cameras.publish({
      cameraId,
      credentials: {},
      peer: { address: '127.0.0.1', protocol: 'internal' },
    });
  } catch (error) {
    ctx.log.warn({ camera: cameraId, error }, 'the test pattern was not let in; it tries again');
    return undefined;
  }
}

/** Runs until the publication or the stage ends; gives the reason for which the publication was ended, if it was. */
async function stream(ctx: Ctx, publication: Publication<typeof manifest>, signal: AbortSignal): Promise<unknown> {
  const stream = new Stream(ctx, publication);
  const end = AbortSignal.any([signal, publication.signal]);
  try {
    await stream.run(end);
  } finally {
    publication.end(signal.aborted ? 'stopped' : 'publisher-ended');
  }
  return publication.signal.aborted ? publication.signal.reason : undefined;
}
