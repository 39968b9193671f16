/** An authorizer that lets everyone in until the test says otherwise. */
import type { AccessRequest, Action, Authorizer, Decision, Grant } from '../../contracts/index.ts';

/** What {@link FakeAuthorizer.refuse} refuses; what is absent means any. */
export interface Refusal {
  readonly action?: Action;
  readonly cameraId?: string;
  /** Default `forbidden`. */
  readonly reason?: 'unauthenticated' | 'forbidden';
  /** Default `refused by the test`. */
  readonly message?: string;
}

/** See the file's head. */
export class FakeAuthorizer implements Authorizer {
  readonly open: boolean;
  /** Every question so far. */
  readonly asked: AccessRequest[] = [];
  readonly #listeners = new Set<(revoked: { subject: string }) => void>();
  #refusals: Refusal[] = [];
  #failure: Error | undefined;
  #limits: Partial<Grant> = {};
  #decide: ((request: AccessRequest) => Decision | undefined) | undefined;

  /**
   * `decide` answers before everything else where it returns a decision. Without it everyone is let in under the name of
   * `credentials.user`, else `anonymous`.
   */
  constructor(
    options: { readonly open?: boolean; readonly decide?: (request: AccessRequest) => Decision | undefined } = {},
  ) {
    this.open = options.open ?? false;
    this.#decide = options.decide;
  }

  async authorize(request: AccessRequest): Promise<Decision> {
    this.asked.push(request);
    if (this.#failure) throw this.#failure;
    const decision = this.#decide?.(request);
    if (decision) return decision;
    for (const { action, cameraId, reason = 'forbidden', message = 'refused by the test' } of this.#refusals) {
      const concerns =
        (action ?? request.action) === request.action && (cameraId ?? request.cameraId) === request.cameraId;
      if (concerns) return { allowed: false, reason, message };
    }
    return { ...this.#limits, allowed: true, subject: request.credentials.user ?? 'anonymous' };
  }

  onRevoked(listener: (revoked: { subject: string }) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Grants from now on under these limits, in place of those before. */
  limit(limits: Partial<Grant>): void {
    this.#limits = limits;
  }

  /** Refuses from now on whatever this describes: everything, where it says nothing. */
  refuse(refusal: Refusal = {}): void {
    this.#refusals.push(refusal);
  }

  /** Lets everyone in again. */
  allow(): void {
    this.#refusals = [];
    this.#failure = undefined;
  }

  /** Cannot tell from now on: rejects every question. */
  fail(error: Error = new Error('the authorizer is out of order')): void {
    this.#failure = error;
  }

  /** Takes a subject's rights away. */
  revoke(subject: string): void {
    for (const listener of [...this.#listeners]) listener({ subject });
  }

  /** How many listen for revocations. */
  get listeners(): number {
    return this.#listeners.size;
  }
}
