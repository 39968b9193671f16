/** Grants that hold only until they are asked for again. */
import type { AccessRequest, Grant } from '../contracts/index.ts';
import type { Clock } from '../plugin/index.ts';
import type { Access } from './access.ts';

/** What becomes of the answers. */
export interface RecheckListener {
  readonly granted?: (grant: Grant) => void;
  readonly refused: (message: string) => void;
}

/**
 * Asks the same again whenever the grant says so, until it is refused or cancelled by the returned function. Where the authorizer cannot
 * tell, the grant says what follows.
 */
export function keepAsking(
  { access, clock }: { readonly access: Access; readonly clock: Clock },
  request: AccessRequest,
  first: Grant,
  { granted, refused }: RecheckListener,
): () => void {
  // A sealed session was asked for with a token that is not here any more: it ends by its own bound.
  if (request.credentials.session !== undefined) return () => {};
  let cancelled = false;
  let cancelTimer = (): void => {};
  const ask = async (held: Grant): Promise<void> => {
    let answer;
    try {
      answer = await access.ask(request);
    } catch {
      if (cancelled) return;
      if (held.onOutage === 'end') refused('the authorizer cannot tell any more whether you may go on');
      else schedule(held);
      return;
    }
    if (cancelled) return;
    if (!answer.allowed) return refused(answer.message);
    granted?.(answer);
    schedule(answer);
  };
  const schedule = (grant: Grant): void => {
    if (grant.recheck !== undefined) cancelTimer = clock.after(grant.recheck, () => void ask(grant));
  };
  schedule(first);
  return () => {
    cancelled = true;
    cancelTimer();
  };
}
