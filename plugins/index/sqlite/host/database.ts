/** The file: how it is opened, what is in it, and how an older one becomes a present one. */
import { existsSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import Database from 'better-sqlite3';
import type { Code } from 'eddy/plugin';
import type { ThreadError } from '../protocol.ts';

export type Db = Database.Database;

/** "eddy" in ASCII: tells our file from anyone else's (SQLite's `application_id`). */
const APPLICATION = 0x65646479;

/**
 * Each brings the file from the version that is its place to the next (SQLite's `user_version`); none is ever changed.
 *
 * What many segments have in common is in `generations`: one a track, writer and init segment. `segments` is stored in
 * the order that it is asked for, without a second index; `longest` bounds how far before a range one must look for
 * what reaches into it. `url` is null where it equals the id.
 */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE cameras (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    next INTEGER NOT NULL
  ) STRICT;
  CREATE TABLE tracks (
    id INTEGER PRIMARY KEY,
    camera INTEGER NOT NULL,
    name TEXT NOT NULL,
    longest REAL NOT NULL,
    UNIQUE (camera, name)
  ) STRICT;
  CREATE TABLE generations (
    id INTEGER PRIMARY KEY,
    track INTEGER NOT NULL,
    writer TEXT NOT NULL,
    init_url TEXT NOT NULL,
    timescale INTEGER NOT NULL,
    codec TEXT NOT NULL,
    last REAL NOT NULL,
    UNIQUE (track, writer, init_url, timescale, codec)
  ) STRICT;
  CREATE TABLE segments (
    track INTEGER NOT NULL,
    start REAL NOT NULL,
    number INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    duration REAL NOT NULL,
    bytes INTEGER NOT NULL,
    base_time INTEGER NOT NULL,
    ticks INTEGER NOT NULL,
    flags INTEGER NOT NULL,
    url TEXT,
    PRIMARY KEY (track, start, number, generation)
  ) STRICT, WITHOUT ROWID;
  CREATE TABLE gaps (
    camera INTEGER NOT NULL,
    start REAL NOT NULL,
    "end" REAL NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (camera, start, "end", cause)
  ) STRICT, WITHOUT ROWID;
  `,
];

/** How long a commit waits for another process that holds the file, in ms. */
const BUSY_MS = 5000;

class IndexError extends Error {
  readonly indexCode: Code;
  constructor(indexCode: Code, message: string) {
    super(message);
    this.indexCode = indexCode;
  }
}

/** Opens the file to write, makes or migrates it. */
export function openToWrite(file: string): Db {
  makeFolder(dirname(file));
  const db = new Database(file, { timeout: BUSY_MS });
  try {
    checkOwner(db, file);
    db.pragma('journal_mode = WAL');
    // What was committed survives a power cut, also on a Mac, whose fsync alone does not reach the disk.
    db.pragma('synchronous = FULL');
    db.pragma('fullfsync = 1');
    db.pragma('checkpoint_fullfsync = 1');
    // After a burst the log shrinks again.
    db.pragma('journal_size_limit = 67108864');
    db.transaction(() => migrate(db, file)).immediate();
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

/** Opens the file that a writer has opened before. */
export function openToRead(file: string): Db {
  const db = new Database(file, { readonly: true, timeout: BUSY_MS });
  db.pragma('cache_size = -32768');
  return db;
}

/** Step by step: Node's own recursive mkdir never ends in a folder such as /proc, where nothing can be made. */
function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  mkdirSync(path);
}

/** Before anything is changed in it. */
function checkOwner(db: Db, file: string): void {
  const application = db.pragma('application_id', { simple: true });
  const tables = db.prepare('SELECT count(*) FROM sqlite_schema').pluck().get();
  if (application !== APPLICATION && tables !== 0)
    throw new IndexError('INDEX_CORRUPT', `${file} is a database of something else`);
}

function migrate(db: Db, file: string): void {
  const version = db.pragma('user_version', { simple: true }) as number;
  if (version > MIGRATIONS.length)
    throw new IndexError('INDEX_NEWER', `${file} has format ${version}; this Eddy knows up to ${MIGRATIONS.length}`);
  for (const step of MIGRATIONS.slice(version)) db.exec(step);
  db.pragma(`application_id = ${APPLICATION}`);
  db.pragma(`user_version = ${MIGRATIONS.length}`);
}

const CODES: readonly (readonly [pattern: RegExp, code: Code])[] = [
  [/^SQLITE_FULL|^ENOSPC|^EDQUOT/, 'INDEX_FULL'],
  [/^SQLITE_(CORRUPT|NOTADB)/, 'INDEX_CORRUPT'],
  [/^SQLITE_(READONLY|PERM|AUTH|CANTOPEN)|^(EACCES|EPERM|EROFS)$/, 'INDEX_DENIED'],
];

/** What an error means to whoever uses the index. */
export function threadError(error: unknown): ThreadError {
  const { code, message } = error as { code?: unknown; message?: unknown };
  const known = CODES.find(([pattern]) => typeof code === 'string' && pattern.test(code))?.[1];
  return {
    code: error instanceof IndexError ? error.indexCode : (known ?? 'INDEX_UNREACHABLE'),
    message: typeof code === 'string' ? `${String(message)} (${code})` : String(message),
  };
}
