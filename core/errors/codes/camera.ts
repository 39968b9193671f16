/** Cameras, publications and sessions. */
import { defineCodes } from '../define.ts';

export const cameraCodes = defineCodes({
  CAMERA_ID_INVALID: {
    severity: 'error',
    kind: 'peer',
    meaning:
      'The camera name is not one: letters, digits, ".", "_" and "-", at most 64, beginning with a letter or digit.',
    mend: 'Publish or watch under a name such as "cam1" or "acme.door1", without slashes, spaces or other signs.',
    example: 'rtmp://localhost:1935/live/front/door -> rtmp://localhost:1935/live/front.door',
  },
  CAMERA_UNKNOWN: {
    severity: 'error',
    kind: 'peer',
    meaning: 'No camera of this name has published to this pipeline.',
    mend: 'Check the spelling (names are case-sensitive) against /api/v1/cameras, or start the publisher.',
    example: 'GET /hls/Cam1/index.m3u8 while "cam1" publishes',
  },
  CAMERA_AWAY: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The camera is known but nobody publishes it now.',
    mend: 'Start the publisher, or watch its past where a timeshift keeps it.',
    example: 'GET /hls/cam1/index.m3u8 after its publisher left',
  },
  CAMERA_NO_DVR: {
    severity: 'warning',
    kind: 'caps',
    meaning:
      'What the camera sends cannot be recorded here, so it has no rewind and no HLS or DASH; WebRTC may show it.',
    mend: 'Publish H.264, VP9 or AV1 with Opus or AAC.',
    example: 'a browser that publishes VP8 by WHIP, linked to package.cmaf',
  },
  PUBLISH_REFUSED: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The authorizer did not let this publisher in.',
    mend: 'Publish with a token that grants "publish" on this camera: rtmp://host/live/cam1?token=...',
    example: 'ffmpeg ... rtmp://localhost:1935/live/cam1?token=wrong',
  },
  PUBLISH_CONFLICT: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The camera already has a publisher, and the pipeline says that a second one is refused.',
    mend: 'Stop the first publisher, or set "cameras: { second-publisher: take-over }" (or "standby") in the pipeline.',
    example: 'cameras: { second-publisher: refuse }',
  },
  PUBLISH_REPLACED: {
    severity: 'info',
    kind: 'peer',
    meaning: 'Another publisher of the same camera took over, as the pipeline says.',
    mend: 'Nothing, where that is meant; else give each publisher its own camera name, or set "second-publisher: refuse".',
    example: 'cameras: { second-publisher: take-over }',
  },
  GATE_CLOSED: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The pipeline is starting or draining and lets nobody in.',
    mend: 'Try again in a few seconds; /readyz tells when it is open.',
    example: 'a publisher that comes while the process shuts down',
  },
  WATCH_REFUSED: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The authorizer did not let this viewer in.',
    mend: 'Watch with a token that grants the action on this camera: ?token=... or "Authorization: Bearer ...".',
    example: 'GET /hls/cam1/index.m3u8?token=wrong',
  },
  REWIND_TOO_DEEP: {
    severity: 'error',
    kind: 'peer',
    meaning: 'This viewer may go back only so far, and asked for an earlier moment.',
    mend: 'Begin at the moment that the message names, or ask for a grant with a longer "rewind".',
    example: 'GET /hls/cam1/index.m3u8?start=2026-01-01T00:00:00Z with a grant of rewind: 30m',
  },
  SESSIONS_TOO_MANY: {
    severity: 'error',
    kind: 'peer',
    meaning: 'This user has as many sessions open as the grant allows, over all cameras and transports.',
    mend: 'Close another player; one that is silent ends by itself. "sessions: { at-limit: end-oldest }" of the pipeline ends the oldest instead.',
    example: 'the third player of a user whose grant says sessions: 2',
  },
  SESSION_ENDED: {
    severity: 'info',
    kind: 'peer',
    meaning: 'This session was ended by an operator, or in favour of a newer one of the same user.',
    mend: 'Ask the operator; the grant itself may still hold, and a new session be opened.',
    example: 'DELETE /api/v1/sessions/{id}',
  },
  SESSION_UNKNOWN: {
    severity: 'error',
    kind: 'peer',
    meaning: 'There is no session of this id; it may have ended by itself.',
    mend: 'GET /api/v1/sessions lists those that are open.',
    example: 'DELETE /api/v1/sessions/{id}, twice',
  },
  REVOCATION_UNKNOWN: {
    severity: 'error',
    kind: 'peer',
    meaning: 'This user is not revoked; the revocation may have ended by itself.',
    mend: 'GET /api/v1/revocations lists those that hold.',
    example: 'DELETE /api/v1/revocations/ann, twice',
  },
  REVOCATIONS_UNREADABLE: {
    severity: 'error',
    kind: 'config',
    meaning: 'The list of revoked users and sessions in the data folder is damaged.',
    mend: 'Restore the file from a backup, or delete it: then nobody is revoked any more.',
    example: 'data/revocations.json was edited by hand',
  },
  AUTH_UNAVAILABLE: {
    severity: 'error',
    kind: 'peer',
    meaning: 'The authorizer did not answer, so nobody new is let in.',
    mend: 'See the log of the auth service; sessions that were let in before go on.',
    example: 'auth.webhook while its endpoint is down',
  },
});
