/** The surroundings of a command in a test: a folder of its own, and what it prints as text. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import type { Cli } from '../../../core/cli/cli.ts';
import builtins from '../../../plugins/index.ts';

/** The checkout. */
export const root = join(import.meta.dirname, '../../..');

/** See the file's head; anew for every test of the file. */
export interface FakeCli extends Cli {
  printed: { out: string; err: string };
  cwd: string;
  /** Writes a file into the folder and returns its name. */
  file(text: string, name?: string): Promise<string>;
}

/** Call it once, at the top of a test file. */
export function fakeCli(env: Cli['env'] = {}): FakeCli {
  const cli: FakeCli = {
    printed: { out: '', err: '' },
    cwd: '',
    out: (text) => void (cli.printed.out += text),
    err: (text) => void (cli.printed.err += text),
    colour: false,
    env,
    root,
    builtins: () => Promise.resolve(builtins),
    async file(text, name = 'p.yaml') {
      await writeFile(join(cli.cwd, name), text);
      return name;
    },
  };
  beforeEach(async () => {
    cli.cwd = await mkdtemp(join(tmpdir(), 'eddy-cli-'));
    cli.printed = { out: '', err: '' };
  });
  afterEach(() => rm(cli.cwd, { recursive: true, force: true }));
  return cli;
}
