// What a measurement must say about where it was made.
import { execFileSync } from 'node:child_process';
import { cpus, release, totalmem } from 'node:os';
import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';

const root = dirname(import.meta.dirname);

/** One line: processor, memory, system, Node, commit. */
export function describeMachine() {
  const [{ model }] = cpus();
  const memory = `${Math.round(totalmem() / 2 ** 30)} GiB`;
  return `${cpus().length} x ${model.trim()}, ${memory}, ${system()}, Node ${process.versions.node}, commit ${commit()}`;
}

function system() {
  try {
    return /^PRETTY_NAME="?([^"\n]*)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? release();
  } catch {
    return `${process.platform} ${release()}`;
  }
}

function commit() {
  const git = (/** @type {string[]} */ ...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
  try {
    const changed = git('status', '--porcelain', '--untracked-files=no') === '' ? '' : ' with changes';
    return git('log', '-1', '--format=%h') + changed;
  } catch {
    return 'unknown';
  }
}
