// What `make test` runs: the checks, then every test, and one plain line at the end, when all is over: "12 passed, 0 failed".
// A check counts as one. Arguments go to vitest.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { check } from './check.mjs';

const root = dirname(import.meta.dirname);

/** Checks and tests at the level of `EDDY_LEVEL`. @param {string[]} vitestArguments @param {{ checks?: boolean }} [options] */
export async function runTests(vitestArguments, { checks = true } = {}) {
  const checked = checks ? await check() : { passed: 0, failed: 0 };
  const tested = await vitest(vitestArguments);
  for (const test of tested.unsteady) console.log(`passed only at the second attempt: ${test}`);
  if (tested.skipped > 0) console.log(`${tested.skipped} skipped`);
  const failed = checked.failed + tested.failed;
  const { failures, took, unsteady } = tested;
  return { failed, line: `${checked.passed + tested.passed} passed, ${failed} failed`, failures, took, unsteady };
}

/** @param {string[]} args @returns {Promise<import('./vitest-totals.ts').Totals>} */
async function vitest(args) {
  const folder = mkdtempSync(join(tmpdir(), 'eddy-totals-'));
  try {
    const totals = join(folder, 'totals.json');
    const child = spawn(process.execPath, [join(root, 'node_modules/vitest/vitest.mjs'), 'run', ...args], {
      cwd: root,
      stdio: 'inherit',
      env: { ...process.env, EDDY_TOTALS: totals, EDDY_SECOND_ATTEMPT: '1' },
    });
    const status = await new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
    const counted = read(totals) ?? {
      ...{ passed: 0, failed: 1, skipped: 0, unsteady: [], took: {} },
      failures: ['vitest broke before its end'],
    };
    // Whatever the counts say, a run that did not end well has failed.
    if (status !== 0 && counted.failed === 0) counted.failed = 1;
    return counted;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @param {string} file */
function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    return undefined; // it broke before the end
  }
}

if (process.argv[1] === import.meta.filename) {
  const { line, failed } = await runTests(process.argv.slice(2));
  console.log(line);
  process.exitCode = failed > 0 ? 1 : 0;
}
