import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Context } from '../../../core/plugin/index.ts';
import { FileStore } from '../../../plugins/store/filesystem/file-store.ts';
import { create } from '../../../plugins/store/filesystem/filesystem.ts';
import plugin, { type manifest } from '../../../plugins/store/filesystem/plugin.ts';
import { fakeContext } from '../http/fake-context.ts';

let dir: string;
beforeEach(() => void (dir = mkdtempSync(join(tmpdir(), 'eddy-files-'))));
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const bytes = (length: number): Uint8Array => new Uint8Array(length).fill(7);
const temporary = (): string[] => readdirSync(join(dir, '~tmp'));
const opened = async (): Promise<FileStore> => {
  const store = new FileStore(dir, { concurrency: 8 });
  await store.open();
  return store;
};

describe('store.filesystem', () => {
  it('never shows a part of an object, and leaves no temporary file', async () => {
    const store = await opened();
    const sizes = new Set<number | undefined>();
    let writing = true;
    const look = (async () => {
      while (writing) {
        sizes.add((await store.head('live'))?.bytes);
        for (const { bytes: size } of await store.list('')) sizes.add(size);
      }
    })();
    for (let round = 0; round < 20; round++) await store.put('live', bytes(500_000), { overwrite: true });
    writing = false;
    await look;
    expect([...sizes].filter((size) => size !== undefined)).toEqual([500_000]);
    const abort = new AbortController();
    const aborted = store.put('never', bytes(5_000_000), { signal: abort.signal });
    setImmediate(() => abort.abort());
    await aborted.catch(() => undefined);
    expect(temporary()).toEqual([]);
  });

  it('removes at its start what dead processes left half written, and nothing of the living', async () => {
    await opened();
    const { pid: dead } = spawnSync(process.execPath, ['-e', '']);
    const path = (name: string) => join(dir, '~tmp', name);
    const living = `${process.ppid}-123-1-0`;
    for (const name of [`${dead}-123-1-0`, `${process.pid}-123-1-0`, living, 'old', 'young'])
      writeFileSync(path(name), 'half');
    utimesSync(path('old'), 0, 0);
    const { ctx, engine } = fakeContext<Context<typeof manifest>>(plugin, { dir });
    await create(ctx).start?.();
    expect(temporary().sort()).toEqual([living, 'young']);
    expect(engine.reports).toMatchObject([
      { code: 'store.filesystem/LEFTOVERS', message: expect.stringMatching(/^3 /) },
    ]);
    await engine.close();
  });

  it('shows only what may be an object', async () => {
    const store = await opened();
    await store.put('a/b', bytes(1));
    writeFileSync(join(dir, 'with space'), 'x');
    writeFileSync(join(dir, 'a', 'c~'), 'x');
    expect((await store.list('')).map(({ key }) => key)).toEqual(['a/b']);
    expect(await store.list('~tmp/')).toEqual([]);
    expect(await store.list('/etc/')).toEqual([]);
  });

  it('takes no key that is a folder of another', async () => {
    const store = await opened();
    await store.put('a/b', bytes(1));
    await expect(store.put('a/b/c', bytes(1))).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' });
    await expect(store.put('a', bytes(1), { overwrite: true })).rejects.toMatchObject({ code: 'STORE_KEY_INVALID' });
    await store.delete(['a']);
    expect(await store.get('a/b')).toHaveLength(1);
    expect(temporary()).toEqual([]);
  });

  it('makes a folder again that somebody removed, once it is asked a second time', async () => {
    const store = await opened();
    await store.put('cam/1', bytes(1));
    rmSync(join(dir, 'cam'), { recursive: true });
    await expect(store.put('cam/2', bytes(1))).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
    await store.put('cam/2', bytes(1));
    expect(existsSync(join(dir, 'cam/2'))).toBe(true);
  });

  it('says at its start that it may not write', async () => {
    const nowhere = new FileStore('/proc/eddy-store', { concurrency: 1 });
    await expect(nowhere.open()).rejects.toMatchObject({ code: expect.stringMatching(/^STORE_(DENIED|UNREACHABLE)$/) });
    writeFileSync(join(dir, 'file'), '');
    const file = new FileStore(join(dir, 'file'), { concurrency: 1 });
    await expect(file.open()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' });
  });

  it.skipIf(process.platform !== 'linux' || spawnSync('unshare', ['-rm', 'true']).status !== 0)(
    'says that the disk is full, leaves nothing behind, and goes on once there is room',
    () => {
      // A disk of one megabyte, which only this child sees.
      const script = `
        import { readdirSync } from 'node:fs';
        import { FileStore } from ${JSON.stringify(join(import.meta.dirname, '../../../plugins/store/filesystem/file-store.ts'))};
        const store = new FileStore(process.argv[1], { concurrency: 8 });
        await store.open();
        await store.put('first', new Uint8Array(600_000));
        const code = await store.put('second', new Uint8Array(600_000)).then(() => 'stored', (error) => error.code);
        const left = readdirSync(process.argv[1] + '/~tmp');
        await store.delete(['first']);
        await store.put('second', new Uint8Array(600_000));
        console.log(JSON.stringify({ code, left, keys: (await store.list('')).map(({ key }) => key) }));`;
      const node = [process.execPath, '--conditions=eddy-source', '--input-type=module-typescript', '-e', script, dir];
      const shell = 'mount -t tmpfs -o size=1m none "$0" && exec "$@"';
      const { stdout, stderr } = spawnSync('unshare', ['-rm', 'sh', '-c', shell, dir, ...node], { encoding: 'utf8' });
      expect(stdout, stderr).toBe('{"code":"STORE_FULL","left":[],"keys":["second"]}\n');
    },
  );
});
