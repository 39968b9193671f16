/**
 * Objects as files. A put writes a temporary file, syncs it, renames it to its key and syncs the folder: whatever
 * happens in between, a key names a whole object or none.
 */
import { access, open, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  EddyError,
  LIST_LIMIT,
  type ListOptions,
  type ObjectStore,
  type PutOptions,
  type StoredObject,
} from 'eddy/plugin';
import { alreadyStored, checkKey, notStored } from '../shared/key.ts';
import { Limiter } from '../shared/limiter.ts';
import { storeError, systemCode } from './errors.ts';
import { Folders, syncFolder } from './folders.ts';
import { removeLeftovers, TEMPORARY, temporaryNames } from './temporary.ts';
import { walk } from './walk.ts';

/** Options of a {@link FileStore}. */
export interface FileStoreOptions {
  /** How many objects are written at once. */
  readonly concurrency: number;
}

/** See the file's head. `root` is absolute. */
export class FileStore implements ObjectStore {
  readonly #root: string;
  readonly #temporary: string;
  readonly #names = temporaryNames();
  readonly #folders: Folders;
  readonly #writes: Limiter;
  /** Keys that are being put: of two puts at once one is refused, as if they came one after the other. */
  readonly #putting = new Set<string>();

  constructor(root: string, { concurrency }: FileStoreOptions) {
    this.#root = root;
    this.#temporary = join(root, TEMPORARY);
    this.#folders = new Folders(root);
    this.#writes = new Limiter(concurrency);
  }

  /** Makes the folder and removes what a crash left half written; returns how many files that were. */
  async open(): Promise<number> {
    try {
      await this.#folders.make(this.#temporary);
      const removed = await removeLeftovers(this.#temporary, Date.now());
      // Found out now, by whoever starts the pipeline, and not by the first segment.
      const probe = join(this.#temporary, this.#names());
      await (await open(probe, 'wx')).close();
      await unlink(probe);
      return removed;
    } catch (error) {
      throw storeError(error, `use the folder ${this.#root}`);
    }
  }

  async put(key: string, data: Uint8Array, { overwrite = false, signal }: PutOptions = {}): Promise<void> {
    checkKey(key);
    signal?.throwIfAborted();
    if (!overwrite && this.#putting.has(key)) throw alreadyStored(key);
    this.#putting.add(key);
    try {
      await this.#writes.run(() => this.#put(key, data, overwrite, signal), signal);
    } catch (error) {
      throw storeError(error, `store "${key}"`);
    } finally {
      this.#putting.delete(key);
    }
  }

  async get(key: string, range?: { start: number; end: number }): Promise<Uint8Array> {
    checkKey(key);
    try {
      const file = await open(join(this.#root, key), 'r');
      try {
        const stats = await file.stat();
        if (!stats.isFile()) throw notStored(key);
        const start = Math.min(range?.start ?? 0, stats.size);
        const end = Math.min(range?.end ?? stats.size, stats.size);
        const bytes = Buffer.allocUnsafeSlow(Math.max(0, end - start));
        for (let filled = 0; filled < bytes.length;) {
          const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, start + filled);
          if (bytesRead === 0) throw new EddyError('STORE_UNREACHABLE', `"${key}" became shorter while it was read`);
          filled += bytesRead;
        }
        return new Uint8Array(bytes.buffer);
      } finally {
        await file.close();
      }
    } catch (error) {
      if (isAbsence(error)) throw notStored(key, error);
      throw storeError(error, `read "${key}"`);
    }
  }

  async head(key: string): Promise<StoredObject | undefined> {
    checkKey(key);
    try {
      const stats = await stat(join(this.#root, key));
      return stats.isFile() ? { key, bytes: stats.size, storedAt: stats.mtimeMs } : undefined;
    } catch (error) {
      if (isAbsence(error)) return undefined;
      throw storeError(error, `look at "${key}"`);
    }
  }

  async list(prefix: string, { after = '', limit = LIST_LIMIT }: ListOptions = {}): Promise<StoredObject[]> {
    const found: StoredObject[] = [];
    try {
      for await (const key of walk(this.#root, prefix, after)) {
        if (found.length >= limit) break;
        // It may have been deleted since its folder was read.
        const object = await this.head(key);
        if (object) found.push(object);
      }
      return found;
    } catch (error) {
      throw storeError(error, `list "${prefix}"`);
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) checkKey(key);
    for (const key of keys) {
      try {
        await unlink(join(this.#root, key));
      } catch (error) {
        // EISDIR, on some systems EPERM: a folder of keys, which is no object.
        if (isAbsence(error) || (systemCode(error) === 'EPERM' && (await this.head(key)) === undefined)) continue;
        throw storeError(error, `delete "${key}"`);
      }
    }
  }

  async #put(key: string, data: Uint8Array, overwrite: boolean, signal: AbortSignal | undefined): Promise<void> {
    const path = join(this.#root, key);
    if (!overwrite && (await exists(path))) throw alreadyStored(key);
    const temporary = join(this.#temporary, this.#names());
    try {
      const file = await open(temporary, 'wx');
      try {
        await file.writeFile(data, { signal });
        await file.sync();
      } finally {
        await file.close();
      }
      signal?.throwIfAborted();
      await this.#enter(temporary, path, key);
    } catch (error) {
      await rm(temporary, { force: true }).catch(() => undefined);
      throw signal?.aborted ? signal.reason : error;
    }
  }

  /** Gives the written file its name, durably. From here on an abort comes too late. */
  async #enter(temporary: string, path: string, key: string): Promise<void> {
    try {
      await this.#folders.make(dirname(path));
      await rename(temporary, path);
    } catch (error) {
      if (systemCode(error) === 'ENOENT') this.#folders.forget();
      if (!['ENOTDIR', 'EEXIST', 'EISDIR', 'ENOTEMPTY'].includes(systemCode(error) ?? '')) throw error;
      const message = `"${key}" cannot be stored: a key is a folder of another`;
      throw new EddyError('STORE_KEY_INVALID', message, { cause: error });
    }
    await syncFolder(dirname(path));
  }
}

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    (error: unknown) => {
      if (isAbsence(error)) return false;
      throw error;
    },
  );

/** There is no such file: no name, a file where a folder would be, or a folder where a file would be. */
function isAbsence(error: unknown): boolean {
  return ['ENOENT', 'ENOTDIR', 'EISDIR'].includes(systemCode(error) ?? '');
}
