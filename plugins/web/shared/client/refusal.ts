/** How the server says no. Without the DOM, so that tests in Node read it too. */

/** A refusal as the server says it. */
export interface Refusal {
  /** HTTP status; 0 where nobody answered. */
  readonly status: number;
  readonly code?: string;
  readonly message?: string;
  readonly mend?: string;
}

/** True for a refusal. */
export function isRefusal(value: object | undefined): value is Refusal {
  return value !== undefined && 'status' in value;
}
