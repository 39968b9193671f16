/** The package and a plugin, as others get them: packed, installed elsewhere, run there. */
import { execFile } from 'node:child_process';
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
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy, type StartOptions } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { fetchEpochs } from '../support/hls-media.ts';

const checkout = join(import.meta.dirname, '../..');
const run = promisify(execFile);
const npm = { env: { ...process.env, npm_config_audit: 'false', npm_config_fund: 'false' }, timeout: 120_000 };

let folder: string;
/** The packed Eddy, and where a user ran `npm install eddy` in an empty folder. */
let tarball: string;
let user: string;
const eddy = (...args: string[]): Promise<{ stdout: string }> =>
  run(join(user, 'node_modules/.bin/eddy'), args, { cwd: user });
const shipped = (path: string): string => join(user, 'node_modules/eddy', path);

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'eddy-package-'));
  // Packed from a copy: `npm pack` compiles, and a dist/ in the checkout would be in the way of other tests.
  const { stdout } = await run('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: checkout,
  });
  for (const file of stdout.split('\0').filter((name) => name && existsSync(join(checkout, name)))) {
    cpSync(join(checkout, file), join(folder, 'copy', file), { force: true });
  }
  symlinkSync(join(checkout, 'node_modules'), join(folder, 'copy/node_modules'));
  tarball = await pack(join(folder, 'copy'));
  user = await install('user', tarball);
}, 180_000);
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let running: RunningEddy | undefined;
let publisher: FfmpegRun | undefined;
afterEach(async () => {
  await publisher?.stop();
  await running?.stop();
  publisher = running = undefined;
});

/** `npm pack`: the path of what it made. Compilers say what is wrong on stdout. */
async function pack(source: string): Promise<string> {
  const packed = await run('npm', ['pack', '--json', '--pack-destination', folder], { ...npm, cwd: source }).catch(
    (error: Error & { stdout: string }) => Promise.reject(new Error(`${error.message}\n${error.stdout}`)),
  );
  // Above the JSON stands what the build printed.
  const [{ filename }] = JSON.parse(/^\[\n[^]*/m.exec(packed.stdout)![0]) as [{ filename: string }];
  return join(folder, filename);
}

/** An empty folder in which somebody installs these. */
async function install(name: string, ...tarballs: string[]): Promise<string> {
  const path = join(folder, name);
  mkdirSync(path);
  writeFileSync(join(path, 'package.json'), JSON.stringify({ name, private: true }));
  await run('npm', ['install', '--prefer-offline', ...tarballs], { ...npm, cwd: path });
  return path;
}

/** Runs a pipeline on free ports, publishes a camera into it, and expects its pictures on HLS. */
async function expectToPlay(pipeline: string, options: StartOptions = {}): Promise<void> {
  const yaml = pipeline.replace('127.0.0.1:8080', 'HTTP').replace('127.0.0.1:1935', 'RTMP');
  running = await startEddy(yaml, options);
  publisher = startFfmpeg(
    `-re -f lavfi -i testsrc2=s=320x180:r=30 -f lavfi -i sine=r=48000 -c:v libx264 -preset ultrafast -bf 0 -g 30 -c:a aac -f flv ${running.rtmp}/cam1`,
  );
  const video = `${running.http}/hls/cam1/video/live.m3u8`;
  await until('a segment', async () => {
    const answer = await fetch(video);
    return answer.ok && (await answer.text()).includes('#EXTINF');
  });
  const [epoch] = await fetchEpochs(video);
  expect(epoch!.samples.length).toBeGreaterThanOrEqual(30);
  expect(epoch!.samples[0]!.key).toBe(true);
}

describe('the package, installed in an empty folder', () => {
  it('answers with mediasoup and gstreamer-superficial absent', async () => {
    const installed = readdirSync(join(user, 'node_modules'));
    expect(installed.filter((name) => /^(mediasoup|gstreamer-superficial)$/.test(name))).toEqual([]);
    const { version } = JSON.parse(readFileSync(join(checkout, 'package.json'), 'utf8')) as { version: string };
    expect((await eddy('version')).stdout).toContain(version);
    expect((await eddy('list')).stdout).toMatch(/^ingest\.test-pattern\b/m);
    expect((await eddy('inspect', 'native.gstreamer')).stdout).toContain('configuration:');
    const schema = (await eddy('schema')).stdout;
    expect(JSON.parse(schema)).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['stages']) as unknown,
    });
    for (const native of ['native.gstreamer', 'webrtc.workers']) expect(schema).toContain(`"${native}"`);
    for (const name of readdirSync(shipped('pipelines')).filter((file) => file.endsWith('.yaml'))) {
      expect((await eddy('validate', '--offline', shipped(`pipelines/${name}`))).stdout).toContain('ok');
    }
  });

  it('shows its public face and nothing behind it', async () => {
    const ask = (name: string): Promise<unknown> => run(process.execPath, ['-e', `import('${name}')`], { cwd: user });
    for (const face of ['eddy', 'eddy/plugin', 'eddy/media', 'eddy/testing']) await ask(face);
    for (const inside of ['eddy/dist/core/engine/engine.js', 'eddy/core/model/index.ts']) {
      await expect(ask(inside)).rejects.toThrow('ERR_PACKAGE_PATH_NOT_EXPORTED');
    }
  });

  it('makes hashes of passwords and verifies them, in a thread of its own', async () => {
    const env = { ...process.env, PASSWORD: 'correct horse' };
    const made = run(shipped('scripts/eddy.mjs'), ['token', 'hash', '--password-env', 'PASSWORD'], { env });
    const yaml = `version: 1
services:
  http: { plugin: http.server, listen: HTTP }
  auth: { plugin: auth.static, users: [{ user: ada, password: "${(await made).stdout.trim()}", actions: [admin] }] }
`;
    running = await startEddy(yaml, { launcher: shipped('scripts/eddy.mjs'), folder: user });
    const ask = async (password: string): Promise<number> => {
      const authorization = `Basic ${Buffer.from(`ada:${password}`).toString('base64')}`;
      return (await fetch(`${running!.http}/api/v1/sessions`, { headers: { authorization } })).status;
    };
    expect([await ask('correct horse'), await ask('wrong')]).toEqual([200, 401]);
  });

  it('runs the minimal pipeline after eddy setup, and ends with 0 at SIGTERM', async () => {
    await run(join(user, 'node_modules/.bin/eddy'), ['setup'], { ...npm, cwd: user });
    for (const native of ['mediasoup', 'gstreamer-superficial/build/Release']) {
      expect(existsSync(join(user, 'node_modules', native)), native).toBe(true);
    }
    await expectToPlay(readFileSync(shipped('pipelines/minimal.yaml'), 'utf8'), {
      launcher: shipped('scripts/eddy.mjs'),
      folder: user,
    });
    expect((await fetch(`${running!.http}/watch/cam1`)).status).toBe(200);
    expect((await fetch(`${running!.http}/`)).status).toBe(200);
    expect(await running!.stop()).toBe(0);
  }, 120_000);
});

describe('a plugin made by "eddy new plugin"', () => {
  const frames = async (): Promise<number> =>
    Number(/frames_total\{[^}]*camera="cam1"[^}]*\} (\d+)/.exec(await metrics())?.[1]);
  const metrics = async (): Promise<string> => (await fetch(`${running!.http}/metrics`)).text();

  it('passes its tests and the compiler, is packed, installed elsewhere by name, and runs there', async () => {
    await eddy('new', 'plugin', 'acme.blur');
    const plugin = join(user, 'acme-blur');
    // What `npm install` would bring.
    mkdirSync(join(plugin, 'node_modules'));
    for (const name of ['typescript', '@types', '.bin']) {
      symlinkSync(join(checkout, 'node_modules', name), join(plugin, 'node_modules', name));
    }
    const tested = await run('npm', ['test'], { ...npm, cwd: plugin });
    expect(tested.stdout).toMatch(/^. fail 0$/m);
    expect(Number(/^. pass (\d+)$/m.exec(tested.stdout)![1])).toBeGreaterThanOrEqual(8);
    await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: plugin });
    writeFileSync(join(plugin, 'wrong.ts'), "import { manifest } from './plugin.ts';\nmanifest.inputs.out;\n");
    await expect(run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: plugin })).rejects.toMatchObject({
      stdout: expect.stringMatching(/wrong\.ts\(2,\d+\): error TS2339/) as string,
    });
    rmSync(join(plugin, 'wrong.ts'));

    const elsewhere = await install('elsewhere', tarball, await pack(plugin));
    expect(readdirSync(join(elsewhere, 'node_modules/eddy-acme-blur')).sort()).toEqual([
      'README.md',
      'dist',
      'package.json',
    ]);
    const pipeline = readFileSync(join(plugin, 'pipeline.yaml'), 'utf8');
    await expectToPlay(pipeline.replace('plugins: [.]', 'plugins: [eddy-acme-blur]'), {
      launcher: join(elsewhere, 'node_modules/eddy/scripts/eddy.mjs'),
      folder: elsewhere,
    });
    expect(await frames()).toBeGreaterThanOrEqual(30);
  }, 120_000);

  it('runs by its path in a checkout, from its sources', async () => {
    const workshop = join(folder, 'workshop');
    mkdirSync(workshop);
    const launcher = join(checkout, 'scripts/eddy.mjs');
    await run(process.execPath, [launcher, 'new', 'plugin', 'acme.blur'], { cwd: workshop });
    const pipeline = readFileSync(join(workshop, 'acme-blur/pipeline.yaml'), 'utf8');
    await expectToPlay(pipeline.replace('plugins: [.]', 'plugins: [./acme-blur]'), { folder: workshop });
    expect(await frames()).toBeGreaterThanOrEqual(30);
  });
});
