/** Files that are being written, in a folder that no key can name. */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { systemCode } from './errors.ts';

/** `~` is in no key, so the folder of the store holds it without a clash. */
export const TEMPORARY = '~tmp';

/** After this many ms a file of another machine or container is nobody's, whatever its pid says. */
const ABANDONED = 3_600_000;

/**
 * Tells one run of a process from another of the same pid: in a container every run has the pid 1. Rounded, as clocks
 * are: it is the same in all threads of a process only roughly, so a store is to be opened by one of them.
 */
const run = `${process.pid}-${Math.round(performance.timeOrigin)}`;
const NAME = /^(\d+)-(\d+)-\d+-\d+$/;

/** Names files of one store. */
export function temporaryNames(): () => string {
  // Several stores of a process may share a folder.
  const store = Math.floor(Math.random() * 1e15);
  let count = 0;
  return () => `${run}-${store}-${count++}`;
}

/** Removes what earlier runs left behind in this folder, never what a living process writes. Returns how many. */
export async function removeLeftovers(dir: string, now: number): Promise<number> {
  let removed = 0;
  for (const name of await readdir(dir)) {
    const path = join(dir, name);
    if (!isDead(name) && now - (await modified(path)) < ABANDONED) continue;
    await rm(path, { force: true });
    removed += 1;
  }
  return removed;
}

function isDead(name: string): boolean {
  const [, pid, origin] = NAME.exec(name) ?? [];
  if (pid === undefined) return false;
  if (Number(pid) === process.pid) return `${pid}-${origin}` !== run;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return systemCode(error) === 'ESRCH';
  }
}

async function modified(path: string): Promise<number> {
  try {
    return (await stat(path)).mtimeMs;
  } catch {
    return Infinity;
  }
}
