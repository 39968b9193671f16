/** Starts http.server on a free port, as the engine would. */
import type { Context, HttpServer } from '../../../core/plugin/index.ts';
import plugin, { type manifest } from '../../../plugins/http/server/plugin.ts';
import { create } from '../../../plugins/http/server/server.ts';
import { fakeContext, type FakeEngine } from './fake-context.ts';

/** A started http.server. */
export interface Started {
  readonly http: HttpServer;
  readonly url: string;
  readonly running: ReturnType<typeof create>;
  readonly engine: FakeEngine;
  readonly ctx: Context<typeof manifest>;
  stop(): Promise<void>;
}

/** Starts it with this configuration, as written in YAML. */
export async function startServer(written: Readonly<Record<string, unknown>> = {}): Promise<Started> {
  const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, { listen: '127.0.0.1:0', ...written });
  const running = create(ctx);
  await running.start?.();
  const http = running.services.http;
  return {
    http,
    url: http.urls[0]!,
    running,
    engine,
    ctx,
    stop: async () => {
      await running.stop?.();
      await engine.close();
    },
  };
}
