import { readdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { main } from '../../../core/cli/main.ts';
import { fakeCli, root } from './fake-cli.ts';

const cli = fakeCli();

describe('new pipeline', () => {
  test('passes validate, and is never overwritten', async () => {
    expect(await main(['new', 'pipeline', 'door'], cli)).toBe(0);
    expect(await main(['validate', '--offline', 'door.yaml'], cli)).toBe(0);
    await cli.file('mine', 'door.yaml');
    expect(await main(['new', 'pipeline', 'door'], cli)).toBe(1);
    expect(await readFile(join(cli.cwd, 'door.yaml'), 'utf8')).toBe('mine');
  });
});

// What the plugin does is shown where it is packed, installed and run: test/media/package.test.ts.
describe('new plugin', () => {
  test('writes a package with code, test, example and README, and says what comes next', async () => {
    expect(await main(['new', 'plugin', 'acme.motion-blur'], cli)).toBe(0);
    const files = await readdir(join(cli.cwd, 'acme-motion-blur'));
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
    expect(cli.printed.err).toMatch(
      /^next: (export PATH="\S+:\$PATH" && )?make -C \S+ build && cd acme-motion-blur && npm install && npm test$/m,
    );
  });

  test('takes Eddy from the checkout that made it, and asks those who install it for one', async () => {
    await main(['new', 'plugin', 'acme.blur'], cli);
    const text = await readFile(join(cli.cwd, 'acme-blur/package.json'), 'utf8');
    const { devDependencies, peerDependencies, engines } = JSON.parse(text) as Record<string, Record<string, string>>;
    const [, path] = /^file:(.*)$/.exec(devDependencies!.eddy!)!;
    expect(resolve(cli.cwd, 'acme-blur', path!)).toBe(root);
    expect(peerDependencies!.eddy).toMatch(/^>=\d/);
    const own = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { engines: { node: string } };
    expect(engines!.node).toBe(own.engines.node);
  });

  test('refuses names that are none', async () => {
    expect(await main(['new', 'plugin', 'Blur'], cli)).toBe(2);
    expect(cli.printed.err).toContain('family.name');
  });

  test('overwrites nothing', async () => {
    expect(await main(['new', 'plugin', 'acme.blur'], cli)).toBe(0);
    expect(await main(['new', 'plugin', 'acme.blur'], cli)).toBe(1);
    expect(cli.printed.err).toContain('FILE_EXISTS');
  });
});
