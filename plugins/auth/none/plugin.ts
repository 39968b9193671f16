/** auth.none: how an integrator says openly that anyone may do anything. */
import { Authorizer, defineManifest, definePlugin } from 'eddy/plugin';

export const manifest = defineManifest({
  name: 'auth.none',
  version: '1.0.0',
  api: 1,
  summary: 'Lets anyone publish, watch and administer; for closed networks and first steps.',
  provides: { auth: Authorizer },
});

export default definePlugin(manifest, () => import('./none.ts'));
