/** URLs of servers that plugins connect to, as manifests look at them. */
import { isLoopback } from './addresses.ts';
import type { ServerAddress } from './manifest.ts';

/** True for `http:` to another machine: everyone on the way reads it, and may change it. */
export function isPlainAndFar(url: string): boolean {
  if (!URL.canParse(url)) return false;
  const { protocol, hostname } = new URL(url);
  return protocol === 'http:' && !isLoopback(bare(hostname));
}

/** The server behind an http(s) URL, for `reaches` of a manifest; none where it is no such URL, or not there. */
export function serversOf(url: string | undefined): ServerAddress[] {
  if (url === undefined || !URL.canParse(url)) return [];
  const { hostname, port, protocol } = new URL(url);
  if (!/^https?:$/.test(protocol)) return [];
  return [{ host: bare(hostname), port: Number(port) || (protocol === 'https:' ? 443 : 80) }];
}

/** An IPv6 address without its brackets. */
const bare = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1');
