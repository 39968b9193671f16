// `make bench`: the comparisons, one after another so that none disturbs the next, into docs/benchmarks.md.
//
// Arguments name some of them: `node scripts/bench.mjs validate`; then the page is printed and not written. One that fails does not keep
// the others from running. EDDY_BENCH names a file in which `make proof` took down some of them: those are not measured again, and tell their commit.
// A benchmark is a file test/bench/*.bench.ts that prints one line of JSON at its end: { bench, ... } with what was measured.
import { spawn } from 'node:child_process';
import { globSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readJsonLines } from './json-lines.mjs';
import { commit, describeMachine } from './machine.mjs';

const root = dirname(import.meta.dirname);

/** @param {string} file @returns {Promise<Record<string, unknown> | undefined>} */
async function measure(file) {
  const child = spawn(process.execPath, ['--conditions=eddy-source', file], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { EDDY_LEVEL: 'proof', ...process.env },
  });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  const status = await new Promise((resolve) => child.on('close', resolve));
  const last = output.trim().split('\n').at(-1) ?? '';
  if (status === 0 && last.startsWith('{')) return JSON.parse(last);
  console.error(`${file} failed (${status})\n${output}`);
  return undefined;
}

/** `{ a: { b: 1 } }` as `a: b` and `1`. @param {object} value @param {string} [path] @returns {[string, unknown][]} */
function flatten(value, path = '') {
  return Object.entries(value).flatMap(([key, inner]) => {
    const name = path ? `${path}: ${key}` : key;
    return typeof inner === 'object' && inner !== null ? flatten(inner, name) : [[name, inner]];
  });
}

/** What a benchmark says of itself: the first paragraph of the comment that it begins with. @param {string} file */
function about(file) {
  const [, comment = ''] = /^\/\*\*([^]*?)\*\//.exec(readFileSync(join(root, file), 'utf8')) ?? [];
  return comment
    .replaceAll(/^ *\* ?/gm, '')
    .trim()
    .split(/\n\n/)[0];
}

const wanted = process.argv.slice(2);
const all = globSync('test/bench/*.bench.ts', { cwd: root }).sort();
const files = all.filter((file) => wanted.length === 0 || wanted.includes(basename(file, '.bench.ts')));
if (files.length < wanted.length) {
  console.error(`there are the benchmarks ${all.map((file) => basename(file, '.bench.ts')).join(', ')}`);
  process.exit(2);
}
const earlier = readJsonLines(process.env.EDDY_BENCH);
const measuredAt = commit();
const failed = [];
const page = [
  '# Benchmarks',
  '',
  'Written by `make bench`: Eddy against peers on the same machine in the same run, or against the floor of the method. Ratios travel;',
  'absolute figures are those of this machine.',
  '',
  `${new Date().toISOString().slice(0, 10)}: ${describeMachine()}.`,
];
for (const file of files) {
  const name = basename(file, '.bench.ts');
  console.log(`bench: ${name}`);
  const began = performance.now();
  const before = earlier.findLast((one) => one.name === name);
  const result = before?.result ?? (await measure(file));
  const seconds = before?.seconds ?? Math.round((performance.now() - began) / 1000);
  if (!result) failed.push(name);
  const { bench = name, ...measured } = result ?? { failed: 'yes' };
  page.push(
    '',
    `## ${bench}`,
    '',
    about(file),
    '',
    `[${file}](../${file}), ${seconds} s, commit ${before?.commit ?? measuredAt}`,
    '',
    '| what | measured |',
    '| --- | --- |',
  );
  page.push(...flatten(measured).map(([name, value]) => `| ${name} | ${value} |`));
}
if (wanted.length === 0) writeFileSync(join(root, 'docs/benchmarks.md'), `${page.join('\n')}\n`);
console.log(page.join('\n'));
if (failed.length > 0) {
  console.log(`\nfailed: ${failed.join(', ')}`);
  process.exitCode = 1;
}
