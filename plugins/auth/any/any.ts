/** auth.any at work. */
import type { AccessRequest, Authorizer, Context, Decision, Running } from 'eddy/plugin';
import type { manifest } from './plugin.ts';

type Refusal = Extract<Decision, { allowed: false }>;

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
  const refusals: Refusal[] = [];
  let failure: { readonly error: unknown } | undefined;
  for (const part of parts) {
    try {
      const decision = await part.authorize(request);
      if (decision.allowed) return decision;
      refusals.push(decision);
    } catch (error) {
      failure ??= { error };
    }
  }
  // The one that cannot tell might have let in.
  if (failure) throw failure.error;
  return joined(refusals);
}

/**
 * Who is known somewhere hears what is missing there, not that nobody else knows them. Of reasons alike each is told: the key that is not
 * known to one may be the token that is over for the other.
 */
function joined(refusals: readonly Refusal[]): Refusal {
  const known = refusals.filter(({ reason }) => reason === 'forbidden');
  const best = known.length > 0 ? known : refusals;
  const message = [...new Set(best.map((refusal) => refusal.message))].join(' ');
  return { allowed: false, reason: known.length > 0 ? 'forbidden' : 'unauthenticated', message };
}
