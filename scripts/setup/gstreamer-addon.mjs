// The native addon through which the media hosts drive GStreamer, compiled against this machine's GStreamer and this Node.
import { existsSync, readFileSync, realpathSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { findPackage } from './find-package.mjs';
import { run, SetupError, succeeds } from './steps.mjs';

const name = 'gstreamer-superficial';

/** @param {string} root @returns {import('./steps.mjs').Step} */
export function gstreamerAddon(root) {
  return {
    name: 'GStreamer addon',
    ready: () => {
      const found = findPackage(name, root);
      return found !== undefined && stampOf(found.folder) === wanted();
    },
    doing: () => `compiling ${name} for Node ${process.versions.node}`,
    bring: async () => {
      const found = findPackage(name, root);
      if (!found) throw new SetupError(`${name} is not installed: npm install ${name}`);
      // An npm install of the user may have compiled it already, and rightly.
      if (!loads(found.folder)) await compile(found.folder);
      writeFileSync(stampFile(found.folder), wanted());
      return found.folder;
    },
  };
}

/**
 * With the node-gyp that npm carries. Not `npm rebuild`, which obeys the root project's policy on scripts: that of npm 10 and of
 * npm 11 differ, and in an installed package it is not ours to set.
 * @param {string} folder
 */
async function compile(folder) {
  const env = { ...process.env, npm_config_nodedir: headers() };
  await run('npm', ['exec', '-c', 'node-gyp rebuild'], { cwd: folder, env });
  if (!loads(folder))
    throw new SetupError(`${name} was compiled, and yet Node ${process.versions.node} cannot load it`);
}

/** Of this very Node, where they came with it; empty lets node-gyp fetch them. An npmrc of the machine may name another's. */
function headers() {
  const prefix = dirname(dirname(realpathSync(process.execPath)));
  return existsSync(join(prefix, 'include/node/node.h')) ? prefix : '';
}

/** In a process of its own: a wrongly built addon takes the process along. @param {string} folder */
const loads = (folder) => succeeds(process.execPath, ['-e', 'require(process.argv[1])', folder]);

/** An addon is bound to the ABI of the Node that it was compiled for, and to the machine's architecture. */
const wanted = () => `${process.versions.modules} ${process.arch}\n`;
const stampFile = (/** @type {string} */ folder) => join(folder, 'build', 'eddy-stamp');
const stampOf = (/** @type {string} */ folder) =>
  existsSync(stampFile(folder)) ? readFileSync(stampFile(folder), 'utf8') : undefined;
