/** What an error of the client or the server means to whoever uses the index. */
import { EddyError, type Code } from 'eddy/plugin';

/** By SQLSTATE (PostgreSQL, appendix A) or code of the system; the first that fits. Everything else is unreachable. */
const CODES: readonly (readonly [pattern: RegExp, code: Code])[] = [
  [/^53100$/, 'INDEX_FULL'],
  // Wrong password or user, a right or the database missing, a standby that only reads.
  [/^(28...|42501|3D000|25006)$/, 'INDEX_DENIED'],
  // A damaged table or index, a file gone, a table that somebody else has removed or changed.
  [/^(XX00[12]|58P01|42P01|42703|3F000)$/, 'INDEX_CORRUPT'],
];

/** Data that the server cannot take, whatever its state: class 22 (data) and 23 (constraints). */
const REFUSED = /^2[23]...$/;

const codeOf = (error: unknown): string => {
  const { code } = error as { code?: unknown };
  return typeof code === 'string' ? code : '';
};

/** Whether it is the data that is refused: the same again would be refused again. */
export const isRefusal = (error: unknown): boolean => REFUSED.test(codeOf(error));

/** `where` is the address without user and password. */
export function indexError(error: unknown, where: string): EddyError {
  if (error instanceof EddyError) return error;
  const code = codeOf(error);
  const known = CODES.find(([pattern]) => pattern.test(code))?.[1];
  const message = `${where}: ${messageOf(error)}${code === '' ? '' : ` (${code})`}`;
  return new EddyError(known ?? (isRefusal(error) ? 'INDEX_SEGMENT_INVALID' : 'INDEX_UNREACHABLE'), message);
}

/** A host with several addresses fails with one error for each, and an empty message. */
function messageOf(error: unknown): string {
  if (error instanceof AggregateError) return error.errors.map(messageOf).join(', ');
  return error instanceof Error ? error.message : String(error);
}
