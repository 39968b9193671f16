import { appendFileSync } from 'node:fs';
import { relative } from 'node:path';
import { expect } from 'vitest';

/** A bar that an issue sets, and what was measured against it. */
export interface Bar {
  /** What is measured, as the issue's table names it: `live LL-HLS in Chromium`. */
  readonly what: string;
  /** What must be reached: `p50 <= 2.0 s`. */
  readonly bar: string;
  /** What was measured, with units: `1.62 s`. */
  readonly measured: string;
  readonly pass: boolean;
  /** The issue that sets it, where the test's file does not tell (scripts/proof-issues.ts). */
  readonly issue?: number;
}

/**
 * Takes the measurement down for the table of `make proof` (docs/proof.md) and fails the test where the bar was missed. Taken down
 * first: a missed bar belongs in the table.
 */
export function meetBar(bar: Bar): void {
  const { testPath = '', currentTestName = '' } = expect.getState();
  const { EDDY_PROOF: file, EDDY_COMMIT: commit } = process.env;
  const row = { ...bar, file: relative(process.cwd(), testPath), test: currentTestName, ...(commit ? { commit } : {}) };
  if (file) appendFileSync(file, `${JSON.stringify(row)}\n`);
  if (!bar.pass) throw new Error(`${bar.what}: ${bar.measured}, the bar is ${bar.bar}`);
}
