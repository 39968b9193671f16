/** A webhook server and the authorizer that asks it. */
import type { Action, Credentials, Peer } from '../../../core/plugin/index.ts';
import plugin from '../../../plugins/auth/webhook/plugin.ts';
import { create } from '../../../plugins/auth/webhook/webhook.ts';
import { startJsonServer, type Answerer } from '../../support/json-server.ts';
import { startAuthorizer } from './kit.ts';

/** Starts both; `url` may name another server. */
export async function startWebhook(answer: Answerer, written: Readonly<Record<string, unknown>> = {}) {
  const server = await startJsonServer(answer);
  const started = await startAuthorizer(plugin, create, { url: server.url, ...written }).catch(
    async (error: unknown) => {
      await server.close();
      throw error;
    },
  );
  const stop = async (): Promise<void> => {
    await started.stop();
    await server.close();
  };
  const ask = (
    credentials: Credentials = { token: 'a' },
    action: Action = 'watch',
    camera: string | undefined = 'door1',
    peer: Partial<Peer> = {},
  ) => started.ask(action, camera, credentials, peer);
  return { ...started, server, stop, ask };
}
