/** `Link` headers (RFC 8288): ICE servers (RFC 9725 4.5) and protocol extensions. */
import type { IceServer } from 'eddy/plugin';

/** One link. */
export interface Link {
  readonly target: string;
  readonly rel: string;
  readonly parameters?: Readonly<Record<string, string | undefined>>;
}

/** STUN and TURN servers as links, one an address. */
export function iceServerLinks(servers: readonly IceServer[]): Link[] {
  return servers.flatMap(({ urls, username, credential }) =>
    urls.map((target) => ({
      target,
      rel: 'ice-server',
      parameters: { username, credential, 'credential-type': credential === undefined ? undefined : 'password' },
    })),
  );
}

/** The header's value; several links are one header with commas. Undefined where there are none. */
export function writeLinks(links: readonly Link[]): string | undefined {
  const texts = links.map(({ target, rel, parameters = {} }) => {
    const all = Object.entries({ rel, ...parameters }).filter(([, value]) => value !== undefined);
    return [`<${encodeTarget(target)}>`, ...all.map(([name, value]) => `${name}=${quoted(value)}`)].join('; ');
  });
  return texts.length > 0 ? texts.join(', ') : undefined;
}

/** What would end the target or the header. */
const encodeTarget = (target: string): string => target.replace(/[<>\s"]/g, encodeURIComponent);
/** RFC 9110 5.6.4. Control characters, which no header may hold, are left out. */
const quoted = (value: string): string => `"${value.replace(/[^\x20-\x7e]/g, '').replace(/[\\"]/g, '\\$&')}"`;
