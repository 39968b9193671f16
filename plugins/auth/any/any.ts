/** auth.any at work. */
import type { AccessRequest, Authorizer, Context, Decision, Running } from 'eddy/plugin';
import type { manifest } from './plugin.ts';

/** Makes the authorizer. */
export function create(ctx: Context<typeof manifest>): Running<typeof manifest> {
  const parts = ctx.services.of;
  const authorizer: Authorizer = {
    get open() {
      return parts.some((part) => part.open);
    },
    authorize: (request) => decide(parts, request),
    onRevoked: (listener) => {
      const stops = parts.map((part) => part.onRevoked?.(listener));
      return () => stops.forEach((stop) => stop?.());
    },
  };
  return { services: { auth: authorizer } };
}

/** One after the other: who is let in by a key is never told to a webhook that stands behind it. */
async function decide(parts: readonly Authorizer[], request: AccessRequest): Promise<Decision> {
  let refusal: Exclude<Decision, { allowed: true }> | undefined;
  let failure: { readonly error: unknown } | undefined;
  for (const part of parts) {
    try {
      const decision = await part.authorize(request);
      if (decision.allowed) return decision;
      // Who is known somewhere hears what is missing there, not that nobody else knows them.
      const isBetter = refusal === undefined || (refusal.reason !== 'forbidden' && decision.reason === 'forbidden');
      if (isBetter) refusal = decision;
    } catch (error) {
      failure ??= { error };
    }
  }
  // The one that cannot tell might have let in.
  if (failure) throw failure.error;
  return refusal!;
}
