// `make proof`: every test at full length, and the bars that they met or missed as a table in docs/proof.md. A test that fails does not
// keep the others from running. Arguments go to vitest; then nothing is checked besides and the table is only printed, unless EDDY_PROOF names a file in which
// it was begun earlier, at the same commit: EDDY_PROOF=rows.jsonl node scripts/proof.mjs test/browser/live.test.ts
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeMachine } from './machine.mjs';
import { groupRows } from './proof-issues.ts';
import { runTests } from './test.mjs';

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'eddy-proof-'));
const goesOn = process.env.EDDY_PROOF !== undefined;
const notes = process.env.EDDY_PROOF ?? join(folder, 'bars.jsonl');
const args = process.argv.slice(2);
Object.assign(process.env, { EDDY_LEVEL: 'proof', EDDY_PROOF: notes });

const machine = describeMachine();
const began = performance.now();
const { line, failed, failures, took } = await runTests(args, { checks: args.length === 0 });
const minutes = ((performance.now() - began) / 60_000).toFixed(1);
/** @type {import('./proof-issues.ts').Row[]} */
const bars = existsSync(notes)
  ? readFileSync(notes, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((text) => JSON.parse(text))
  : [];
rmSync(folder, { recursive: true });

const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
/** How long its test took, which may have measured other rows too. @param {import('./proof-issues.ts').Row} row */
function duration({ file, test }) {
  const ms = took[`${file} > ${test}`];
  return ms === undefined ? '' : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
}

const missed = bars.filter((bar) => !bar.pass);
const page = [
  '# Proof',
  '',
  'Written by `make proof`. What each bar is for is in the test that measured it.',
  '',
  `${new Date().toISOString().slice(0, 10)}: ${machine}. ${line} in ${minutes} minutes.`,
  ...groupRows(bars).flatMap(({ heading, rows }) => [
    '',
    `## ${heading}`,
    '',
    '| what | bar | measured | pass | took |',
    '| --- | --- | --- | --- | --- |',
    ...rows.map(
      (bar) =>
        `| ${[bar.what, bar.bar, bar.measured].map(cell).join(' | ')} | ${bar.pass ? 'yes' : '**no**'} | ${duration(bar)} |`,
    ),
  ]),
  ...(failures.length > 0
    ? ['', '## Failures', '', ...failures.map((failure) => `- ${failure.split('\n')[0] ?? ''}`)]
    : []),
  '',
].join('\n');
if (args.length === 0 || goesOn) {
  mkdirSync(join(root, 'docs'), { recursive: true });
  writeFileSync(join(root, 'docs/proof.md'), page);
}
console.log(`${page}\n${missed.length} of ${bars.length} bars missed, ${minutes} minutes\n${line}`);
process.exitCode = failed > 0 || missed.length > 0 ? 1 : 0;
