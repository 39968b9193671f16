/** A webhook server and the authorizer that asks it; all of it real but the clock. */
import { rmSync } from 'node:fs';
import { parseFields, type Action, type Context, type Credentials, type Peer } from '../../../core/plugin/index.ts';
import plugin, { manifest } from '../../../plugins/auth/webhook/plugin.ts';
import { create } from '../../../plugins/auth/webhook/webhook.ts';
import { access } from '../../contract/authorizer.ts';
import { startJsonServer, type Answerer } from '../../support/json-server.ts';
import { fakeContext } from '../http/fake-context.ts';

/** Starts both; `url` may name another server. */
export async function startWebhook(answer: Answerer, written: Readonly<Record<string, unknown>> = {}) {
  const server = await startJsonServer(answer);
  const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, { url: server.url, ...written });
  let passed = 0;
  const { now, monotonic } = { now: Date.now, monotonic: () => performance.now() };
  Object.assign(ctx.clock, { now: () => now() + passed, monotonic: () => monotonic() + passed });
  const running = create(ctx);
  const stop = async (): Promise<void> => {
    await running.stop?.();
    await engine.close();
    await server.close();
    rmSync(ctx.baseDir, { recursive: true, force: true });
  };
  await running.start?.();
  const auth = running.services.auth;
  return {
    server,
    engine,
    auth,
    stop,
    pass: (ms: number) => void (passed += ms),
    ask: (
      credentials: Credentials = { token: 'a' },
      action: Action = 'watch',
      camera: string | undefined = 'door1',
      peer: Partial<Peer> = {},
    ) => {
      const question = access(action, camera, credentials);
      return auth.authorize({ ...question, peer: { ...question.peer, ...peer } });
    },
  };
}

/** Codes of what the manifest finds wrong with options. */
export function problemsOf(written: Readonly<Record<string, unknown>>): string[] {
  const parsed = parseFields(manifest.config, written);
  if ('error' in parsed) throw new Error(parsed.error);
  return manifest.check!(parsed.value as never).map(({ code }) => code);
}
