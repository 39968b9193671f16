/** Each check of `node scripts/check.mjs` that is a script of ours fails on what it is there for. */
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { undocumented, unexplained } from '../../scripts/checks/error-codes.ts';

const checkout = join(import.meta.dirname, '../..');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'eddy-checks-'));
  symlinkSync(join(checkout, 'node_modules'), join(root, 'node_modules'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

/** Runs a script of the checkout on the seeded folder. */
function check(script: string, ...args: string[]): Promise<{ failed: boolean; output: string }> {
  cpSync(join(checkout, script), join(root, script));
  return new Promise((resolve) =>
    execFile(process.execPath, [join(root, script), ...args], { cwd: root }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, output: stdout + stderr }),
    ),
  );
}

/** With little to load, since the compilers are started as `make check` starts them. */
const COMPILER = {
  strict: true,
  module: 'nodenext',
  allowImportingTsExtensions: true,
  rewriteRelativeImportExtensions: true,
  skipLibCheck: true,
  lib: ['es2015'],
  types: [],
};

it('error codes are explained whole', () => {
  const whole = { severity: 'error', kind: 'config', meaning: 'm', mend: 'm', example: 'e' } as const;
  expect(unexplained('LINK_LOST', whole)).toEqual([]);
  expect(unexplained('LINK_LOST', { ...whole, mend: ' ', example: '' })).toEqual([
    'LINK_LOST: its mend is missing',
    'LINK_LOST: its example is missing',
  ]);
  expect(unexplained('acme.blur/lost', whole)).toEqual(['acme.blur/lost: codes are AREA_WHAT']);
});

it('codes that a plugin raises are in its manifest', () => {
  const source = "// 'acme.blur/NOTE'\nfail('acme.blur/KNOWN'); fail('acme.blur/SECRET');\n";
  expect(undocumented(source, new Set(['acme.blur/KNOWN']))).toEqual(['acme.blur/SECRET']);
});

describe('generated files', () => {
  const generator = (text: string): string =>
    `export const owns = ['made/*.md']; export const generate = async () => new Map([['made/a.md', '${text}']]);`;

  it('are told when they are stale, missing or made no longer, and written without --check', async () => {
    write('scripts/generators/a.mjs', generator('new'));
    write('made/a.md', 'old');
    write('made/b.md', 'of another time');
    const stale = await check('scripts/generate.mjs', '--check');
    expect(stale).toMatchObject({ failed: true });
    expect(stale.output).toContain('made/a.md is stale');
    expect(stale.output).toContain('made/b.md is made by nothing any more');
    expect(await check('scripts/generate.mjs')).toMatchObject({ failed: false });
    expect(await check('scripts/generate.mjs', '--check')).toEqual({ failed: false, output: '' });
  });
});

it('types are judged by both compilers', { timeout: 60_000 }, async () => {
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...COMPILER, noEmit: true }, include: ['*.ts'] }));
  write('package.json', '{ "type": "module" }');
  write('wrong.ts', "export const n: number = 'text';\n");
  const { failed, output } = await check('scripts/checks/types.mjs');
  expect(failed).toBe(true);
  expect(output.trim().split('\n')).toEqual([expect.stringMatching(/^wrong\.ts\(1,14\): error TS2322: /)]);
});

it('exports without a docstring, and a stale report, fail', { timeout: 60_000 }, async () => {
  write(
    'package.json',
    JSON.stringify({ name: 'seeded', type: 'module', exports: { '.': { 'eddy-source': './core/index.ts' } } }),
  );
  write('tsconfig.json', JSON.stringify({ compilerOptions: { ...COMPILER, declaration: true, rootDir: '.' } }));
  write('tsconfig.build.json', JSON.stringify({ extends: './tsconfig.json', include: ['core'] }));
  write('core/index.ts', '/** Told. */\nexport const told = 1;\nexport const untold = 2;\n');
  const { failed, output } = await check('scripts/checks/api-report.mjs');
  expect(failed).toBe(true);
  expect(output).toMatch(/core\/index\.ts: .*"untold"/);
  expect(output).not.toContain('"told"');
  expect(output).toContain('docs/api/eddy.api.md is stale');
});
