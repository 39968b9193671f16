/** index.sqlite in a process that is killed again and again. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, describe, expect, it } from 'vitest';
import type { CameraId } from '../../core/model/index.ts';
import { SqliteIndex } from '../../plugins/index/sqlite/sqlite-index.ts';
import { indexedSegment } from '../support/segments.ts';

const CAM = 'cam1' as CameraId;
const ALL = { start: 0, end: Number.MAX_SAFE_INTEGER };
const dir = mkdtempSync(join(tmpdir(), 'eddy-sqlite-kill-'));
const file = join(dir, 'index.db');
afterAll(() => rmSync(dir, { recursive: true, force: true }));
const fail = (error: unknown): never => {
  throw error;
};

/** Runs the child until it has acknowledged `count`, kills it, and returns all that it acknowledged. */
async function killAfter(count: number, first: number): Promise<number[]> {
  const child = spawn(
    process.execPath,
    ['--conditions=eddy-source', join(import.meta.dirname, 'index-kill-child.ts'), file, String(first)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    if (output.split('\n').length > count) child.kill('SIGKILL');
  });
  await once(child, 'close');
  expect(child.signalCode).toBe('SIGKILL');
  return output.split('\n').slice(0, -1).map(Number);
}

describe('index.sqlite', () => {
  it('loses no acknowledged segment when it is killed', async () => {
    const acknowledged: number[] = [];
    for (const [round, count] of [40, 101, 7].entries()) acknowledged.push(...(await killAfter(count, round * 10_000)));
    const index = await SqliteIndex.open(file, { onCrash: fail, onWatcherError: fail });
    const found = await index.range(CAM, ALL);
    // What was written and not yet acknowledged may be there too.
    const numbers = new Set(found.map(({ number }) => number));
    expect(acknowledged.filter((number) => !numbers.has(number))).toEqual([]);
    expect(acknowledged.length).toBeGreaterThanOrEqual(148);
    expect(await index.reserve(CAM, 0, 1)).toBeGreaterThan(Math.max(...acknowledged));
    expect(found).toEqual(found.map(({ number }) => indexedSegment(number)));
    const check = new Database(file, { readonly: true });
    expect(check.pragma('integrity_check', { simple: true })).toBe('ok');
    check.close();
    await index.close();
  });
});
