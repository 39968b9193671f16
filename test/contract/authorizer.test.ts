import type { Context } from '../../core/plugin/index.ts';
import { create as createNone } from '../../plugins/auth/none/none.ts';
import none, { type manifest as noneManifest } from '../../plugins/auth/none/plugin.ts';
import statics, { type manifest as staticManifest } from '../../plugins/auth/static/plugin.ts';
import { create as createStatic } from '../../plugins/auth/static/static.ts';
import { fakeContext } from '../unit/http/fake-context.ts';
import { authorizerContract } from './authorizer.ts';

authorizerContract('auth.none', async () => {
  const { ctx, engine } = fakeContext<Context<typeof noneManifest>>(none);
  const running = createNone(ctx);
  return { authorizer: running.services.auth, publisher: { token: 'anything' }, stop: () => engine.close() };
});

authorizerContract('auth.static', async () => {
  const token = '0123456789abcdef';
  const { ctx, engine } = fakeContext<Context<typeof staticManifest>>(statics, {
    keys: [{ token, subject: 'gate', cameras: ['acme.*'], actions: ['publish', 'admin'] }],
  });
  const running = createStatic(ctx);
  await running.start?.();
  return {
    authorizer: running.services.auth,
    publisher: { token },
    stop: async () => {
      await running.stop?.();
      await engine.close();
    },
  };
});
