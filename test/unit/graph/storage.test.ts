import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { bytesText, storageState } from '../../../core/graph/storage.ts';

const folder = mkdtempSync(join(tmpdir(), 'eddy-storage-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe('the disk under a place', () => {
  it('is looked at by the nearest folder that is there', async () => {
    const state = await storageState(join(folder, 'not/there/yet.db'));
    expect(state.refused).toBeUndefined();
    expect(state.free).toBeGreaterThan(0);
    expect((await storageState(folder)).free).toBeGreaterThan(0);
  });

  it('is refused below a file; the file itself may be written', async () => {
    const file = join(folder, 'file');
    writeFileSync(file, '');
    expect(await storageState(join(file, 'store'))).toEqual({ refused: `${file} is a file` });
    expect((await storageState(file)).refused).toBeUndefined();
  });

  // Root may write anywhere.
  it.skipIf(process.getuid?.() === 0)('is refused where this user may not write', async () => {
    const locked = join(folder, 'locked');
    mkdirSync(locked, { mode: 0o555 });
    expect(await storageState(join(locked, 'store'))).toEqual({ refused: `${locked} may not be written by this user` });
  });

  it('is told in binary units', () => {
    expect([0, 1023, 1024, 1.5 * 1024 ** 3, 40 * 1024 ** 4].map(bytesText)).toEqual([
      '0 B',
      '1023 B',
      '1.0 KiB',
      '1.5 GiB',
      '40 TiB',
    ]);
  });
});
