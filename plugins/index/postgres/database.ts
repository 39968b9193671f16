/** Connections to the database, and what is asked over them. */
import { EddyError } from 'eddy/plugin';
import pg from 'pg';
import { describeAddress, isLocal, type Address } from './address.ts';
import { indexError } from './errors.ts';

/** Options of {@link Database}; times in ms. */
export interface DatabaseOptions {
  readonly address: Address;
  readonly schema: string;
  readonly tls: 'auto' | 'verify' | 'encrypt' | 'off';
  /** Certificates in place of the usual ones, PEM. */
  readonly ca?: string;
  /** How many connections read. */
  readonly connections: number;
  readonly connectTimeout: number;
  readonly timeout: number;
}

/** A statement that the server plans once a connection. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

/** How much longer than the server's own limit is waited for it, in ms: beyond, the network is gone. */
const NETWORK_MS = 2000;
/** What we keep in 64 bits stays below 2^53. */
const types = new pg.TypeOverrides();
types.setTypeParser(pg.types.builtins.INT8, Number);

/** See the file's head. Every error is an EddyError with an INDEX code. */
export class Database {
  readonly schema: string;
  /** The address without user and password. */
  readonly where: string;
  readonly #config: pg.ClientConfig;
  readonly #readers: pg.Pool;
  /** Of one: what waits goes into the next commit together. */
  readonly #writer: pg.Pool;
  /** Settles when the last transaction that was asked for is over. */
  #turn: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor({ address, schema, tls, ca, connections, connectTimeout, timeout }: DatabaseOptions) {
    this.schema = schema;
    this.where = describeAddress(address);
    const mode = tls === 'auto' ? (isLocal(address) ? 'off' : 'verify') : tls;
    this.#config = {
      ...address,
      ssl: mode !== 'off' && { rejectUnauthorized: mode === 'verify', ...(ca === undefined ? {} : { ca }) },
      types,
      connectionTimeoutMillis: connectTimeout,
      statement_timeout: timeout,
      query_timeout: timeout + NETWORK_MS,
      keepAlive: true,
      application_name: 'eddy',
    };
    this.#readers = this.#pool(connections);
    this.#writer = this.#pool(1);
  }

  /** A connection of its own that listens; the caller connects and ends it. */
  client(): pg.Client {
    return new pg.Client(this.#config);
  }

  /** One statement that reads, or that changes one thing by itself. */
  async query<R extends object>(statement: Statement, values: readonly unknown[]): Promise<R[]> {
    return this.#asked(async () => (await this.#readers.query<R>({ ...statement, values: [...values] })).rows);
  }

  /** Runs `work` in one durable transaction, one after another in the order they came. */
  transaction<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    const mine = this.#turn.then(() => this.#asked(() => this.#transact(work)));
    this.#turn = mine.catch(() => {});
    return mine;
  }

  /** What was asked for is done first. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await Promise.all([this.#readers.end(), this.#writer.end()]);
  }

  async #transact<T>(work: (ask: Ask) => Promise<T>): Promise<T> {
    const client = await this.#writer.connect();
    try {
      await client.query('BEGIN');
      const value = await work(askOver(client));
      await client.query('COMMIT');
      client.release();
      return value;
    } catch (error) {
      // Whatever state it is in, the next one gets a new connection; the server rolls back what it loses.
      client.release(true);
      throw error;
    }
  }

  #pool(max: number): pg.Pool {
    // A server may be set to acknowledge before a commit is on its disk; what we acknowledge must be. The pool waits for
    // it before it hands a connection out, which its types do not say.
    const onConnect = (client: pg.ClientBase) => client.query(DURABLE);
    const config = { ...this.#config, max, idleTimeoutMillis: 0, onConnect };
    const pool = new pg.Pool(config);
    // One that idles and is lost: the next call makes another.
    pool.on('error', () => {});
    return pool;
  }

  async #asked<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new EddyError('INDEX_UNREACHABLE', 'the segment index is stopped');
    try {
      return await ask();
    } catch (error) {
      throw indexError(error, this.where);
    }
  }
}

/** Asks within a transaction. */
export type Ask = <R extends object>(statement: Statement, values: readonly unknown[]) => Promise<R[]>;

/** Over a connection at hand. */
const askOver =
  (client: pg.ClientBase): Ask =>
  async <R extends object>(statement: Statement, values: readonly unknown[]) =>
    (await client.query<R>({ ...statement, values: [...values] })).rows;

const DURABLE = `SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`;
