/** Answers and refusals of the DASH routes, with their cache rules. */
import { EddyError, type HttpResponse } from 'eddy/plugin';

/** A media name never means two contents. */
const IMMUTABLE = 'max-age=31536000, immutable';

/** The media type of manifests. */
export const DASH_TYPE = 'application/dash+xml';

/** A manifest; any cache may keep it for `maxAge` seconds. */
export function manifestAnswer(body: Uint8Array, maxAge: number): HttpResponse {
  return { headers: { 'content-type': DASH_TYPE, 'cache-control': `max-age=${maxAge}` }, body };
}

/** An init segment or a segment, whole or as it is made. */
export function mediaAnswer(kind: 'video' | 'audio', body: NonNullable<HttpResponse['body']>): HttpResponse {
  return { headers: { 'content-type': `${kind}/mp4`, 'cache-control': IMMUTABLE }, body };
}

type Refusal = 'NOT_READY' | 'MEDIA_UNKNOWN' | 'RANGE_INVALID' | 'RANGE_EMPTY';

const STATUS: Readonly<Record<Refusal, number>> = {
  NOT_READY: 503,
  MEDIA_UNKNOWN: 404,
  RANGE_INVALID: 400,
  RANGE_EMPTY: 404,
};

/** An error of this plugin for the HTTP server to answer. */
export function refusal(code: Refusal, message: string): EddyError {
  return new EddyError(`publish.dash/${code}`, message, { kind: 'peer', details: { status: STATUS[code] } });
}

/** The camera exists, but there is nothing to watch now. */
export function cameraAway(cameraId: string): EddyError {
  return new EddyError('CAMERA_AWAY', `"${cameraId}" is known, but nobody publishes it now.`, {
    details: { retryAfter: 5 },
  });
}
