import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Cli } from '../../../core/cli/cli.ts';
import { main } from '../../../core/cli/main.ts';
import builtins from '../../../plugins/index.ts';

const root = join(import.meta.dirname, '../../..');
let cwd: string;
let err: string;
let cli: Cli;

beforeEach(async () => {
  cwd = await mkdtemp(join(tmpdir(), 'eddy-new-'));
  err = '';
  cli = {
    out: () => undefined,
    err: (text) => void (err += text),
    colour: false,
    cwd,
    env: {},
    root,
    builtins: () => Promise.resolve(builtins),
  };
});
afterEach(() => rm(cwd, { recursive: true, force: true }));

// What the plugin does is shown where it is packed, installed and run: test/media/package.test.ts.
describe('new plugin', () => {
  test('writes a package with code, test, example and README, and says what comes next', async () => {
    expect(await main(['new', 'plugin', 'acme.motion-blur'], cli)).toBe(0);
    const files = await readdir(join(cwd, 'acme-motion-blur'));
    expect(files.sort()).toEqual([
      '.gitignore',
      'README.md',
      'motion-blur.test.ts',
      'motion-blur.ts',
      'package.json',
      'pipeline.yaml',
      'plugin.ts',
      'tsconfig.build.json',
      'tsconfig.json',
    ]);
    expect(err).toMatch(/^next: make -C \S+ build && cd acme-motion-blur && npm install && npm test$/m);
  });

  test('takes Eddy from the checkout that made it, and asks those who install it for one', async () => {
    await main(['new', 'plugin', 'acme.blur'], cli);
    const text = await readFile(join(cwd, 'acme-blur/package.json'), 'utf8');
    const { devDependencies, peerDependencies } = JSON.parse(text) as Record<string, { eddy: string }>;
    const [, path] = /^file:(.*)$/.exec(devDependencies!.eddy)!;
    expect(resolve(cwd, 'acme-blur', path!)).toBe(root);
    expect(peerDependencies!.eddy).toMatch(/^>=\d/);
  });

  test('overwrites nothing', async () => {
    expect(await main(['new', 'plugin', 'acme.blur'], cli)).toBe(0);
    expect(await main(['new', 'plugin', 'acme.blur'], cli)).toBe(1);
    expect(err).toContain('FILE_EXISTS');
  });
});
