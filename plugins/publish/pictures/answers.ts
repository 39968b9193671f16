/** Answers and refusals of the picture routes. */
import { EddyError, type HttpResponse } from 'eddy/plugin';

type Refusal = 'NO_PICTURE' | 'REQUEST_INVALID' | 'BUSY';

const STATUS: Readonly<Record<Refusal, number>> = { NO_PICTURE: 404, REQUEST_INVALID: 400, BUSY: 503 };

/** An error of this plugin for the HTTP server to answer. */
export function refusal(code: Refusal, message: string): EddyError {
  const again = code === 'REQUEST_INVALID' ? {} : { retryAfter: 1 };
  return new EddyError(`publish.pictures/${code}`, message, {
    kind: 'peer',
    details: { status: STATUS[code], ...again },
  });
}

/** A picture; it was shown to one who may see it, so no shared cache keeps it. */
export function pictureAnswer(body: Uint8Array, cacheControl: string, more: Record<string, string> = {}): HttpResponse {
  return { headers: { 'content-type': 'image/jpeg', 'cache-control': `private, ${cacheControl}`, ...more }, body };
}
