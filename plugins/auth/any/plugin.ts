/** auth.any: one of several authorizers must let in. */
import { Authorizer, defineManifest, definePlugin, ListOf, several, Text } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'auth.any',
  version: '1.0.0',
  api: 1,
  summary: 'Lets in whom one of several authorizers lets in: tokens for viewers, keys for encoders.',
  config: {
    of: ListOf(Text({ doc: 'The name of an authorizer.' }), {
      doc: 'The authorizers, in the order in which they are asked: the first that lets in wins.',
    }),
  },
  needs: { of: several(Authorizer) },
  provides: { auth: Authorizer },
});

export default definePlugin(manifest, () => import('./any.ts'));
