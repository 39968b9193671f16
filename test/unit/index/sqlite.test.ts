import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { harness } from '../../../core/testing/index.ts';
import type { CameraId } from '../../../core/model/index.ts';
import plugin from '../../../plugins/index/sqlite/plugin.ts';
import { SqliteIndex } from '../../../plugins/index/sqlite/sqlite-index.ts';
import { indexedSegment } from '../../support/segments.ts';

const CAM = 'cam1' as CameraId;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };
let dir: string;
let file: string;
const opened: SqliteIndex[] = [];
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'eddy-sqlite-'));
  file = join(dir, 'index.db');
});
afterEach(async () => {
  await Promise.all(opened.splice(0).map((index) => index.close()));
  rmSync(dir, { recursive: true, force: true });
});
const open = async (path = file): Promise<SqliteIndex> => {
  const onCrash = (error: Error): void => void expect.unreachable(error.message);
  const index = await SqliteIndex.open(path, { onCrash, onWatcherError: () => {} });
  opened.push(index);
  return index;
};

describe('index.sqlite', () => {
  it('keeps reservations and gaps over a restart', async () => {
    const before = await open();
    expect(await before.reserve(CAM, 100, 50)).toBe(100);
    await before.add([indexedSegment(100), indexedSegment(105)]);
    const { startTs } = indexedSegment(101);
    await before.addGap(CAM, { start: startTs, end: startTs + 8000, cause: 'crash' });
    await before.close();
    const after = await open();
    expect(await after.reserve(CAM, 0, 1)).toBe(150);
    expect((await after.spans(CAM, ALL)).map((span) => (span.kind === 'gap' ? span.cause : 'media'))).toEqual([
      ...['media', 'crash', 'media'],
    ]);
  });

  it('is durable by its settings: WAL, and a sync at each commit', async () => {
    await open();
    const check = new Database(file);
    expect(check.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(check.pragma('user_version', { simple: true })).toBe(1);
    check.close();
  });

  it('forgets what no segment needs any more', async () => {
    const index = await open();
    const segments = Array.from({ length: 40 }, (_, number) => indexedSegment(number, { writer: `w${number}` }));
    await index.add(segments);
    await index.delete(segments.slice(0, 30).map(({ id }) => id));
    const check = new Database(file, { readonly: true });
    expect(check.prepare('SELECT count(*) FROM generations').pluck().get()).toBe(10);
    check.close();
    expect(await index.range(CAM, ALL)).toEqual(segments.slice(30));
  });

  it('refuses a file that is not its own, and leaves it as it was', async () => {
    writeFileSync(file, 'notes, and no database at all, '.repeat(100));
    await expect(open()).rejects.toMatchObject({ code: 'INDEX_CORRUPT' });
    const foreign = join(dir, 'foreign.db');
    const other = new Database(foreign);
    other.exec('CREATE TABLE mine (a)');
    other.close();
    await expect(open(foreign)).rejects.toMatchObject({ code: 'INDEX_CORRUPT' });
    const newer = join(dir, 'newer.db');
    await (await open(newer)).close();
    const future = new Database(newer);
    future.pragma('user_version = 99');
    future.close();
    await expect(open(newer)).rejects.toMatchObject({ code: 'INDEX_NEWER' });
    await expect(open('/proc/eddy/index.db')).rejects.toMatchObject({
      code: expect.stringMatching(/^INDEX_(DENIED|UNREACHABLE)$/),
    });
  });

  it('does what was asked before it closes, and refuses afterwards', async () => {
    const index = await open();
    const adding = index.add(Array.from({ length: 500 }, (_, number) => indexedSegment(number)));
    await index.close();
    await adding;
    await expect(index.add([indexedSegment(1)])).rejects.toMatchObject({ code: 'INDEX_UNREACHABLE' });
    expect(await (await open()).range(CAM, ALL)).toHaveLength(500);
  });

  it('acknowledges over its pad what it has indexed', async () => {
    const h = await harness(plugin, { config: { file }, clock: 'real' });
    const camera = await h.camera('cam1').publish();
    const segment = indexedSegment(7);
    const caps = { kind: 'video', chunk: { codec: 'h264' } } as never;
    const writer = camera.out.segments.addTrack('video', caps);
    await writer.deliver(segment);
    expect(await h.provides.index.range(CAM, ALL)).toEqual([segment]);
    await h.close();
  });
});
