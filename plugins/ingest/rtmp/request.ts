/** From what a publisher wrote into its URL to a camera's name and a token. */
import type { ConnectRequest } from './parser.ts';

/** What a publisher asks for; nothing of it is trusted yet. */
export interface PublishTarget {
  /** As the peer wrote it, URL-decoded; the engine validates it. */
  readonly cameraId: string;
  readonly token: string | undefined;
}

/** The app's name without query and closing slash; undefined where its escapes are broken. */
export function appName(app: string): string | undefined {
  return unescape(before(app, '?').replace(/\/+$/, ''));
}

/**
 * Reads `cam1?token=...`. The token may also stand in the query of the app or of tcUrl, where encoders with separate
 * fields for server and stream key put it. Undefined where there is no name or its escapes are broken.
 */
export function publishTarget(name: string, connect: ConnectRequest): PublishTarget | undefined {
  const cameraId = unescape(before(name, '?'));
  if (cameraId === undefined || cameraId === '') return undefined;
  const token = tokenIn(name) ?? tokenIn(connect.app) ?? tokenIn(connect.tcUrl);
  return { cameraId, token };
}

function tokenIn(text: string): string | undefined {
  const at = text.indexOf('?');
  if (at < 0) return undefined;
  for (const pair of text.slice(at + 1).split('&')) {
    // A plus sign stays one: it is a letter of base64, and no token has spaces.
    if (pair.startsWith('token=')) return unescape(pair.slice('token='.length));
  }
  return undefined;
}

function before(text: string, mark: string): string {
  const at = text.indexOf(mark);
  return at < 0 ? text : text.slice(0, at);
}

function unescape(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
