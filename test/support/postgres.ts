/**
 * A real PostgreSQL server on loopback, of Debian's package. It asks for a password, and refuses to run as root: started
 * by root it runs as the user that the package made.
 */
import { execFile, execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { globSync } from 'node:fs';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { promisify } from 'node:util';
import pg from 'pg';
import { parseAddress } from '../../plugins/index/postgres/address.ts';
import { PostgresIndex, type PostgresIndexOptions } from '../../plugins/index/postgres/postgres-index.ts';
import { childrenOf, freePort, isAlive, until } from './eddy.ts';

const run = promisify(execFile);

/** What every password is; characters that a URL must escape are in it. */
export const PASSWORD = 'sesam @/:%oeffne';

/** A running server with one database. */
export interface PostgresServer {
  /** `postgres://user:password@127.0.0.1:port/eddy` */
  readonly url: string;
  readonly port: number;
  /** Its certificate, which is its own authority, PEM; empty without `tls`. */
  readonly ca: string;
  /** Asks as the owner of everything. */
  sql<R extends object>(text: string, values?: readonly unknown[]): Promise<R[]>;
  /** As the power fails: the server and all that it has started are gone at once. */
  kill(): Promise<void>;
  /** Runs again on what is on its disk. */
  start(): Promise<void>;
  /** Stops it and removes its data. */
  stop(): Promise<void>;
}

/** Options of {@link startPostgres}. */
export interface PostgresOptions {
  /** Lets TLS in too, with a certificate for `localhost` by an authority of its own: {@link PostgresServer.ca}. */
  readonly tls?: boolean;
  /** Settings of the server: `{ fsync: 'off' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** The folder of the newest server that is installed. */
function programs(): string {
  const found = globSync('/usr/lib/postgresql/*/bin').sort((a, b) => Number(a.split('/')[4]) - Number(b.split('/')[4]));
  const newest = found.at(-1);
  if (newest === undefined) throw new Error('PostgreSQL is not installed: "make setup test" brings it');
  return newest;
}

/** Whom the server runs as; undefined: as whoever runs this. */
function user(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (what: string): number => Number(execFileSync('id', [what, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Starts a server of its own for the caller. */
export async function startPostgres({ tls = false, settings = {} }: PostgresOptions = {}): Promise<PostgresServer> {
  const bin = programs();
  const as = user();
  const home = await mkdtemp(join(tmpdir(), 'eddy-postgres-'));
  const [data, secret] = [join(home, 'data'), join(home, 'password')];
  await writeFile(secret, PASSWORD);
  if (as) for (const path of [home, secret]) await chown(path, as.uid, as.gid);
  const init = ['--pgdata', data, '--username', 'owner', '--auth', 'scram-sha-256', '--pwfile', secret, '--no-sync'];
  await run(join(bin, 'initdb'), [...init, '--encoding', 'UTF8', '--locale', 'C.UTF-8'], { ...as, cwd: home });
  const [certificate, key] = [join(home, 'certificate.pem'), join(home, 'key.pem')];
  if (tls) {
    const made = ['req', '-x509', '-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-days', '2'];
    const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
    await run('openssl', [...made, ...subject, '-keyout', key, '-out', certificate], { ...as, cwd: home });
  }
  const port = await freePort();
  const config = {
    ...(tls ? { ssl: 'on', ssl_cert_file: certificate, ssl_key_file: key } : {}),
    ...{ listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: '', logging_collector: 'off' },
    ...settings,
  };
  const urlOf = (database: string): string =>
    `postgres://owner:${encodeURIComponent(PASSWORD)}@127.0.0.1:${port}/${database}`;
  let server: ChildProcess | undefined;
  // Whoever ends without having stopped it, because a test failed in its midst, leaves no server behind.
  const onExit = (): void => void server?.kill('SIGQUIT');
  process.once('exit', onExit);

  async function ask<R extends object>(database: string, text: string, values: readonly unknown[] = []): Promise<R[]> {
    const client = new pg.Client({ connectionString: urlOf(database) });
    await client.connect();
    try {
      return (await client.query<R>({ text, values: [...values] })).rows;
    } finally {
      await client.end();
    }
  }
  async function start(): Promise<void> {
    const options = Object.entries(config).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = spawn(join(bin, 'postgres'), ['-D', data, ...options], {
      ...as,
      cwd: home,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    server = child;
    let output = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => void (output = (output + text).slice(-4000)));
    await until(
      'the PostgreSQL server to answer',
      () => {
        if (child.exitCode !== null) throw new Error(`PostgreSQL ended with ${child.exitCode}:\n${output}`);
        return ask('postgres', 'SELECT').then(
          () => true,
          () => false,
        );
      },
      { timeout: 60_000 },
    );
  }
  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = server;
    server = undefined;
    if (!ending?.pid || ending.exitCode !== null) return;
    const children = await childrenOf(ending.pid);
    const exit = once(ending, 'exit');
    ending.kill(signal);
    // Its children see that it has gone, and go; a new one does not start beside them.
    if (signal === 'SIGKILL') for (const { pid } of children) killQuietly(pid);
    await exit;
    await until('the processes of PostgreSQL to end', async () => {
      const alive = await Promise.all(children.map(({ pid }) => isAlive(pid)));
      return !alive.includes(true);
    });
  }

  try {
    await start();
    await ask('postgres', 'CREATE DATABASE eddy');
  } catch (error) {
    await end('SIGQUIT');
    process.off('exit', onExit);
    await rm(home, { recursive: true, force: true });
    throw error;
  }
  return {
    url: urlOf('eddy'),
    port,
    ca: tls ? await readFile(certificate, 'utf8') : '',
    sql: (text, values) => ask('eddy', text, values),
    kill: () => end('SIGKILL'),
    start,
    stop: async () => {
      await end('SIGINT');
      process.off('exit', onExit);
      await rm(home, { recursive: true, force: true });
    },
  };
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has gone by itself.
  }
}

/** An index on a server, as the stage opens it. */
export async function openPostgres(url: string, options: Partial<PostgresIndexOptions> = {}): Promise<PostgresIndex> {
  const parsed = parseAddress(url);
  if ('error' in parsed) throw new Error(parsed.error);
  const index = new PostgresIndex({
    ...{ address: parsed.address, schema: 'eddy', tls: 'auto', connections: 4, connectTimeout: 3000, timeout: 10_000 },
    sleep: async (ms, signal) => void (await setTimeout(ms, undefined, { signal })),
    onLost: () => {},
    onBack: () => {},
    onWatcherError: () => {},
    ...options,
  });
  try {
    await index.start();
  } catch (error) {
    await index.close();
    throw error;
  }
  return index;
}
