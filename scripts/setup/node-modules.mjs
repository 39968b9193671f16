// The packages of npm, as the lock file has them.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findPackage } from './find-package.mjs';
import { run, SetupError } from './steps.mjs';

/** @param {string} root @returns {import('./steps.mjs').Step} */
export function nodeModules(root) {
  return {
    name: 'npm packages',
    ready: () => matchesLock(root),
    doing: () => 'npm ci',
    // No package's own script runs: mediasoup's would fetch or build a worker that Eddy does not use, and fail where it
    // cannot. The addon that must be compiled has a step of its own. So npm 10 and 11 do the same.
    bring: () => run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: root }),
  };
}

/**
 * Whether what is installed is what the lock file says, by npm's own record of it. Packages for other systems may be missing,
 * and more may be there: a package just being tried is no reason to install everything again.
 * @param {string} root
 */
export function matchesLock(root) {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')).packages;
  const installed = JSON.parse(readFileSync(record, 'utf8')).packages;
  return Object.entries(wanted).every(
    ([path, entry]) =>
      path === '' || (installed[path] ? installed[path].version === entry.version : entry.optional === true),
  );
}

/**
 * The packages with native parts, which `npm install eddy` leaves out: their own install scripts would compile and download before
 * anyone has brought what they need.
 * @param {string} root @returns {import('./steps.mjs').Step}
 */
export function nativePackages(root) {
  const { peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const missing = Object.entries(peerDependencies).filter(([name]) => !findPackage(name, root));
  const wanted = missing.map(([name, range]) => `${name}@${range}`);
  return {
    name: 'npm packages with native parts',
    ready: () => missing.length === 0,
    doing: () => `npm install ${wanted.join(' ')}`,
    bring: async () => {
      // <project>/node_modules/eddy
      const project = dirname(dirname(root));
      const install = ['install', '--ignore-scripts', '--save-exact', '--no-audit', '--no-fund', ...wanted];
      if (!existsSync(join(project, 'package.json'))) {
        throw new SetupError(`please run, where eddy is installed, and then try again:\n  npm ${install.join(' ')}`);
      }
      await run('npm', install, { cwd: project });
    },
  };
}
