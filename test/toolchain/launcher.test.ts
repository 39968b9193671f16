import { execFile, spawn } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { once } from 'node:events';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';

const launcher = join(import.meta.dirname, '../../scripts/eddy.mjs');
const manifest = join(import.meta.dirname, '../../package.json');

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'eddy-launcher-'));
  put('scripts/eddy.mjs', launcher);
  put('package.json', manifest);
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const put = (path: string, from: string): void => cpSync(from, join(root, path));
function write(path: string, text: string): string {
  const file = join(root, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
  return file;
}

interface Outcome {
  code: number | string | undefined;
  stdout: string;
  stderr: string;
}
function eddy(args: string[], nodeFlags: string[] = []): Promise<Outcome> {
  return new Promise((resolve) => {
    const env = { ...process.env, XDG_CACHE_HOME: join(root, 'cache'), NODE_COMPILE_CACHE: undefined };
    execFile(
      process.execPath,
      [...nodeFlags, join(root, 'scripts/eddy.mjs'), ...args],
      { env },
      (error, stdout, stderr) => resolve({ code: error ? (error.code ?? error.signal) : 0, stdout, stderr }),
    );
  });
}

/** As under a Node that cannot run the sources; the Node brought by the bootstrap is this one. */
function oldNode(): string[] {
  const node = write(
    `.runtime/node_modules/node-${process.platform}-${process.arch}/bin/node`,
    `#!/bin/sh\nexec "${process.execPath}" "$@"\n`,
  );
  chmodSync(node, 0o755);
  return pretendOld();
}
const pretendOld = (): string[] => [
  '--require',
  write('old.cjs', "Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '20.20.2' } });"),
];

describe('in a checkout', () => {
  it('runs the sources with the arguments and hands on the exit code', async () => {
    write(
      'core/cli/main.ts',
      'export const main = async (a: string[]): Promise<number> => (console.log(a.join()), 78);',
    );
    expect(await eddy(['validate', 'x y'])).toMatchObject({ code: 78, stdout: 'validate,x y\n' });
  });

  it('goes on quietly when whoever reads its output has enough', async () => {
    write(
      'core/cli/main.ts',
      `export async function main(_: string[], cli: any): Promise<number> {
        for (let n = 0; n < 300; n++) { cli.out('x'.repeat(1000) + '\\n'); await new Promise((next) => setTimeout(next, 1)); }
        return 5;
      }`,
    );
    const command = `"${process.execPath}" "${join(root, 'scripts/eddy.mjs')}" | head -c 1; echo " \${PIPESTATUS[0]}"`;
    const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command]);
    expect({ stdout, stderr }).toEqual({ stdout: 'x 5\n', stderr: '' });
  });

  it('hands in the plugins in the box, loaded when asked for, and the surroundings', async () => {
    write('plugins/index.ts', "console.log('loaded'); export default ['a plugin'];");
    write(
      'core/cli/main.ts',
      `export async function main(_: string[], cli: any): Promise<number> {
        cli.out('first ' + (cli.root === cli.env.EXPECTED_ROOT) + '\\n');
        cli.out((await cli.builtins()).join() + '\\n');
        cli.err('a message');
        return 0;
      }`,
    );
    vi.stubEnv('EXPECTED_ROOT', root);
    const { stdout, stderr } = await eddy([]);
    expect(stdout).toBe('first true\nloaded\na plugin\n');
    expect(stderr).toBe('a message');
  });

  it('gives every importer the running copy, also a plugin from elsewhere that has another one installed', async () => {
    const elsewhere = mkdtempSync(join(tmpdir(), 'eddy-elsewhere-'));
    try {
      mkdirSync(join(elsewhere, 'node_modules/eddy'), { recursive: true });
      writeFileSync(
        join(elsewhere, 'node_modules/eddy/package.json'),
        '{"name":"eddy","exports":{"./plugin":"./other.js"}}',
      );
      writeFileSync(join(elsewhere, 'node_modules/eddy/other.js'), 'export const copy = "another";');
      writeFileSync(join(elsewhere, 'plugin.mjs'), 'export { copy } from "eddy/plugin";');
      write('core/plugin/index.ts', 'export const copy: string = "the running one";');
      write('plugins/a/plugin.ts', "export { copy } from 'eddy/plugin';");
      write(
        'core/cli/main.ts',
        `export async function main([file]: string[]): Promise<number> {
          const own = await import('../../plugins/a/plugin.ts');
          const external = await import(file!);
          console.log(own.copy, '|', external.copy);
          return 0;
        }`,
      );
      expect((await eddy([join(elsewhere, 'plugin.mjs')])).stdout).toBe('the running one | the running one\n');
    } finally {
      rmSync(elsewhere, { recursive: true });
    }
  });

  it('says what to run when the npm packages are missing', async () => {
    write('core/cli/main.ts', "import 'no-such-package'; export const main = () => 0;");
    const { code, stderr } = await eddy([]);
    expect(code).toBe(1);
    expect(stderr).toBe('eddy cannot start: its npm packages are not installed. Please run: make setup\n');
  });

  it('does not take a mistake in the code for a missing installation', async () => {
    mkdirSync(join(root, 'node_modules'));
    write('core/cli/main.ts', "import './gone.ts'; export const main = () => 0;");
    const { code, stderr } = await eddy([]);
    expect(code).toBe(1);
    expect(stderr).toContain('gone.ts');
    expect(stderr).not.toContain('make setup');
  });
});

describe('under a Node that is too old', () => {
  it('says what to run when no other was brought', async () => {
    write('core/cli/main.ts', 'export const main = () => 0;');
    const { code, stderr } = await eddy([], pretendOld());
    expect(code).toBe(1);
    expect(stderr).toBe('eddy cannot start: it needs Node 22.18 or later, this is 20.20.2. Please run: make setup\n');
  });

  it('hands on arguments and exit code', async () => {
    write(
      'core/cli/main.ts',
      'export const main = (a: string[]) => (console.log(a.join(), process.versions.node), 2);',
    );
    const outcome = await eddy(['list', '--json'], oldNode());
    expect(outcome).toMatchObject({ code: 2, stdout: `list,--json ${process.versions.node}\n` });
  });

  it('hands on a signal once, and the answer to it', async () => {
    write(
      'core/cli/main.ts',
      `export function main(): Promise<number> {
        let terms = 0;
        const alive = setInterval(() => {}, 1000);
        process.on('SIGTERM', () => {
          terms++;
          setTimeout(() => { console.log('drained', terms); clearInterval(alive); process.exit(terms === 1 ? 0 : 9); }, 50);
        });
        console.log('ready');
        return new Promise(() => {});
      }`,
    );
    const child = spawn(process.execPath, [...oldNode(), join(root, 'scripts/eddy.mjs')], {
      env: { ...process.env, XDG_CACHE_HOME: join(root, 'cache') },
    });
    let output = '';
    child.stdout.on('data', (data: Buffer) => {
      output += data.toString();
      if (output === 'ready\n') child.kill('SIGTERM');
    });
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(output).toBe('ready\ndrained 1\n');
  });

  it('dies by the signal that its child died by', async () => {
    write('core/cli/main.ts', "export const main = () => { process.kill(process.pid, 'SIGKILL'); return 0; };");
    expect((await eddy([], oldNode())).code).toBe('SIGKILL');
  });
});

describe('in an installed package', () => {
  it('runs what was compiled, and says what to run when nothing was', async () => {
    write('dist/core/cli/main.js', 'export const main = () => (console.log("compiled"), 0);');
    expect((await eddy([])).stdout).toBe('compiled\n');
    rmSync(join(root, 'dist'), { recursive: true });
    expect((await eddy([])).stderr).toContain('Please run: npm install eddy');
  });
});
