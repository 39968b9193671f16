/** Folders, durable: an entry survives a crash only after an fsync of the folder that holds it. */
import { mkdir, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { systemCode } from './errors.ts';

/** Makes what was entered in this folder survive a crash. */
export async function syncFolder(path: string): Promise<void> {
  // Windows has no such thing: there NTFS keeps its own journal of names.
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/** The folders below a root: each is made, and entered durably in the one above, before anything is put into it. */
export class Folders {
  readonly #root: string;
  /** One promise a folder, so that nobody relies on a folder that another is still making. */
  readonly #made = new Map<string, Promise<void>>();

  constructor(root: string) {
    this.#root = root;
  }

  /** Makes a folder that is the root or below it. What an earlier process made may not be durable: it is synced too. */
  async make(path: string): Promise<void> {
    const known = this.#made.get(path);
    if (known) return known;
    const making = this.#make(path);
    this.#made.set(path, making);
    // A failure is not remembered.
    making.catch(() => this.#made.delete(path));
    return making;
  }

  /** Somebody removed folders behind our back. */
  forget(): void {
    this.#made.clear();
  }

  async #make(path: string): Promise<void> {
    if (path === this.#root) return makeRoot(path);
    await this.make(dirname(path));
    await makeOne(path);
    await syncFolder(dirname(path));
  }
}

/** Step by step: Node's own recursive mkdir never ends in a folder such as /proc, where nothing can be made. */
async function makeRoot(path: string): Promise<void> {
  const above = dirname(path);
  try {
    if (!(await makeOne(path))) return;
  } catch (error) {
    if (systemCode(error) !== 'ENOENT' || above === path || (await isFolder(above))) throw error;
    await makeRoot(above);
    await makeOne(path);
  }
  await syncFolder(above);
}

/** Returns whether it was made: false where it was there. */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST') return false;
    throw error;
  }
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
