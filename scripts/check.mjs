// Everything that can be known without running Eddy.
//
//   node scripts/check.mjs [NAME...]      all, or only those named
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { performance } from 'node:perf_hooks';

const root = dirname(import.meta.dirname);
const bin = (/** @type {string} */ path) => join(root, 'node_modules', path);
const source = '--conditions=eddy-source';

/** As many run at one time: each keeps one core busy. */
const AT_ONCE = 2;

/** Each is a command line for Node; what it prints is shown where it fails. The longest comes first. @type {Record<string, string[]>} */
const checks = {
  lint: [bin('eslint/bin/eslint.js'), '--max-warnings', '0', '.'],
  format: [bin('prettier/bin/prettier.cjs'), '--check', '--log-level', 'warn', '.'],
  types: ['scripts/checks/types.mjs'],
  architecture: [
    bin('dependency-cruiser/bin/dependency-cruiser.mjs'),
    '--config',
    '.dependency-cruiser.mjs',
    'core',
    'plugins',
  ],
  'error codes': [source, 'scripts/checks/error-codes.ts'],
  'generated files': [source, 'scripts/generate.mjs', '--check'],
  'public API': ['scripts/checks/api-report.mjs'],
  links: ['scripts/checks/links.ts'],
};

/** @param {string[]} args @returns {Promise<{ ok: boolean, output: string }>} */
function node(args) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { cwd: root, env: { ...process.env, FORCE_COLOR: '0' } });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    child.stderr.on('data', (data) => (output += data));
    child.on('close', (code) => resolve({ ok: code === 0, output }));
  });
}

/** Runs the named checks, tells of each, and returns how many passed and failed. @param {string[]} [names] */
export async function check(names = Object.keys(checks)) {
  const unknown = names.find((name) => !checks[name]);
  if (unknown) throw new Error(`no such check: ${unknown}; there are ${Object.keys(checks).join(', ')}`);
  const totals = { passed: 0, failed: 0 };
  const waiting = [...names];
  const run = async () => {
    for (let name = waiting.shift(); name; name = waiting.shift()) {
      const started = performance.now();
      const { ok, output } = await node(checks[name] ?? []);
      totals[ok ? 'passed' : 'failed']++;
      if (!ok) console.log(output.trimEnd());
      console.log(`check: ${name}: ${ok ? 'ok' : 'FAILED'}, ${((performance.now() - started) / 1000).toFixed(1)} s`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, run));
  return totals;
}

if (process.argv[1] === import.meta.filename) {
  const names = process.argv.slice(2);
  const { failed } = await check(names.length > 0 ? names : undefined);
  process.exitCode = failed > 0 ? 1 : 0;
}
