/** Where stages and services write: whether they may, and whether there is room. */
import { accessSync, constants, statSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Draft, DraftNode } from './draft.ts';
import { quoteList, type Findings } from './finding.ts';
import { entryOf } from './tree.ts';

/** What is there where a folder or file is to be written. */
export interface StorageState {
  /** Why it cannot be written; absent: it can. */
  readonly refused?: string;
  /** Bytes that are free on its disk; absent where nobody can tell. */
  readonly free?: number;
}

/** Below this a warning is due: some minutes of a few cameras. */
export const LOW_BYTES = 1024 ** 3;

/** Looks at a path that may not be there yet: the nearest folder above it decides. */
export async function storageState(path: string): Promise<StorageState> {
  let place = path;
  let stats = entryAt(place);
  while (!stats && dirname(place) !== place) {
    place = dirname(place);
    stats = entryAt(place);
  }
  if (!stats) return { refused: 'there is no such place' };
  if (place !== path && !stats.isDirectory()) return { refused: `${place} is a file` };
  try {
    accessSync(place, stats.isDirectory() ? constants.W_OK | constants.X_OK : constants.W_OK);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      refused: code === 'EROFS' ? `${place} is on a read-only disk` : `${place} may not be written by this user`,
    };
  }
  try {
    const { bavail, bsize } = await statfs(place);
    return { free: bavail * bsize };
  } catch {
    return {};
  }
}

/** A path below a file is no error here: the file is what is found. */
function entryAt(place: string): ReturnType<typeof statSync> {
  try {
    return statSync(place, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

/** `1.5 GiB`. */
export function bytesText(bytes: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  const power = Math.min(units.length - 1, Math.floor(Math.log2(Math.max(1, bytes)) / 10));
  const value = bytes / 1024 ** power;
  return `${value >= 10 || power === 0 ? Math.round(value) : value.toFixed(1)} ${units[power]!}`;
}

/** Every place that a node says it writes to, by its configuration. */
export function storageOf(
  config: Readonly<Record<string, unknown>>,
  keys: readonly string[] | undefined,
): { readonly key: string; readonly path: string }[] {
  return (keys ?? []).flatMap((key) => {
    const path = config[key];
    return typeof path === 'string' ? [{ key, path }] : [];
  });
}

/** Looks at the disks under a pipeline. */
export async function checkStorage(
  draft: Draft,
  look: (path: string) => Promise<StorageState>,
  findings: Findings,
): Promise<void> {
  const places = new Map<string, { key: string; nodes: DraftNode[]; state: Promise<StorageState> }>();
  for (const node of draft.nodes.values()) {
    if (!node.plugin || !node.config) continue;
    for (const { key, path } of storageOf(node.config, node.plugin.manifest.claims.storage)) {
      const known = places.get(path) ?? { key, nodes: [], state: look(path) };
      known.nodes.push(node);
      places.set(path, known);
    }
  }
  for (const [path, { key, nodes, state }] of places) {
    const { refused, free } = await state;
    const users = quoteList(nodes.map(({ name }) => name));
    const about = { at: entryOf(nodes[0]!.map, key)?.value.span ?? nodes[0]!.at, nodes: nodes.map(({ name }) => name) };
    if (refused !== undefined) {
      const message = `${users} cannot write to ${path}: ${refused}`;
      findings.add({ code: 'STORAGE_UNWRITABLE', ...about, message, mend: `Name another place: ${key}: ./data` });
    } else if (free !== undefined && free < LOW_BYTES) {
      const message = `${users} writes to ${path}, where ${bytesText(free)} are free`;
      findings.add({ code: 'STORAGE_LOW', ...about, message });
    }
  }
}
