// `make proof`: every test at full length, and the bars that they met or missed as a table in docs/proof.md.
import { mkdtempSync, readFileSync, rmSync, writeFileSync, existsSync, mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describeMachine } from './machine.mjs';
import { runTests } from './test.mjs';

const root = dirname(import.meta.dirname);
const folder = mkdtempSync(join(tmpdir(), 'eddy-proof-'));
// A caller's own file goes on with a table that was begun earlier at the same commit: EDDY_PROOF=rows.jsonl make proof
const notes = process.env.EDDY_PROOF ?? join(folder, 'bars.jsonl');
Object.assign(process.env, { EDDY_LEVEL: 'proof', EDDY_PROOF: notes });

const { line, failed } = await runTests(process.argv.slice(2));
const bars = existsSync(notes)
  ? readFileSync(notes, 'utf8')
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text))
  : [];
rmSync(folder, { recursive: true });

const cell = (/** @type {string} */ text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');
const rows = bars.map(
  (bar) => `| ${cell(bar.what)} | ${cell(bar.bar)} | ${cell(bar.measured)} | ${bar.pass ? 'yes' : '**no**'} |`,
);
const page = [
  '# Proof',
  '',
  'Written by `make proof`. What each bar is for is in the test that measured it.',
  '',
  `${new Date().toISOString().slice(0, 10)}: ${describeMachine()}. ${line}.`,
  '',
  '| what | bar | measured | pass |',
  '| --- | --- | --- | --- |',
  ...rows,
  '',
].join('\n');
mkdirSync(join(root, 'docs'), { recursive: true });
writeFileSync(join(root, 'docs/proof.md'), page);
console.log(`${page}\n${line}`);
process.exitCode = failed > 0 ? 1 : 0;
