import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { FakeSegmentIndex } from '../../core/testing/index.ts';
import type { PostgresIndex } from '../../plugins/index/postgres/postgres-index.ts';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { openPostgres, startPostgres, type PostgresServer } from '../support/postgres.ts';
import { segmentIndexContract } from './segment-index.ts';

segmentIndexContract('FakeSegmentIndex', async () => {
  const index = new FakeSegmentIndex();
  return { index, another: async () => index, tellsOthers: true, stop: async () => {} };
});

segmentIndexContract('index.sqlite', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'eddy-index-'));
  const opened: SqliteIndex[] = [];
  const open = async (): Promise<SqliteIndex> => {
    const onCrash = (error: Error): void => void expect.unreachable(error.message);
    const index = await SqliteIndex.open(join(dir, 'deep/index.db'), { onCrash, onWatcherError: () => {} });
    opened.push(index);
    return index;
  };
  return {
    index: await open(),
    another: open,
    stop: async () => {
      await Promise.all(opened.map((index) => index.close()));
      await rm(dir, { recursive: true });
    },
  };
});

describe('PostgreSQL', () => {
  let server: PostgresServer;
  let schemas = 0;
  beforeAll(async () => {
    server = await startPostgres();
  }, 120_000);
  afterAll(() => server.stop());

  segmentIndexContract('index.postgres', async () => {
    const schema = `contract_${++schemas}`;
    const opened: PostgresIndex[] = [];
    const open = async (): Promise<PostgresIndex> => {
      const index = await openPostgres(server.url, { schema });
      opened.push(index);
      return index;
    };
    return {
      index: await open(),
      another: open,
      tellsOthers: true,
      stop: async () => void (await Promise.all(opened.map((index) => index.close()))),
    };
  });
});
