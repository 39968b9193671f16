/**
 * A store, an index and a wall clock that fail when a file says so: `faults.json` in the pipeline's folder,
 * `{ "store": "STORE_FULL", "index": "INDEX_UNREACHABLE", "clock": 3600000 }`. Without faults they are the real ones.
 */
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import {
  defineManifest,
  definePlugin,
  EddyError,
  FilePath,
  ObjectStore,
  SegmentIndex,
  type Code,
  type Context,
} from 'eddy/plugin';
import { SqliteIndex } from '../../../plugins/index/sqlite/sqlite-index.ts';
import { FileStore } from '../../../plugins/store/filesystem/file-store.ts';

export interface Faults {
  readonly store?: Code;
  readonly index?: Code;
  /** ms by which the wall clock is off. */
  readonly clock?: number;
}

function faultsOf(baseDir: string): Faults {
  try {
    return JSON.parse(readFileSync(join(baseDir, 'faults.json'), 'utf8')) as Faults;
  } catch {
    return {};
  }
}

/** The same object, of which every call rejects while `fault` names a code. */
function failing<T extends object>(
  real: () => T,
  names: readonly (keyof T & string)[],
  fault: () => Code | undefined,
): T {
  const call =
    (name: keyof T & string) =>
    async (...args: unknown[]) => {
      const code = fault();
      if (code !== undefined) throw new EddyError(code, 'as the test wants it');
      return (real()[name] as (...given: unknown[]) => unknown).call(real(), ...args);
    };
  return Object.fromEntries(names.map((name) => [name, call(name)])) as T;
}

const base = { version: '1.0.0', api: 1 } as const;
const storeManifest = defineManifest({
  ...base,
  name: 'test.faulty-store',
  summary: 'A filesystem store that fails on demand, and a clock that steps.',
  config: { dir: FilePath({ doc: 'Its folder.' }) },
  provides: { store: ObjectStore },
});
const indexManifest = defineManifest({
  ...base,
  name: 'test.faulty-index',
  summary: 'An SQLite index that fails on demand.',
  config: { file: FilePath({ doc: 'Its file.' }) },
  provides: { index: SegmentIndex },
});

const store = definePlugin(storeManifest, async () => ({
  create: (ctx: Context<typeof storeManifest>) => {
    const files = new FileStore(resolve(ctx.baseDir, ctx.config.dir), { concurrency: 8 });
    const realNow = Date.now;
    return {
      services: {
        store: failing<ObjectStore>(
          () => files,
          ['put', 'get', 'head', 'list', 'delete'],
          () => faultsOf(ctx.baseDir).store,
        ),
      },
      async start() {
        await files.open();
        let off = 0;
        Date.now = () => realNow() + off;
        ctx.clock.every(100, () => (off = faultsOf(ctx.baseDir).clock ?? 0));
      },
      stop: () => void (Date.now = realNow),
    };
  },
}));

const index = definePlugin(indexManifest, async () => ({
  create: (ctx: Context<typeof indexManifest>) => {
    let sqlite: SqliteIndex | undefined;
    const names = ['add', 'addGap', 'range', 'latest', 'spans', 'cameras', 'reserve', 'delete'] as const;
    const fails = failing<SegmentIndex>(
      () => sqlite!,
      names,
      () => faultsOf(ctx.baseDir).index,
    );
    return {
      services: { index: { ...fails, watch: (...args: Parameters<SegmentIndex['watch']>) => sqlite!.watch(...args) } },
      async start() {
        sqlite = await SqliteIndex.open(resolve(ctx.baseDir, ctx.config.file), {
          onCrash: (error) => ctx.fail(error),
          onWatcherError: (error) => ctx.fail(error),
        });
      },
      stop: () => sqlite?.close(),
    };
  },
}));

export default [store, index];
