/**
 * Requests that two servers may read in two ways: a proxy in front sees one, we another (request smuggling, RFC 9112 11.2). Node refuses what is wrong
 * with lengths and encodings (both of Content-Length and Transfer-Encoding, two lengths); of a header that may stand once it takes the first.
 */
import type { IncomingMessage } from 'node:http';
import { EddyError } from 'eddy/plugin';
import type { Headers } from './cors.ts';

/** Headers that say where a request goes or who sends it. */
const ONCE = new Set(['host', 'authorization', ':authority', ':path']);

/**
 * Throws HTTP_BAD_REQUEST for a header twice, and for a Host that is not the authority (RFC 9113 8.3.1); the answer ends a connection of HTTP/1,
 * since nobody knows what else is on it.
 */
export function refuseAmbiguous({ rawHeaders, httpVersionMajor }: IncomingMessage, answer: Headers): void {
  let seen: Record<string, string> | undefined;
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const raw = rawHeaders[i]!;
    // "host", ":path", ":authority" and "authorization"; most others are passed by at the cost of a comparison.
    if (raw.length !== 4 && raw.length !== 5 && raw.length !== 10 && raw.length !== 13) continue;
    const name = raw.toLowerCase();
    if (!ONCE.has(name)) continue;
    seen ??= {};
    if (seen[name] !== undefined) {
      if (httpVersionMajor === 1) answer.connection = 'close';
      throw bad(`the header "${name}" is there twice`);
    }
    seen[name] = rawHeaders[i + 1]!;
  }
  if (httpVersionMajor < 2 || seen?.host === undefined) return;
  const authority = seen[':authority'];
  if (authority !== undefined && authority.toLowerCase() !== seen.host.toLowerCase()) {
    throw bad('"host" and ":authority" are not the same');
  }
}

const bad = (why: string): EddyError => new EddyError('HTTP_BAD_REQUEST', `This request is refused: ${why}.`);
