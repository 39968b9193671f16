/** From what a publisher wrote into its URL to a camera's name and its credentials. */
import type { Credentials } from 'eddy/plugin';
import type { ConnectRequest } from './parser.ts';

/** What a publisher asks for; nothing of it is trusted yet. */
export interface PublishTarget {
  /** As the peer wrote it, URL-decoded; the engine validates it. */
  readonly cameraId: string;
  /** A token, or user and password; nothing where it brought none. */
  readonly credentials: Pick<Credentials, 'token' | 'user' | 'password'>;
}

/** The app's name without query and closing slash; undefined where its escapes are broken. */
export function appName(app: string): string | undefined {
  return unescape(before(app, '?').replace(/\/+$/, ''));
}

/**
 * Reads `cam1?token=...`, or `cam1?user=...&pass=...`. The query may also be that of the app or of tcUrl, where encoders with
 * separate fields for server and stream key put it. Undefined where there is no name or its escapes are broken.
 */
export function publishTarget(name: string, connect: ConnectRequest): PublishTarget | undefined {
  const cameraId = unescape(before(name, '?'));
  if (cameraId === undefined || cameraId === '') return undefined;
  const queries = [name, connect.app, connect.tcUrl].map(queryOf);
  return { cameraId, credentials: queries.map(credentialsIn).find((each) => each !== undefined) ?? {} };
}

function queryOf(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of text.slice(before(text, '?').length + 1).split('&')) {
    const name = before(pair, '=');
    // A plus sign stays one: it is a letter of base64, and no token has spaces.
    const value = unescape(pair.slice(name.length + 1));
    if (value !== undefined && !values.has(name)) values.set(name, value);
  }
  return values;
}

function credentialsIn(query: ReadonlyMap<string, string>): PublishTarget['credentials'] | undefined {
  const [token, user, password] = ['token', 'user', 'pass'].map((name) => query.get(name));
  if (token !== undefined) return { token };
  return user === undefined ? undefined : { user, password: password ?? '' };
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
