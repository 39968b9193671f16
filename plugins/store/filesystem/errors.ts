/** What the system's errors mean to whoever uses the store. */
import { EddyError, type Code } from 'eddy/plugin';

const CODES: Readonly<Record<string, Code>> = {
  ENOSPC: 'STORE_FULL',
  EDQUOT: 'STORE_FULL',
  EACCES: 'STORE_DENIED',
  EPERM: 'STORE_DENIED',
  EROFS: 'STORE_DENIED',
};

/** The system's code of an error (`ENOENT`), or undefined. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? code : undefined;
}

/** An error of the file system under the store's code; anything else stays as it is. */
export function storeError(error: unknown, doing: string): unknown {
  const system = systemCode(error);
  if (system === undefined || error instanceof EddyError) return error;
  const message = `cannot ${doing}: ${(error as Error).message}`;
  return new EddyError(CODES[system] ?? 'STORE_UNREACHABLE', message, { cause: error, details: { system } });
}
