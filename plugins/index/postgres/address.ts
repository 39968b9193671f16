/** Addresses of PostgreSQL servers. Read here and not by the client library, whose errors may quote the password. */

/** Where a database is, and who asks. */
export interface Address {
  /** A name or address, or the folder of a Unix socket: begins with `/` then. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Absent: as PostgreSQL's own tools find them (`PGUSER`, `PGPASSWORD`, `~/.pgpass`). */
  readonly user?: string;
  readonly password?: string;
}

const PORT = 5432;

/**
 * Reads `postgres://user:password@host:port/database`, or `postgres:///database?host=/var/run/postgresql` for a Unix
 * socket. The error says what is wrong, and never holds any of the address but a parameter's name.
 */
export function parseAddress(url: string): { readonly address: Address } | { readonly error: string } {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    return { error: 'it is no URL; special characters of a password are written as %40 and the like' };
  }
  const { protocol, searchParams } = parsed;
  if (protocol !== 'postgres:' && protocol !== 'postgresql:') return { error: 'it must begin with "postgres://"' };
  const foreign = [...searchParams.keys()].find((name) => name !== 'host');
  if (foreign !== undefined) return { error: `it has the parameter "${foreign}"; options are written beside it` };
  const socket = searchParams.get('host');
  if (socket !== null && (!socket.startsWith('/') || parsed.hostname !== ''))
    return { error: '"?host=" names the folder of a Unix socket, and stands in place of a host' };
  try {
    const host = socket ?? parsed.hostname.replace(/^\[(.*)\]$/, '$1');
    const database = decodeURIComponent(parsed.pathname.slice(1));
    if (host === '') return { error: 'it names no host' };
    if (database === '' || database.includes('/')) return { error: 'it names no database' };
    const [user, password] = [decodeURIComponent(parsed.username), decodeURIComponent(parsed.password)];
    return {
      address: {
        ...{ host, port: Number(parsed.port || PORT), database },
        ...(user === '' ? {} : { user }),
        ...(password === '' ? {} : { password }),
      },
    };
  } catch {
    return { error: 'a "%" in it is not followed by two hexadecimal digits; "%" itself is written as %25' };
  }
}

/** Without user and password, for logs and errors: `db.example.org:5432/eddy`. */
export function describeAddress({ host, port, database }: Address): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port}/${database}`;
}

/** Whether what is sent there stays on this machine. */
export function isLocal({ host }: Address): boolean {
  return host.startsWith('/') || host === 'localhost' || host === '::1' || /^127\./.test(host);
}

/** Where it listens, as `node:net` takes it. */
export function serverOf({ host, port }: Address): { host: string; port: number } | { path: string } {
  return host.startsWith('/') ? { path: `${host}/.s.PGSQL.${port}` } : { host, port };
}
