/** The request target (RFC 9112 3.2), split and decoded once; whatever could be read in two ways is refused. */
import { EddyError } from 'eddy/plugin';

/** A request target in parts. */
export interface Target {
  /** The path, percent-decoded once. */
  readonly path: string;
  /** Its parts, decoded: `/a/b` gives `['a', 'b']`, `/a/` gives `['a', '']`. */
  readonly segments: readonly string[];
  /** The query without its question mark, not decoded. */
  readonly search: string;
  /** The sealed session that stands before the path: `/~{session}/a/b` is `/a/b` with one. */
  readonly session: string | undefined;
}

/** Characters of a path that mean only themselves (RFC 3986 pchar without percent-encoding). */
const PLAIN = /^\/[A-Za-z0-9/._~!$&'()*+,;=:@-]*$/;
/** Control characters, backslashes (a slash for some) and what is left of a double encoding. */

const AMBIGUOUS = /[\x00-\x1f\x7f\\]|%[0-9a-fA-F]{2}/;

/** Parses a request target. Throws HTTP_BAD_PATH. */
export function parseTarget(target: string): Target {
  const mark = target.indexOf('?');
  let raw = mark < 0 ? target : target.slice(0, mark);
  const search = mark < 0 ? '' : target.slice(mark + 1);
  // Absolute form: a client that takes us for a proxy. Servers must accept it (RFC 9112 3.2.2).
  if (raw.charCodeAt(0) !== 47)
    raw = /^https?:\/\/[^/]+(\/.*)?$/i.exec(raw)?.[1] ?? (/^https?:\/\/[^/]+$/i.test(raw) ? '/' : raw);

  if (!raw.startsWith('/~')) return targetOf(raw, search, undefined);
  const end = raw.indexOf('/', 2);
  if (end < 0) throw bad('nothing stands behind its session');
  return targetOf(raw.slice(end), search, raw.slice(2, end));
}

function targetOf(raw: string, search: string, session: string | undefined): Target {
  const plain = PLAIN.test(raw);
  if (!plain && raw.charCodeAt(0) !== 47) throw bad('it does not begin with "/"');
  const parts = raw.split('/');
  parts.shift();
  const segments = plain ? parts : parts.map(decode);
  if (raw.includes('.') || !plain) {
    for (const segment of segments) if (segment === '.' || segment === '..') throw bad('it has a dot segment');
  }
  return { path: plain ? raw : `/${segments.join('/')}`, segments, search, session };
}

function decode(segment: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(segment);
  } catch {
    throw bad('its percent-encoding is not UTF-8');
  }
  if (decoded.includes('/')) throw bad('it has an encoded slash');
  if (AMBIGUOUS.test(decoded)) throw bad('it has control characters, a backslash or a double encoding');
  return decoded;
}

const bad = (why: string): EddyError => new EddyError('HTTP_BAD_PATH', `The path of this address is refused: ${why}.`);
