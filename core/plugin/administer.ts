/** Guards routes of administration. */
import { credentialsOf, peerOf, type HttpRequest } from '../contracts/index.ts';
import type { Context } from './context.ts';

/** Whether a method changes anything by what it means (RFC 9110 9.2.1). */
const isSafe = (method: string): boolean => method === 'GET' || method === 'HEAD' || method === 'OPTIONS';

/**
 * Rejects as `sessions.open` does where the sender of a request may not administer the pipeline; a request that changes something
 * needs the full role, and is told to the audit log. `quiet`: the answer only decides what is shown.
 */
export function administer(
  { sessions }: Pick<Context, 'sessions'>,
  request: HttpRequest,
  quiet = false,
): Promise<{ readonly userId: string }> {
  return sessions.administer({
    credentials: credentialsOf(request),
    peer: peerOf(request, 'api'),
    what: `${request.method} ${request.path}`,
    change: !isSafe(request.method),
    quiet,
  });
}
