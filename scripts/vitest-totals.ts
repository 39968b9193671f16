import { writeFileSync } from 'node:fs';
import type { Reporter, TestModule } from 'vitest/node';

/** What a run of vitest came to. `failed` counts also files that did not load and errors that belong to no test. */
export interface Totals {
  passed: number;
  failed: number;
  skipped: number;
  /** Tests that failed at first and passed when they were tried again, with what they said then. They count as passed. */
  unsteady: string[];
  /** Tests that failed, and files and suites that did, with what they said. */
  failures: string[];
  /** How long each test took, ms, by `file > name`. */
  took: Record<string, number>;
}

/**
 * A vitest reporter that leaves the true counts in the file named by `EDDY_TOTALS`, so that `make test` can close with one plain line
 * after everything else has been printed. Without that variable it does nothing.
 */
export default class TotalsReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env.EDDY_TOTALS;
    if (file) writeFileSync(file, JSON.stringify(count(modules, unhandledErrors.length)));
  }
}

function count(modules: readonly TestModule[], unhandledErrors: number): Totals {
  const totals: Totals = { passed: 0, failed: unhandledErrors, skipped: 0, unsteady: [], failures: [], took: {} };
  for (const module of modules) {
    for (const test of module.children.allTests()) {
      const { state, errors } = test.result();
      const name = `${module.relativeModuleId} > ${test.fullName}`;
      const told = `${name}: ${errors?.[0]?.message ?? ''}`;
      const diagnostic = test.diagnostic();
      if (diagnostic?.flaky) totals.unsteady.push(told);
      if (diagnostic) totals.took[name] = Math.round(diagnostic.duration);
      if (state === 'failed') totals.failures.push(told);
      if (state === 'passed') totals.passed++;
      else if (state === 'failed') totals.failed++;
      // `pending` after the end is a test that never came to run, e.g. because its `beforeAll` failed: not a skip.
      else if (state === 'skipped') totals.skipped++;
      else totals.failed++;
    }
    // A file or a suite may fail by itself: a syntax error, a missing import, a hook that threw.
    for (const part of [module, ...module.children.allSuites()]) {
      const [error] = part.errors();
      if (!error) continue;
      totals.failed++;
      totals.failures.push(`${module.relativeModuleId}: ${error.message}`);
    }
  }
  return totals;
}
