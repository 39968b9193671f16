// Compiles the package into dist/: what an installed Eddy runs.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = dirname(import.meta.dirname);
const dist = join(root, 'dist');

function node(/** @type {string[]} */ ...args) {
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

rmSync(dist, { recursive: true, force: true });
if (existsSync(join(root, 'scripts/build-web.mjs'))) node('scripts/build-web.mjs');
// By TypeScript 7: 6.0 leaves `export default f(() => import('./x.ts'))` as it is, and that is how every plugin.ts ends.
node('node_modules/typescript-7/bin/tsc', '-p', 'tsconfig.build.json');

// What is no TypeScript goes along to where the compiled code looks for it, relative to itself: bundles, templates.
const assets = globSync(['core/**/*', 'plugins/**/*'], { cwd: root, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(root.length + 1))
  .filter((path) => /\/templates\//.test(path) || !/\.(ts|md)$|\/client\//.test(path));
for (const path of assets) {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  cpSync(join(root, path), join(dist, path));
}

// A relative import of a source would fail only when that code is loaded, which may be late.
const IMPORTS_SOURCE = /(?:from|import)\s*\(?\s*['"]\.[^'"]*(?<!\.d)\.ts['"]/;
const wrong = globSync('**/*.js', { cwd: dist }).filter(
  (path) => !/\/templates?\b/.test(path) && IMPORTS_SOURCE.test(readFileSync(join(dist, path), 'utf8')),
);
if (wrong.length > 0) {
  console.error(`compiled files that import sources: ${wrong.join(', ')}`);
  process.exit(1);
}
