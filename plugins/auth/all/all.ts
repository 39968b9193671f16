/** auth.all at work. */
import type { AccessRequest, Authorizer, Context, Decision, Grant, Running } from 'eddy/plugin';
import { forbidden } from '../shared/decide.ts';
import { Aliases } from './aliases.ts';
import type { manifest } from './plugin.ts';
import { tightest } from './tightest.ts';

/** Makes the authorizer. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const parts = ctx.services.of;
  const aliases = new Aliases();

  const decide = async (request: AccessRequest): Promise<Decision> => {
    const grants: Grant[] = [];
    for (const part of parts) {
      const decision = await part.authorize(request);
      if (!decision.allowed) return decision;
      grants.push(decision);
    }
    const grant = tightest(grants, request.action);
    if (grant === undefined) return forbidden('What is asked of you here cannot all be met from any one address.');
    for (const { subject } of grants) aliases.add(subject, grant.subject);
    return grant;
  };

  const authorizer: Authorizer = {
    get open() {
      return parts.every((part) => part.open);
    },
    authorize: decide,
    onRevoked: (listener) => {
      // The engine knows people by the name under which they were let in here.
      const told = ({ subject }: { subject: string }): void => {
        for (const name of aliases.of(subject)) listener({ subject: name });
      };
      const stops = parts.map((part) => part.onRevoked?.(told));
      return () => stops.forEach((stop) => stop?.());
    },
  };
  return { services: { auth: authorizer } };
}
