import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

const checkout = join(import.meta.dirname, '../..');
const run = promisify(execFile);

/** What a user has who ran `npm install eddy` in an empty folder. */
let folder: string;
let user: string;
const eddy = (): string => join(user, 'node_modules/.bin/eddy');
const npm = { env: { ...process.env, npm_config_audit: 'false', npm_config_fund: 'false' }, timeout: 120_000 };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'eddy-package-'));
  user = join(folder, 'user');
  // Packed from a copy: `npm pack` compiles, and a dist/ in the checkout would be in the way of other tests.
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: checkout,
  });
  for (const file of stdout.split('\0').filter((name) => name && existsSync(join(checkout, name)))) {
    cpSync(join(checkout, file), join(folder, 'copy', file), { force: true });
  }
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'copy/node_modules'));
  await run('npm', ['pack', '--pack-destination', folder], { ...npm, cwd: join(folder, 'copy') });
  const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
  mkdirSync(user);
  writeFileSync(join(user, 'package.json'), '{ "name": "user", "private": true }');
  await run('npm', ['install', join(folder, `eddy-${version}.tgz`)], { ...npm, cwd: user });
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the package, installed in an empty folder', () => {
  it('validates, lists and explains with mediasoup and gstreamer-superficial absent', async () => {
    const installed = readdirSync(join(user, 'node_modules'));
    expect(installed.filter((name) => /^(mediasoup|gstreamer-superficial)$/.test(name))).toEqual([]);
    expect((await run(eddy(), ['list'])).stdout).toMatch(/^package\.cmaf\b/m);
    const pipeline = join(user, 'node_modules/eddy/pipelines/minimal.yaml');
    await expect(run(eddy(), ['validate', pipeline])).resolves.toMatchObject({ stdout: expect.stringContaining('ok') });
  });

  it('shows its public face and nothing behind it', async () => {
    const ask = (name: string): Promise<unknown> => run(process.execPath, ['-e', `import('${name}')`], { cwd: user });
    for (const face of ['eddy', 'eddy/plugin', 'eddy/media', 'eddy/testing']) await ask(face);
    for (const inside of ['eddy/dist/core/engine/engine.js', 'eddy/core/model/index.ts']) {
      await expect(ask(inside)).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
    }
  });

  it('runs the minimal pipeline after eddy setup, and ends with 0 at SIGTERM', async () => {
    await run(eddy(), ['setup'], { ...npm, cwd: user });
    const source = readFileSync(join(user, 'node_modules/eddy/pipelines/minimal.yaml'), 'utf8');
    writeFileSync(join(user, 'mine.yaml'), source.replaceAll(/127\.0\.0\.1:\d+/g, '127.0.0.1:0'));
    const child = spawn(eddy(), ['run', 'mine.yaml'], { cwd: user });
    let output = '';
    const url = new Promise<string>((resolve, reject) => {
      const read = (data: Buffer): void => {
        output += data.toString();
        const found = /watch: +(http:\S+)\//.exec(output)?.[1];
        if (found) resolve(found);
      };
      child.stdout.on('data', read);
      child.stderr.on('data', read);
      child.on('exit', () => reject(new Error(output)));
    });
    try {
      expect((await fetch(`${await url}/readyz`)).status).toBe(200);
      child.kill('SIGTERM');
      expect(await once(child, 'exit')).toEqual([0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  }, 120_000);
});
