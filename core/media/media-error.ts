/** The refusals of the format parsers: bytes come from strangers, so each says what is wrong and none is a crash. */

/** Why bytes were refused; each code is listed in `core/errors/codes/media.ts`. */
export type MediaErrorCode =
  /** The bytes end before what they announce. */
  | 'MEDIA_TRUNCATED'
  /** The bytes contradict their format. */
  | 'MEDIA_MALFORMED'
  /** A valid use of the format that Eddy does not carry. */
  | 'MEDIA_UNSUPPORTED'
  /** An announced size is above the limit. */
  | 'MEDIA_TOO_LARGE';

/** What every parser of `eddy/media` throws or returns for bytes that it refuses; it throws nothing else. */
export class MediaError extends Error {
  override readonly name = 'MediaError';
  readonly code: MediaErrorCode;

  constructor(code: MediaErrorCode, message: string) {
    super(message);
    this.code = code;
  }
}

/** Shorthand for the most common refusal. */
export function truncated(what: string): MediaError {
  return new MediaError('MEDIA_TRUNCATED', `${what} ends before its announced length`);
}

/** Shorthand for bytes that contradict their format. */
export function malformed(message: string): MediaError {
  return new MediaError('MEDIA_MALFORMED', message);
}
