import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const checkout = join(import.meta.dirname, '../..');

/** Runs vitest on one file with the reporter of `make test` and reads what it counted. */
async function totalsOf(test: string): Promise<unknown> {
  const root = mkdtempSync(join(tmpdir(), 'eddy-totals-'));
  try {
    symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
    writeFileSync(join(root, 'package.json'), '{"type":"module"}');
    writeFileSync(join(root, 'a.test.js'), `import { beforeAll, describe, expect, it } from 'vitest';\n${test}`);
    const file = join(root, 'totals.json');
    const args = ['run', '--root', root, '--reporter', join(checkout, 'scripts/vitest-totals.ts')];
    const env = { ...process.env, EDDY_TOTALS: file };
    await new Promise((resolve) => {
      execFile(
        process.execPath,
        [join(checkout, 'node_modules/vitest/vitest.mjs'), ...args],
        { cwd: root, env },
        resolve,
      );
    });
    return JSON.parse(readFileSync(file, 'utf8'));
  } finally {
    rmSync(root, { recursive: true });
  }
}

it('counts what passed, failed and was skipped', async () => {
  const test = "it('a', () => {}); it('b', () => expect(1).toBe(2)); it.skip('c', () => {});";
  expect(await totalsOf(test)).toMatchObject({ passed: 1, failed: 1, skipped: 1 });
});

it('counts a suite that could not begin', async () => {
  const test =
    "it('a', () => {}); describe('s', () => { beforeAll(() => { throw new Error(); }); it('b', () => {}); });";
  expect(await totalsOf(test)).toMatchObject({ passed: 1, failed: 1 });
});

it('counts a file that does not load', async () => {
  expect(await totalsOf("import './gone.js';")).toMatchObject({ passed: 0, failed: 1, skipped: 0 });
});

it('counts an error that belongs to no test', async () => {
  const test =
    "it('a', () => { setTimeout(() => { throw new Error('late'); }, 0); }); it('b', () => new Promise((r) => setTimeout(r, 50)));";
  expect(await totalsOf(test)).toMatchObject({ passed: 2, failed: 1, skipped: 0 });
});

it('names a test that passed only when it was tried again', async () => {
  const test =
    "let n = 0; it('a', { retry: 1 }, () => expect(++n).toBe(2)); it('b', { retry: 1 }, () => expect(0).toBe(1));";
  expect(await totalsOf(test)).toMatchObject({
    passed: 1,
    failed: 1,
    unsteady: [expect.stringMatching(/^a\.test\.js > a: expected 1 to be 2/)],
    failures: [expect.stringMatching(/^a\.test\.js > b: expected \+?0 to be 1/)],
    took: { 'a.test.js > a': expect.any(Number), 'a.test.js > b': expect.any(Number) },
  });
});
