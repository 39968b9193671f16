/** A pipeline with a gateway whose sessions a test opens, and an authorizer that answers as it is told. */
import type { CheckedGraph } from '../../../core/graph/checked.ts';
import { Authorizer, type AccessRequest, type Context, type Decision } from '../../../core/plugin/index.ts';
import { serviceOf, testPipeline, testPlugin } from '../../../core/testing/index.ts';
import { avSource } from './support.ts';

/** How an authorizer answers in a test. */
export type Answer = (request: AccessRequest) => Decision | Promise<Decision>;

interface GatewayOptions {
  readonly sessions?: Partial<CheckedGraph['sessions']>;
  readonly dataDir?: string;
}

/** A gateway, a source, and an authorizer that answers as it is told. */
export async function gateway(
  answer: Answer = () => ({ allowed: true, subject: 'ann' }),
  { sessions, dataDir }: GatewayOptions = {},
) {
  const asked: AccessRequest[] = [];
  const listeners = new Set<(revoked: { subject: string }) => void>();
  const authorizer: Authorizer = {
    open: false,
    authorize: async (request) => {
      asked.push(request);
      return answer(request);
    },
    onRevoked: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
  const source = avSource();
  let context!: Context;
  const whep = testPlugin({ name: 'test.gateway' }, (ctx) => {
    context = ctx;
    return {};
  });
  const t = await testPipeline(
    {
      services: { auth: serviceOf(Authorizer, authorizer) },
      stages: { source: source.plugin, whep },
      ...(sessions && { sessions }),
    },
    dataDir === undefined ? {} : { dataDir },
  );
  const open = (more: object = {}) =>
    context.sessions.open({
      cameraId: 'cam1',
      action: 'watch',
      credentials: { token: 'secret' },
      peer: { address: '10.0.0.9', protocol: 'whep' },
      ...more,
    });
  const revoke = (subject: string): void => {
    for (const listener of [...listeners]) listener({ subject });
  };
  return { t, source, open, asked, revoke, listeners, whep: () => context };
}
