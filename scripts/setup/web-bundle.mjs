// What browsers load: the player's page, bundled.
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './steps.mjs';

/** @param {string} root @returns {import('./steps.mjs').Step} */
export function webBundle(root) {
  return {
    name: 'web player',
    // Both sides by modification time: the bundle is made from the client sources and the lock file's hls.js.
    ready: () => !existsSync(join(root, 'scripts/build-web.mjs')) || newest(outputs(root)) >= newest(inputs(root)),
    doing: () => 'bundling',
    bring: () => run(process.execPath, ['scripts/build-web.mjs'], { cwd: root }),
  };
}

const web = (/** @type {string} */ root) => join(root, 'plugins/web');
const plugins = (/** @type {string} */ root) =>
  existsSync(web(root))
    ? readdirSync(web(root), { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .map((entry) => join(web(root), entry.name))
    : [];
const outputs = (/** @type {string} */ root) => plugins(root).map((folder) => join(folder, 'dist'));
const inputs = (/** @type {string} */ root) => [
  ...plugins(root).map((folder) => join(folder, 'client')),
  // What pages use of `eddy/media`.
  join(root, 'core/media/block-clock.ts'),
  join(root, 'scripts/build-web.mjs'),
  join(root, 'package-lock.json'),
];

/** Of all files below, in ms since the epoch; 0 where there are none. @param {string[]} paths @returns {number} */
function newest(paths) {
  return Math.max(
    0,
    ...paths.map((path) => {
      if (!existsSync(path)) return 0;
      const stat = statSync(path);
      return stat.isDirectory() ? newest(readdirSync(path).map((name) => join(path, name))) : stat.mtimeMs;
    }),
  );
}
