import { Authorizer } from '../../core/plugin/index.ts';
import { testPipeline } from '../../core/testing/index.ts';
import { create as createNone } from '../../plugins/auth/none/none.ts';
import all from '../../plugins/auth/all/plugin.ts';
import any from '../../plugins/auth/any/plugin.ts';
import none from '../../plugins/auth/none/plugin.ts';
import statics from '../../plugins/auth/static/plugin.ts';
import { create as createStatic } from '../../plugins/auth/static/static.ts';
import { startAuthorizer } from '../unit/auth/kit.ts';
import { sign, SECRET, startJwt } from '../unit/auth/jwt-kit.ts';
import { startWebhook } from '../unit/auth/webhook-kit.ts';
import { authorizerContract } from './authorizer.ts';

authorizerContract('auth.none', async () => {
  const { auth, stop } = await startAuthorizer(none, createNone);
  return { authorizer: auth, publisher: { token: 'anything' }, stop };
});

authorizerContract('auth.static', async () => {
  const token = '0123456789abcdef';
  const keys = [{ token, subject: 'gate', cameras: ['acme.*'], actions: ['publish', 'admin'] }];
  const { auth, stop } = await startAuthorizer(statics, createStatic, { keys });
  return { authorizer: auth, publisher: { token }, stop };
});

/** Two of auth.static, joined: `publisher` is known to the second where one must let in, to both where each must. */
for (const plugin of [any, all]) {
  authorizerContract(plugin.manifest.name, async () => {
    const publisher = { token: '0123456789abcdef' };
    const keys = [{ token: publisher.token, subject: 'gate', cameras: ['acme.*'], actions: ['publish', 'admin'] }];
    const others = [{ token: 'fedcba9876543210', subject: 'other', actions: ['watch'] }];
    const pipeline = await testPipeline({
      services: {
        first: { plugin: statics, config: { keys: plugin === any ? others : keys } },
        second: { plugin: statics, config: { keys } },
        auth: { plugin, config: { of: ['first', 'second'] } },
      },
    });
    return {
      authorizer: pipeline.service(Authorizer, 'auth'),
      publisher,
      stop: async () => void (await pipeline.stop()),
    };
  });
}

authorizerContract('auth.jwt', async () => {
  const { auth, stop } = await startJwt({ secrets: [SECRET] });
  return { authorizer: auth, publisher: { token: await sign(SECRET) }, stop };
});

authorizerContract('auth.webhook', async () => {
  const publisher = { token: '0123456789abcdef' };
  const { auth, stop } = await startWebhook(({ body }) => {
    const asked = JSON.parse(body) as { action: string; camera?: string; credentials: { token?: string } };
    if (asked.credentials.token !== publisher.token) return { allowed: false, reason: 'unauthenticated' };
    const may = asked.action === 'publish' && asked.camera?.startsWith('acme.') === true;
    return may ? { allowed: true, subject: 'gate' } : { allowed: false, reason: 'forbidden' };
  });
  return { authorizer: auth, publisher, stop };
});
