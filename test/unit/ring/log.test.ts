import type * as Fs from 'node:fs/promises';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { VirtualClock } from '../../../core/testing/index.ts';
import { WriteAheadLog } from '../../../plugins/timeshift/ring/write-ahead-log.ts';
import { chunk, videoCaps } from '../../support/chunks.ts';
import { eventually } from '../../support/durable-ring.ts';

/** A disk that takes its time: each datasync waits here until the test lets it go. */
const held: { sync: (() => void)[]; hold: boolean; syncs: number } = { sync: [], hold: false, syncs: 0 };

vi.mock('node:fs/promises', async (original) => {
  const fs = await original<typeof Fs>();
  const slow = (handle: Fs.FileHandle): Fs.FileHandle => {
    const datasync = handle.datasync.bind(handle);
    handle.datasync = async () => {
      held.syncs += 1;
      if (held.hold) await new Promise<void>((resolve) => held.sync.push(resolve));
      await datasync();
    };
    return handle;
  };
  return { ...fs, open: async (...args: Parameters<typeof Fs.open>) => slow(await fs.open(...args)) };
});

let dir: string;
let log: WriteAheadLog;
let clock: VirtualClock;
beforeEach(async () => {
  Object.assign(held, { sync: [], hold: true, syncs: 0 });
  dir = await mkdtemp(join(tmpdir(), 'eddy-log-'));
  clock = new VirtualClock();
  // Only the tests' own syncs: none comes by the clock.
  log = new WriteAheadLog({ dir, limit: 2 ** 26, rpo: 1e6, clock, onState: () => undefined });
  await log.open();
});
afterEach(async () => {
  held.hold = false;
  held.sync.forEach((resolve) => resolve());
  await log.close();
  await rm(dir, { recursive: true });
});

const append = (segment: number) => log.append('cam1' as never, 'video', 'init-1.mp4', videoCaps(), chunk(segment, 0))!;

describe('the write-ahead log', () => {
  it('does not take bytes for durable that were given out while the disk was syncing others', async () => {
    const first = append(0);
    const synced = log.sync([first]);
    await eventually('the sync to begin', () => held.sync.length === 1);
    const second = append(1);
    let settled = false;
    const secondSynced = log.sync([second]).finally(() => (settled = true));
    held.sync.shift()!();
    await eventually('a sync of its own', () => held.sync.length === 1);
    expect(first.file.keeps(first)).toBe(true);
    expect(first.file.keeps(second)).toBe(false);
    expect(settled).toBe(false);
    expect((await stat(second.file.path)).size).toBeGreaterThanOrEqual(second.offset + second.length);
    held.sync.shift()!();
    expect(await Promise.all([synced, secondSynced])).toEqual([true, true]);
    expect(held.syncs).toBe(2);
  });

  it('nor those that were given out and not yet written when the disk began', async () => {
    const older = append(0);
    await clock.advance(31_000);
    const first = append(1);
    expect(first.file).not.toBe(older.file);
    const synced = log.sync([older, first]);
    await eventually('the sync of the older file', () => held.sync.length === 1);
    const second = append(2);
    expect(second.file).toBe(first.file);
    held.sync.shift()!();
    await eventually('the sync of the newer file', () => held.sync.length === 1);
    expect(second.file.has(second)).toBe(false);
    held.hold = false;
    held.sync.shift()!();
    expect(await synced).toBe(true);
    expect(first.file.keeps(first)).toBe(true);
    expect(first.file.keeps(second)).toBe(false);
  });

  it('reads what the file has while the disk is syncing', async () => {
    const place = append(0);
    void log.sync([place]);
    await eventually('the sync to begin', () => held.sync.length === 1);
    expect(Buffer.from(await log.read([place]))).toEqual(Buffer.from(chunk(0, 0).data));
    expect((await readFile(place.file.path)).byteLength).toBe(place.file.size);
  });

  it('says of a broken file that what a sync did not reach is not there', async () => {
    const kept = append(0);
    const synced = log.sync([kept]);
    await eventually('the sync to begin', () => held.sync.length === 1);
    held.sync.shift()!();
    expect(await synced).toBe(true);
    const lost = append(1);
    const failing = log.sync([lost]);
    await eventually('the second sync', () => held.sync.length === 1);
    lost.file.break();
    held.sync.shift()!();
    expect(await failing).toBe(false);
    expect(lost.file.keeps(kept)).toBe(true);
  });
});
