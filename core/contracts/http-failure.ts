/** Errors as answers: JSON `{ code, message, mend }` with the status that fits the code. */
import { catalogue, EddyError, type Code } from '../errors/index.ts';
import type { HttpResponse } from './http-server.ts';

const STATUS: Readonly<Partial<Record<Code, number>>> = {
  CAMERA_ID_INVALID: 404,
  CAMERA_UNKNOWN: 404,
  CAMERA_AWAY: 404,
  PUBLISH_REFUSED: 403,
  WATCH_REFUSED: 403,
  REWIND_TOO_DEEP: 403,
  SESSIONS_TOO_MANY: 429,
  SESSION_ENDED: 403,
  SESSION_UNKNOWN: 404,
  REVOCATION_UNKNOWN: 404,
  PUBLISH_CONFLICT: 409,
  GATE_CLOSED: 503,
  AUTH_UNAVAILABLE: 503,
  SERVICE_RESTARTING: 503,
  HTTP_BAD_PATH: 400,
  HTTP_BAD_REQUEST: 400,
  HTTP_NOT_FOUND: 404,
  HTTP_METHOD_NOT_ALLOWED: 405,
  HTTP_BODY_TOO_LARGE: 413,
  HTTP_TOO_MANY_REQUESTS: 429,
};

/** The headers of every JSON answer: it is of this moment, and nothing else than what it says it is. */
export const JSON_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'application/json; charset=utf-8',
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  // Opened as a page, it does nothing and is in nobody's frame.
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
};

/** The status for an error: `details.status` where it says one, else by its code, else by its kind. */
function statusOf(error: EddyError): number {
  const { status, reason } = error.details;
  if (typeof status === 'number' && status >= 400 && status <= 599) return status;
  const byCode = STATUS[error.code as Code];
  if (byCode === 403 && reason === 'unauthenticated') return 401;
  return byCode ?? (error.kind === 'peer' ? 400 : 500);
}

/**
 * What an HTTP server answers for an error that a handler threw, so that every server of the contract answers alike. The
 * text of an unknown error stays in the log: it may hold anything.
 */
export function failureResponse(error: unknown): HttpResponse {
  const known = error instanceof EddyError && error.kind !== 'internal' ? error : undefined;
  const code = known?.code ?? 'INTERNAL';
  const message = known?.message ?? 'The server failed at this request; its log says more.';
  const mend = code in catalogue ? catalogue[code as Code].mend : undefined;
  const status = known ? statusOf(known) : 500;
  const retryAfter = known?.details.retryAfter ?? (status === 503 ? 2 : undefined);
  return {
    status,
    headers: {
      ...JSON_HEADERS,
      ...(status === 401 ? { 'www-authenticate': 'Bearer realm="eddy"' } : {}),
      ...(typeof retryAfter === 'number' ? { 'retry-after': String(retryAfter) } : {}),
    },
    body: JSON.stringify({ code, message, ...(mend === undefined ? {} : { mend }) }),
  };
}
