/** URLs of the operator's servers. */
import type { ServerAddress } from 'eddy/plugin';

/** True for `http:` to another machine: everyone on the way reads it, and may change it. */
export function isPlainAndFar(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && hostname !== 'localhost' && hostname !== '[::1]' && !/^127\./.test(hostname);
}

/** The server behind a URL, for `eddy doctor`; none where it is no URL, or not there. */
export function serversOf(url: string | undefined): ServerAddress[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  return [{ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) || (protocol === 'https:' ? 443 : 80) }];
}
