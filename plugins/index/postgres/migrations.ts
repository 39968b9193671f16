/** The tables: what is in them, and how older ones become present ones. */
import { EddyError } from 'eddy/plugin';
import type pg from 'pg';

/**
 * Each brings the schema from the version that is its place to the next; none is ever changed.
 *
 * The tables are those of `index.sqlite`: what many segments have in common is in `generations`, one a track, writer and
 * init segment; `longest` bounds how far before a range one must look for what reaches into it; `url` is null where it
 * equals the id. Besides, `added` is a segment's place in the order of adding within its camera, and `cameras.added` the
 * last one given: by it a watcher asks for what it missed. The index over it begins with the camera, which no other
 * statement asks for: so the planner cannot take it where it should take the primary key. Whoever adds or deletes locks the camera's row first, so that
 * places become visible in their order, and what is read after the lock is what others have committed.
 *
 * The rows of the small tables change with every segment: room is left in their pages, so that they need not move.
 */
const MIGRATIONS: readonly ((schema: string) => string)[] = [
  (s) => `
  CREATE TABLE ${s}.cameras (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name text COLLATE "C" NOT NULL UNIQUE,
    next bigint NOT NULL,
    added bigint NOT NULL DEFAULT 0
  ) WITH (fillfactor = 50);
  CREATE TABLE ${s}.tracks (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    camera integer NOT NULL,
    name text COLLATE "C" NOT NULL,
    longest double precision NOT NULL,
    UNIQUE (camera, name)
  ) WITH (fillfactor = 50);
  CREATE TABLE ${s}.generations (
    id integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    track integer NOT NULL,
    writer text COLLATE "C" NOT NULL,
    init_url text COLLATE "C" NOT NULL,
    timescale bigint NOT NULL,
    codec text COLLATE "C" NOT NULL,
    last double precision NOT NULL,
    UNIQUE (track, writer, init_url, timescale, codec)
  ) WITH (fillfactor = 50);
  CREATE TABLE ${s}.segments (
    start double precision NOT NULL,
    number bigint NOT NULL,
    duration double precision NOT NULL,
    bytes bigint NOT NULL,
    base_time bigint NOT NULL,
    ticks bigint NOT NULL,
    added bigint NOT NULL,
    camera integer NOT NULL,
    track integer NOT NULL,
    generation integer NOT NULL,
    flags smallint NOT NULL,
    url text,
    PRIMARY KEY (track, start, number, generation)
  );
  CREATE INDEX segments_added ON ${s}.segments (camera, added);
  CREATE TABLE ${s}.gaps (
    camera integer NOT NULL,
    start double precision NOT NULL,
    "end" double precision NOT NULL,
    cause text COLLATE "C" NOT NULL,
    PRIMARY KEY (camera, start, "end", cause)
  );
  `,
];

/** "eddy" in ASCII: tells our advisory locks from anyone else's. */
const LOCK = 0x65646479;
/** How long others may take to migrate, and a migration itself, in ms. */
const MIGRATE_MS = 600_000;

/**
 * Makes or migrates the tables; where they are as they should be, it reads alone and needs no right to make any.
 * Throws INDEX_NEWER, and INDEX_CORRUPT for a schema of something else.
 */
export async function migrate(client: pg.ClientBase, schema: string): Promise<void> {
  if ((await versionOf(client, schema)) === MIGRATIONS.length) return;
  const ask = (text: string, values: readonly unknown[] = []): Promise<pg.QueryResult> =>
    client.query({
      text,
      ...(values.length > 0 && { values: [...values] }),
      query_timeout: MIGRATE_MS,
    } as pg.QueryConfig);
  await ask('BEGIN');
  try {
    await ask('SET LOCAL statement_timeout = 0');
    // Of several processes that start at once the first migrates, the others find it done.
    await ask('SELECT pg_advisory_xact_lock($1, hashtext($2))', [LOCK, schema]);
    const version = await versionOf(client, schema);
    const s = `"${schema}"`;
    if (version === undefined) {
      if (!(await hasSchema(client, schema))) await ask(`CREATE SCHEMA ${s}`);
      await ask(`CREATE TABLE ${s}.format (version integer NOT NULL)`);
      await ask(`INSERT INTO ${s}.format VALUES (0)`);
    }
    for (const step of MIGRATIONS.slice(version ?? 0)) await ask(step(s));
    await ask(`UPDATE ${s}.format SET version = $1`, [MIGRATIONS.length]);
    await ask('COMMIT');
  } catch (error) {
    // The connection may be gone, and the transaction with it.
    await client.query('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Undefined: there is nothing yet. */
async function versionOf(client: pg.ClientBase, schema: string): Promise<number | undefined> {
  const tables = await client.query<{ name: string }>({
    text: 'SELECT relname AS name FROM pg_class WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = $1)',
    values: [schema],
  });
  if (tables.rows.length === 0) return undefined;
  if (!tables.rows.some(({ name }) => name === 'format'))
    throw new EddyError('INDEX_CORRUPT', `the schema "${schema}" holds tables of something else`);
  const { rows } = await client.query<{ version: number }>(`SELECT version FROM "${schema}".format`);
  const version = rows[0]?.version ?? 0;
  if (version > MIGRATIONS.length)
    throw new EddyError(
      'INDEX_NEWER',
      `the schema "${schema}" has format ${version}; this Eddy knows up to ${MIGRATIONS.length}`,
    );
  return version;
}

async function hasSchema(client: pg.ClientBase, schema: string): Promise<boolean> {
  const { rowCount } = await client.query({ text: 'SELECT FROM pg_namespace WHERE nspname = $1', values: [schema] });
  return rowCount === 1;
}
