/** Refusals of the clip route. */
import { EddyError } from 'eddy/plugin';

type Refusal = 'RANGE_INVALID' | 'RANGE_EMPTY' | 'CODEC_CHANGES' | 'BUSY' | 'MEDIA_GONE';

const STATUS: Readonly<Record<Refusal, number>> = {
  RANGE_INVALID: 400,
  RANGE_EMPTY: 404,
  CODEC_CHANGES: 409,
  BUSY: 503,
  MEDIA_GONE: 404,
};

/** An error of this plugin for the HTTP server to answer. */
export function refusal(code: Refusal, message: string): EddyError {
  return new EddyError(`publish.clips/${code}`, message, {
    kind: 'peer',
    details: { status: STATUS[code], ...(code === 'BUSY' && { retryAfter: 10 }) },
  });
}
