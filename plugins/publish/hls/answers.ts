/** Answers and refusals of the HLS routes, with their cache rules. */
import { EddyError, type HttpResponse } from 'eddy/plugin';

const PLAYLIST = 'application/vnd.apple.mpegurl';
/** A media name never means two contents. */
const IMMUTABLE = 'max-age=31536000, immutable';

/**
 * A playlist. One that was waited for answers a query that names its newest part, so any cache may keep it under its
 * whole query for `maxAge` seconds (RFC 8216bis, appendix on caching: six target durations); any other is of the moment.
 */
export function playlistAnswer(body: Uint8Array, maxAge?: number): HttpResponse {
  const cacheControl = maxAge === undefined ? 'no-cache' : `max-age=${maxAge}`;
  return { headers: { 'content-type': PLAYLIST, 'cache-control': cacheControl }, body };
}

/** An init segment, segment or part. */
export function mediaAnswer(kind: 'video' | 'audio', body: Uint8Array): HttpResponse {
  return { headers: { 'content-type': `${kind}/mp4`, 'cache-control': IMMUTABLE }, body };
}

type Refusal = 'NOT_READY' | 'DIRECTIVE_INVALID' | 'UPDATE_TIMEOUT' | 'MEDIA_UNKNOWN' | 'RANGE_INVALID' | 'RANGE_EMPTY';

const STATUS: Readonly<Record<Refusal, number>> = {
  NOT_READY: 503,
  DIRECTIVE_INVALID: 400,
  UPDATE_TIMEOUT: 503,
  MEDIA_UNKNOWN: 404,
  RANGE_INVALID: 400,
  RANGE_EMPTY: 404,
};

/** An error of this plugin for the HTTP server to answer. */
export function refusal(code: Refusal, message: string): EddyError {
  return new EddyError(`publish.hls/${code}`, message, { kind: 'peer', details: { status: STATUS[code] } });
}

/** The camera exists, but there is nothing to watch now. */
export function cameraAway(cameraId: string): EddyError {
  return new EddyError('CAMERA_AWAY', `"${cameraId}" is known, but nobody publishes it now.`, {
    details: { retryAfter: 5 },
  });
}
