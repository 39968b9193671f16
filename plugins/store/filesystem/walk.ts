/** Lists a tree of files in the byte order of their keys. */
import type { Dirent } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { isObjectKey } from 'eddy/plugin';
import { systemCode } from './errors.ts';

/** Keys under `root` that begin with `prefix` and come after `after`, in byte order. Reads only folders that matter. */
export async function* walk(root: string, prefix: string, after: string): AsyncGenerator<string, void> {
  const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
  // A prefix that is no path of keys matches nothing; above all it leads nowhere outside of the root.
  if (folder !== '' && !isObjectKey(folder.slice(0, -1))) return;
  yield* walkFolder(root, folder, prefix, after);
}

async function* walkFolder(root: string, folder: string, prefix: string, after: string): AsyncGenerator<string, void> {
  for (const { name, isFolder } of await entries(join(root, folder))) {
    const key = folder + name;
    if (isFolder) {
      const inside = `${key}/`;
      const mayMatch = inside.startsWith(prefix) || prefix.startsWith(inside);
      // All keys in there begin with `inside`: none comes after `after` unless that is before, or in there itself.
      const mayFollow = inside > after || after.startsWith(inside);
      if (mayMatch && mayFollow) yield* walkFolder(root, inside, prefix, after);
    } else if (key.startsWith(prefix) && key > after) yield key;
  }
}

/** A folder's entries in the order of the keys below them: `a-b` and `a.b` come before `a/...`, `a0` after it. */
async function entries(path: string): Promise<{ readonly name: string; readonly isFolder: boolean }[]> {
  let found: Dirent[];
  try {
    found = await readdir(path, { withFileTypes: true });
  } catch (error) {
    if (systemCode(error) === 'ENOENT' || systemCode(error) === 'ENOTDIR') return [];
    throw error;
  }
  return found
    .filter((entry) => (entry.isDirectory() || entry.isFile()) && isObjectKey(entry.name))
    .map((entry) => ({ name: entry.name, isFolder: entry.isDirectory() }))
    .map((entry) => ({ ...entry, order: entry.isFolder ? `${entry.name}/` : entry.name }))
    .sort((a, b) => (a.order < b.order ? -1 : 1));
}
