// Files in the repository that are made from others: schemas, reference pages, READMEs of plugins.
//
//   node scripts/generate.mjs            writes them
//   node scripts/generate.mjs --check    fails where one is stale, missing or no longer made
//
// Each file in scripts/generators/ exports
//   generate(): Promise<Map<string, string>>    texts by path, relative to the checkout
//   owns: string[]                              globs of all that it may make: what matches and is made no longer, goes
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const root = dirname(import.meta.dirname);
const check = process.argv.includes('--check');

/** @param {string} path @param {string} state @param {() => void} mend */
function stale(path, state, mend) {
  if (!check) return mend();
  console.error(`${path} ${state}: please run npm run generate`);
  process.exitCode = 1;
}

for (const file of globSync('scripts/generators/*.{ts,mjs}', { cwd: root }).sort()) {
  const { generate, owns } = await import(pathToFileURL(join(root, file)).href);
  const made = await generate();
  for (const [path, text] of made) {
    const target = join(root, path);
    if (existsSync(target) && readFileSync(target, 'utf8') === text) continue;
    stale(path, 'is stale', () => {
      mkdirSync(dirname(target), { recursive: true });
      writeFileSync(target, text);
    });
  }
  for (const path of globSync(owns, { cwd: root })) {
    if (!made.has(path)) stale(path, 'is made by nothing any more', () => rmSync(join(root, path)));
  }
}
