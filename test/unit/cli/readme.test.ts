import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { main } from '../../../core/cli/main.ts';
import builtins from '../../../plugins/index.ts';
import { fakeCli, root } from './fake-cli.ts';

const cli = fakeCli();
const readme = readFileSync(join(root, 'README.md'), 'utf8');

it('has a first screen with the two commands, a pipeline of 15 lines that is valid, and the picture that it gives', async () => {
  const firstScreen = readme.split('\n').slice(0, 40).join('\n');
  for (const command of ['make run', 'make test']) expect(firstScreen).toContain(command);
  const pipeline = /```yaml\n([\s\S]*?)```/.exec(firstScreen)![1]!;
  expect(pipeline.trim().split('\n').length).toBeLessThanOrEqual(15);
  expect(await main(['validate', '--offline', '--deny-warnings', await cli.file(pipeline)], cli)).toBe(0);
  expect(firstScreen).toMatch(/!\[.+\]\(docs\/images\//);
});

it('names every plugin in the box', () => {
  expect(builtins.map(({ manifest }) => manifest.name).filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

it('names no command that there is not', async () => {
  await main(['help'], cli);
  const verbs = new Set([...cli.printed.out.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, verb]) => verb));
  for (const [, verb] of readme.matchAll(/(?:npx |`)eddy ([a-z]+)\b/g)) expect(verbs).toContain(verb);
});
