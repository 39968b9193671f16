import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { deadLinks } from '../../scripts/checks/links.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'eddy-links-'));
  mkdirSync(join(root, 'docs'));
});
afterEach(() => rmSync(root, { recursive: true }));

it('finds links that lead nowhere, and no others', () => {
  writeFileSync(
    join(root, 'docs/a.md'),
    '# What is *here* today\n[up](../README.md) [b](b.md) [own](#what-is-here-today)\n',
  );
  writeFileSync(
    join(root, 'README.md'),
    [
      '![picture](docs/gone.png "a title")',
      '[a](docs/a.md#what-is-here-today) [b](docs/a.md#what-was) [web](https://example.org/nothing)',
      '```',
      '[in code](nowhere.md)',
      '```',
      'and `[in a span](nowhere.md)`',
    ].join('\n'),
  );
  expect(deadLinks(root)).toEqual([
    'README.md:1: docs/gone.png',
    'README.md:2: docs/a.md#what-was',
    'docs/a.md:2: b.md',
  ]);
});
