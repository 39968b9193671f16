/** auth.all: each of several authorizers must let in. */
import { Authorizer, defineManifest, definePlugin, ListOf, several, Text } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'auth.all',
  version: '1.0.0',
  api: 1,
  summary: 'Lets in whom each of several authorizers lets in, under the tightest of their limits.',
  config: {
    of: ListOf(Text({ doc: 'The name of an authorizer.' }), {
      doc: 'The authorizers, in the order in which they are asked: the first that refuses ends it.',
    }),
  },
  needs: { of: several(Authorizer) },
  provides: { auth: Authorizer },
});

export default definePlugin(manifest, () => import('./all.ts'));
