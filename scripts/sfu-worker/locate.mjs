// Where the SFU worker of this machine is or will be. Dependency-free: used by the set-up, `eddy doctor` and whoever starts workers.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { findPackage } from '../setup/find-package.mjs';

const here = import.meta.dirname;

/**
 * @typedef {object} SfuWorker
 * @property {string} version mediasoup's, e.g. `3.27.1`. Worker and npm package must be of the same.
 * @property {string} recipe Hash of our patches and build script: another patch is another worker.
 * @property {string} sources mediasoup's own sources of the worker.
 * @property {string} path The executable. Outside the checkout, so that a fresh clone on the same machine finds it.
 * @property {boolean} ready Whether it is there.
 */

/**
 * @param {string} root The folder from which `mediasoup` is looked up.
 * @returns {SfuWorker | undefined} undefined where mediasoup is not installed.
 */
export function locateSfuWorker(root) {
  const mediasoup = findPackage('mediasoup', root);
  if (!mediasoup) return undefined;
  const recipe = hashRecipe();
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
  const path = join(caches, 'eddy/sfu-worker', `${mediasoup.version}-${recipe}-${process.arch}`, 'mediasoup-worker');
  const sources = join(mediasoup.folder, 'worker');
  return { version: mediasoup.version, recipe, sources, path, ready: existsSync(path) };
}

function hashRecipe() {
  const hash = createHash('sha256');
  const files = readdirSync(here, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && (entry.name === 'build.sh' || entry.parentPath !== here))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  for (const file of files) hash.update(file.slice(here.length)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex').slice(0, 12);
}
