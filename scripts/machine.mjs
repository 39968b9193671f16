// What a measurement must say about where it was made.
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const root = dirname(import.meta.dirname);

/** One line: processor, memory, system, Node. */
export function describeMachine() {
  const [{ model }] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} x ${model.trim()}, ${memory}, ${system()}, Node ${process.versions.node}`;
}

function system() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? release();
  } catch {
    return `${process.platform} ${release()}`;
  }
}

/** The commit that is checked out, and whether it is all: `1a2b3c4` or `1a2b3c4 with changes`. */
export function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    // The pages of the measurements themselves do not count.
    const others = ['--', '.', ':!docs/proof.md', ':!docs/benchmarks.md'];
    const changed = git('status', '--porcelain', '--untracked-files=no', ...others) === '' ? '' : ' with changes';
    return git('log', '-1', '--format=%h') + changed;
  } catch {
    return 'unknown';
  }
}
