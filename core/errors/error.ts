/** The one error class: a code from the catalogue, a message for the reader, and details for machines. */
import type { ErrorKind, Severity } from './define.ts';
import { catalogue, type Code } from './catalogue.ts';

/** A plugin's own code, as it prints: `ingest.rtmp/CHUNK_TOO_LARGE`. */
export type PluginCode = `${string}/${string}`;

/** Options of {@link EddyError}. */
export interface EddyErrorOptions {
  /** Plain JSON for logs and APIs; never a secret. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly cause?: unknown;
  /** For plugin codes, which the core's catalogue does not hold. */
  readonly kind?: ErrorKind;
  readonly severity?: Severity;
}

/** An error that a user can meet. `message` is plain English; `code` leads to meaning and mend by `eddy explain`. */
export class EddyError extends Error {
  override readonly name = 'EddyError';
  readonly code: Code | PluginCode;
  readonly kind: ErrorKind;
  readonly severity: Severity;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: Code | PluginCode, message: string, options: EddyErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const known = code in catalogue ? catalogue[code as Code] : undefined;
    this.code = code;
    this.kind = options.kind ?? known?.kind ?? 'plugin';
    this.severity = options.severity ?? known?.severity ?? 'error';
    this.details = options.details ?? {};
  }
}

/** The error as an EddyError: itself, or wrapped under `code` with its message kept. */
export function asEddyError(error: unknown, code: Code | PluginCode = 'INTERNAL'): EddyError {
  if (error instanceof EddyError) return error;
  const message = error instanceof Error ? error.message : String(error);
  return new EddyError(code, message, { cause: error });
}
