/**
 * Identifiers. Every route, key and label builder takes a validated {@link CameraId}, never a string, so that a path
 * trick or a stray slash cannot travel past the place where a name enters the process.
 */

declare const brand: unique symbol;

/** A string that was checked once, at the edge, and is trusted by its type from there on. */
export type Brand<Name extends string> = string & { readonly [brand]: Name };

/** The key of everything: publishing, watching, rewinding. Case-sensitive, never normalised. */
export type CameraId = Brand<'CameraId'>;

/** One accepted publisher of a camera. */
export type PublicationId = Brand<'PublicationId'>;

/** One authorized viewer of a camera. */
export type SessionId = Brand<'SessionId'>;

/** A track's name, unique within its camera: `video`, `audio`, `video-720p`. */
export type TrackId = string;

/** What a camera's name may look like; the same text stands in every message that refuses one. */
export const CAMERA_ID_PATTERN = '[A-Za-z0-9][A-Za-z0-9._-]{0,63}';
const CAMERA_ID = new RegExp(`^${CAMERA_ID_PATTERN}$`);

/** Returns the camera's id, or undefined where the text is not one. Nothing is trimmed, decoded or folded. */
export function parseCameraId(text: unknown): CameraId | undefined {
  return typeof text === 'string' && CAMERA_ID.test(text) ? (text as CameraId) : undefined;
}

const CAMERA_PATTERN = new RegExp(`^(?:\\*|(?:${CAMERA_ID_PATTERN}))$|^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\\*$`);

/** True where the text is a camera pattern: `*`, an exact id, or a prefix that ends in `*` (`acme.*`). */
export function isCameraPattern(text: unknown): text is string {
  return typeof text === 'string' && CAMERA_PATTERN.test(text);
}

/** Tells whether a pattern (`*`, `door1`, `acme.*`) names this camera. */
export function matchesCamera(pattern: string, camera: CameraId): boolean {
  if (pattern.endsWith('*')) return camera.startsWith(pattern.slice(0, -1));
  return pattern === camera;
}
