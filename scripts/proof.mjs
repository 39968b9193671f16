// `make proof`: every test at full length, and the bars that they met or missed as a table in docs/proof.md. A test that fails does not
// keep the others from running. Arguments go to vitest; then nothing is checked besides and the table is only printed, unless EDDY_PROOF names a
// file of rows in which it was begun earlier: EDDY_PROOF=rows.jsonl node scripts/proof.mjs test/browser/live.test.ts measures those rows again. Each row
// tells the commit that it was measured at.
import { mkdtempSync, rmSync, writeFileSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readJsonLines } from './json-lines.mjs';
import { commit, describeMachine } from './machine.mjs';
import { cell } from './markdown.ts';
import { groupRows } from './proof-issues.ts';
import { runTests } from './test.mjs';

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'eddy-proof-'));
const goesOn = process.env.EDDY_PROOF !== undefined;
const notes = process.env.EDDY_PROOF ?? join(folder, 'bars.jsonl');
const args = process.argv.slice(2);
const measuredAt = commit();
Object.assign(process.env, { EDDY_LEVEL: 'proof', EDDY_PROOF: notes, EDDY_COMMIT: measuredAt });

const machine = describeMachine();
const began = performance.now();
const { line: totals, failed, failures, took } = await runTests(args, { checks: args.length === 0 });
const minutes = ((performance.now() - began) / 60_000).toFixed(1);
/** @type {import('./proof-issues.ts').Row[]} */
const bars = readJsonLines(notes).map((row) => ({ ...row, took: row.took ?? took[`${row.file} > ${row.test}`] }));
if (goesOn) writeFileSync(notes, bars.map((row) => `${JSON.stringify(row)}\n`).join(''));
rmSync(folder, { recursive: true });

const duration = (/** @type {number | undefined} */ ms) =>
  ms === undefined ? '' : `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
/** @param {import('./proof-issues.ts').Row} row */
const line = ({ what, bar, measured, pass, took, commit = '' }) =>
  `| ${[what, bar, measured].map(cell).join(' | ')} | ${pass ? 'yes' : '**no**'} | ${duration(took)} | ${commit} |`;

const groups = groupRows(bars);
const rows = groups.flatMap((group) => group.rows);
const missed = rows.filter((bar) => !bar.pass);
const page = [
  '# Proof',
  '',
  'Written by `make proof`. What each bar is for is in the test that measured it.',
  '',
  `${new Date().toISOString().slice(0, 10)}: ${machine}, commit ${measuredAt}.${args.length === 0 ? ` ${totals} in ${minutes} minutes.` : ''}`,
  ...groups.flatMap(({ heading, rows }) => [
    '',
    `## ${heading}`,
    '',
    '| what | bar | measured | pass | took | commit |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(line),
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
console.log(`${page}\n${missed.length} of ${rows.length} bars missed, ${minutes} minutes\n${totals}`);
process.exitCode = failed > 0 || missed.length > 0 ? 1 : 0;
