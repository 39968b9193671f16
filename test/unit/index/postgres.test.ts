/** index.postgres beyond the contract: on a real server that is shared, refused, killed and started again. */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { CameraId, Segment } from '../../../core/model/index.ts';
import { harness } from '../../../core/testing/index.ts';
import { describeAddress, isLocal, parseAddress } from '../../../plugins/index/postgres/address.ts';
import { indexError } from '../../../plugins/index/postgres/errors.ts';
import plugin from '../../../plugins/index/postgres/plugin.ts';
import type { PostgresIndex } from '../../../plugins/index/postgres/postgres-index.ts';
import { freePort } from '../../support/eddy.ts';
import { openPostgres, PASSWORD, startPostgres, type PostgresServer } from '../../support/postgres.ts';
import { indexedSegment } from '../../support/segments.ts';

const CAM = 'cam1' as CameraId;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };
/** Machines are busy; nothing here is about time. */
const PATIENT = { timeout: 30_000 };
vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 });
const from = (first: number, last: number): Segment[] =>
  Array.from({ length: last - first + 1 }, (_, nth) => indexedSegment(first + nth));

/** What was acknowledged must be there after a kill although this server acknowledges before its disk has it. */
const settings = { synchronous_commit: 'off', wal_writer_delay: '10s' };
let server: PostgresServer;
const opened: PostgresIndex[] = [];
beforeAll(async () => {
  server = await startPostgres({ tls: true, settings });
});
afterAll(async () => {
  await Promise.all(opened.map((index) => index.close()));
  await server.stop();
});
const open = async (schema: string, options: Parameters<typeof openPostgres>[1] = {}): Promise<PostgresIndex> => {
  const index = await openPostgres(server.url, { schema, ...options });
  opened.push(index);
  return index;
};
const numbers = async (index: PostgresIndex): Promise<number[]> =>
  (await index.range(CAM, ALL)).map(({ number }) => number);

describe('index.postgres', () => {
  it('makes its tables once, however many start at the same time', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => open('at_once')));
    await Promise.all(all.map((index, nth) => index.add([indexedSegment(nth)])));
    expect(await numbers(all[0]!)).toEqual([0, 1, 2, 3, 4]);
    expect(await server.sql('SELECT version FROM at_once.format')).toEqual([{ version: 1 }]);
  });

  it('refuses tables of something else or of a newer Eddy, and leaves them as they were', async () => {
    await server.sql('CREATE SCHEMA foreign_one');
    await server.sql('CREATE TABLE foreign_one.segments (a integer)');
    await expect(open('foreign_one')).rejects.toMatchObject({ code: 'INDEX_CORRUPT' });
    await open('newer');
    await server.sql('UPDATE newer.format SET version = 99');
    await expect(open('newer')).rejects.toMatchObject({ code: 'INDEX_NEWER' });
    expect(await server.sql(`SELECT relname FROM pg_class WHERE relnamespace = 'foreign_one'::regnamespace`)).toEqual([
      { relname: 'segments' },
    ]);
  });

  it('says what is refused, and never with the password', async () => {
    await server.sql(`CREATE ROLE reader LOGIN PASSWORD 'geheim'`);
    const as = (user: string, password: string, database = 'eddy'): string =>
      `postgres://${user}:${password}@127.0.0.1:${server.port}/${database}`;
    const errorOf = (url: string): Promise<Error> =>
      openPostgres(url, { schema: 'refused' }).then(fail, (error) => error);
    const fail = (): never => expect.unreachable('it was let in');
    const denied = [
      as('owner', 'falsch'),
      as('nobody', 'falsch'),
      as('reader', 'geheim'),
      as('reader', 'geheim', 'no'),
    ];
    for (const url of denied) {
      const error = await errorOf(url);
      expect(error).toMatchObject({ code: 'INDEX_DENIED' });
      expect(error.message).toContain(`127.0.0.1:${server.port}`);
      expect(`${error.message} ${error.stack}`).not.toMatch(/falsch|geheim/);
    }
    expect(await errorOf(`postgres://owner:falsch@127.0.0.1:${await freePort()}/eddy`)).toMatchObject({
      code: 'INDEX_UNREACHABLE',
    });
  });

  it('needs no more than to read and write where the tables are there', async () => {
    const owner = await open('granted');
    await server.sql(`CREATE ROLE writer LOGIN PASSWORD 'w'`);
    await server.sql('GRANT USAGE ON SCHEMA granted TO writer');
    await server.sql('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA granted TO writer');
    const index = await openPostgres(`postgres://writer:w@127.0.0.1:${server.port}/eddy`, { schema: 'granted' });
    await index.add(from(0, 2));
    await index.delete([indexedSegment(1).id]);
    await index.close();
    expect(await numbers(owner)).toEqual([0, 2]);
  });

  it('holds the server to its certificate, as "tls" says', async () => {
    const at = (host: string): string => server.url.replace('127.0.0.1', host);
    const over = async (host: string, options: Parameters<typeof openPostgres>[1]): Promise<boolean> => {
      const index = await openPostgres(at(host), { schema: 'tls', ...options });
      const [row] = await server.sql<{ ssl: boolean }>(
        `SELECT bool_and(ssl) AS ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE query LIKE '%"tls"%'
         AND application_name = 'eddy'`,
      );
      await index.close();
      return row!.ssl;
    };
    const { ca } = server;
    expect(await over('localhost', { tls: 'verify', ca })).toBe(true);
    expect(await over('localhost', { tls: 'encrypt' })).toBe(true);
    expect(await over('localhost', { tls: 'auto' })).toBe(false);
    // By an authority that nobody knows; and for another name than the one that was asked for.
    const refused = { code: 'INDEX_UNREACHABLE' };
    await expect(over('localhost', { tls: 'verify' })).rejects.toMatchObject(refused);
    await expect(over('127.0.0.1', { tls: 'verify', ca })).rejects.toMatchObject(refused);
  });

  it('puts into one commit what comes during another', async () => {
    const index = await open('batched');
    await Promise.all(from(0, 299).map((one) => index.add([one])));
    const [row] = await server.sql<{ commits: string }>(
      'SELECT count(DISTINCT xmin::text) AS commits FROM batched.segments',
    );
    expect(Number(row!.commits)).toBeLessThan(30);
  });

  it('keeps out of a commit what the server cannot take, and that alone', async () => {
    const index = await open('poisoned');
    const results = await Promise.allSettled(
      from(0, 9).map((one) => index.add([one.number === 4 ? { ...one, codecString: 'a\0b' } : one])),
    );
    expect(results.map(({ status }) => status).indexOf('rejected')).toBe(4);
    expect(results[4]).toMatchObject({ reason: { code: 'INDEX_SEGMENT_INVALID' } });
    expect(await numbers(index)).toEqual([0, 1, 2, 3, 5, 6, 7, 8, 9]);
  });

  it('reads what it missed while its connection was lost', async () => {
    const [index, other] = [await open('missed'), await open('missed')];
    const heard: number[] = [];
    index.watch(CAM, ({ number }) => heard.push(number));
    await other.add(from(0, 1));
    await vi.waitFor(() => expect(heard).toEqual([0, 1]), PATIENT);
    // The one that listens is cut off, and nobody tells it that more was added; more than is read at once.
    await server.sql(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT name, added FROM "missed"%' OR query = 'SELECT'`,
    );
    await other.add(from(2, 700));
    await vi.waitFor(() => expect(heard).toHaveLength(701), PATIENT);
    expect(heard).toEqual(from(0, 700).map(({ number }) => number));
  });

  it('loses nothing that it acknowledged when the server is killed, says so, and goes on by itself', async () => {
    const states: string[] = [];
    const index = await open('killed', {
      onLost: ({ code }) => states.push(code),
      onBack: () => states.push('back'),
    });
    const heard: number[] = [];
    index.watch(CAM, ({ number }) => heard.push(number));
    await Promise.all(from(0, 99).map((one) => index.add([one])));
    expect(await index.reserve(CAM, 0, 10)).toBe(100);
    await server.kill();
    const calls = [
      () => index.add(from(100, 100)),
      () => index.range(CAM, ALL),
      () => index.reserve(CAM, 0, 1),
      () => index.cameras(),
    ];
    for (const call of calls) await expect(call()).rejects.toMatchObject({ code: 'INDEX_UNREACHABLE' });
    await vi.waitFor(() => expect(states).toEqual(['INDEX_UNREACHABLE']), PATIENT);
    await server.start();
    await index.add(from(100, 101));
    expect(await numbers(index)).toEqual(from(0, 101).map(({ number }) => number));
    expect(await index.reserve(CAM, 0, 1)).toBe(110);
    await vi.waitFor(() => expect(states).toEqual(['INDEX_UNREACHABLE', 'back']), PATIENT);
    expect(heard).toEqual(from(0, 101).map(({ number }) => number));
  });

  it('makes its tables anew where the server has lost them, and counts from there', async () => {
    const onBack = vi.fn();
    const index = await open('lost', { onBack });
    await index.add(from(0, 3));
    const heard: number[] = [];
    index.watch(CAM, ({ number }) => heard.push(number));
    await server.sql('DROP SCHEMA lost CASCADE');
    await expect(index.latest(CAM)).rejects.toMatchObject({ code: 'INDEX_CORRUPT' });
    await server.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'eddy'`);
    await vi.waitFor(() => expect(onBack).toHaveBeenCalled(), PATIENT);
    await index.add(from(0, 1));
    expect(await numbers(index)).toEqual([0, 1]);
    expect(heard).toEqual([0, 1]);
  });

  it('does what was asked before it closes, and refuses afterwards', async () => {
    const index = await open('closing');
    const asked = [index.add(from(0, 99)), index.delete([indexedSegment(500).id])];
    await index.close();
    await Promise.all(asked);
    await expect(index.add(from(1, 1))).rejects.toMatchObject({ code: 'INDEX_UNREACHABLE' });
    expect(await numbers(await open('closing'))).toHaveLength(100);
  });
});

describe('the stage index.postgres', () => {
  // The harness counts what is left behind, also by others.
  beforeAll(async () => void (await Promise.all(opened.splice(0).map((index) => index.close()))));

  it('acknowledges over its pad what it has indexed', async () => {
    const h = await harness(plugin, { config: { url: server.url, schema: 'stage' }, clock: 'real' });
    const camera = await h.camera('cam1').publish();
    const writer = camera.out.segments.addTrack('video', { kind: 'video', chunk: { codec: 'h264' } } as never);
    await writer.deliver(indexedSegment(7));
    expect(await h.provides.index.range(CAM, ALL)).toEqual([indexedSegment(7)]);
    await h.close();
  });

  it('starts without its server, tells so without the password, and indexes what waited once it is there', async () => {
    const port = await freePort();
    const url = server.url.replace(`:${server.port}/`, `:${port}/`);
    const h = await harness(plugin, { config: { url, schema: 'late' }, clock: 'real' });
    const told = (what: string): boolean => h.logs.some((line) => JSON.stringify(line).includes(what));
    const camera = await h.camera('cam1').publish();
    const writer = camera.out.segments.addTrack('video', { kind: 'video', chunk: { codec: 'h264' } } as never);
    const delivered = writer.deliver(indexedSegment(7));
    await vi.waitFor(
      () => expect(told('index.postgres/NOT_REACHED') && told('index.postgres/BEHIND')).toBe(true),
      PATIENT,
    );
    const relay = await relayTo(server.port, port);
    await delivered;
    expect(await h.provides.index.latest(CAM)).toEqual(indexedSegment(7));
    await vi.waitFor(() => expect(told('answers again') && told('indexed again')).toBe(true), PATIENT);
    const log = JSON.stringify(h.logs);
    for (const secret of [PASSWORD, encodeURIComponent(PASSWORD)]) expect(log).not.toContain(secret);
    await relay.close();
    await h.close();
  });
});

/** From a port of its own to the server's. */
async function relayTo(to: number, port: number): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const relay = createServer((near) => {
    const far = connect(to, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => sockets.delete(one));
    }
  });
  relay.listen(port, '127.0.0.1');
  await once(relay, 'listening');
  return {
    close: async () => {
      for (const socket of sockets) socket.destroy();
      relay.close();
      await once(relay, 'close');
    },
  };
}

describe('addresses', () => {
  it.each([
    ['postgres://a:b%40c@db.example.org/eddy', 'db.example.org:5432/eddy', false],
    ['postgresql://db:6000/eddy', 'db:6000/eddy', false],
    ['postgres://a@[::1]:5433/x', '[::1]:5433/x', true],
    ['postgres:///eddy?host=/var/run/postgresql', '/var/run/postgresql:5432/eddy', true],
    ['postgres://127.0.0.1/eddy', '127.0.0.1:5432/eddy', true],
  ])('%s', (url, described, local) => {
    const parsed = parseAddress(url);
    if ('error' in parsed) return expect.unreachable(parsed.error);
    expect(describeAddress(parsed.address)).toBe(described);
    expect(isLocal(parsed.address)).toBe(local);
    if (url.includes('%40')) expect(parsed.address).toMatchObject({ user: 'a', password: 'b@c' });
  });

  it.each([
    ['mysql://u:geheim@db/eddy', 'must begin with'],
    ['geheim', 'no URL'],
    ['postgres://u:ge/heim@db/eddy', 'no URL'],
    ['postgres://u:geheim@db', 'names no database'],
    ['postgres:///eddy', 'names no host'],
    ['postgres://u:geheim%@db/eddy', 'hexadecimal'],
    ['postgres://u:geheim@db/eddy?sslmode=disable', '"sslmode"'],
    ['postgres://db/eddy?host=/run', 'Unix socket'],
  ])('refuses %s', (url, why) => {
    const parsed = parseAddress(url);
    expect(parsed).toEqual({ error: expect.stringContaining(why) });
    expect(JSON.stringify(parsed)).not.toMatch(/geheim|heim/);
  });
});

it.each([
  ['53100', 'INDEX_FULL'],
  ['28P01', 'INDEX_DENIED'],
  ['42501', 'INDEX_DENIED'],
  ['3D000', 'INDEX_DENIED'],
  ['25006', 'INDEX_DENIED'],
  ['XX001', 'INDEX_CORRUPT'],
  ['42P01', 'INDEX_CORRUPT'],
  ['22P05', 'INDEX_SEGMENT_INVALID'],
  ['57P03', 'INDEX_UNREACHABLE'],
  ['53300', 'INDEX_UNREACHABLE'],
  ['ECONNREFUSED', 'INDEX_UNREACHABLE'],
])('%s means %s', (code, meaning) => {
  const error = indexError(Object.assign(new Error('why'), { code }), 'db:5432/eddy');
  expect(error).toMatchObject({ code: meaning, message: `db:5432/eddy: why (${code})` });
});
