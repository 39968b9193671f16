/** Keys, checked before they become a path or a URL. */
import { EddyError, isObjectKey } from 'eddy/plugin';

/** Throws STORE_KEY_INVALID. */
export function checkKey(key: string): void {
  if (!isObjectKey(key)) throw new EddyError('STORE_KEY_INVALID', `${JSON.stringify(key.slice(0, 80))} is no key`);
}

/** The error of a second put of a key. */
export function alreadyStored(key: string): EddyError {
  return new EddyError('STORE_EXISTS', `"${key}" is stored already, and media is never overwritten`, {
    details: { key },
  });
}

/** The error of a key that is not there. */
export function notStored(key: string, cause?: unknown): EddyError {
  return new EddyError('STORE_NOT_FOUND', `"${key}" is not stored`, { details: { key }, cause });
}
