/** pipelines/secured.yaml as it is shipped: encoders with a key, operators with a password, viewers with tokens of "eddy token". */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';

const root = join(import.meta.dirname, '../..');
const secrets = {
  encoder: 'key-of-an-encoder-0123',
  jwt: 'a secret of thirty-two bytes or more',
  password: 'correct horse battery staple',
};

let folder: string;
let eddy: RunningEddy;
let publisher: FfmpegRun | undefined;

/** The command as a user runs it; what it prints. */
async function command(...args: string[]): Promise<string> {
  const env = { ...process.env, PASSWORD: secrets.password };
  const run = promisify(execFile)(process.execPath, [join(root, 'scripts/eddy.mjs'), ...args], { cwd: folder, env });
  return (await run).stdout.trim();
}

const publish = (token: string): FfmpegRun =>
  startFfmpeg(
    `-re -f lavfi -i testsrc2=s=320x180:r=30 -f lavfi -i sine=r=48000 -c:v libx264 -preset ultrafast -bf 0 -g 30 -c:a aac -f flv ${eddy.rtmp}/cam1?token=${token}`,
  );

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-secured-'));
  await mkdir(join(folder, 'secrets'));
  await writeFile(join(folder, 'secrets/encoder'), `${secrets.encoder}\n`);
  await writeFile(join(folder, 'secrets/jwt'), `${secrets.jwt}\n`);
  await writeFile(join(folder, 'secrets/operator'), await command('token', 'hash', '--password-env', 'PASSWORD'));
  const shipped = await readFile(join(root, 'pipelines/secured.yaml'), 'utf8');
  const yaml = shipped
    .replace('listen: 127.0.0.1:8080', 'listen: HTTP')
    .replace('listen: 127.0.0.1:1935', 'listen: RTMP');
  eddy = await startEddy(yaml, { folder });
  publisher = publish(secrets.encoder);
  await until('the camera', async () =>
    (await get('/api/v1/cameras', basic(secrets.password))).text.includes('"live"'),
  );
}, 60_000);
afterAll(async () => {
  await publisher?.stop();
  await eddy?.stop();
  await rm(folder, { recursive: true, force: true });
});

const basic = (password: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`operator:${password}`).toString('base64')}`,
});
async function get(path: string, headers: Record<string, string> = {}) {
  const answer = await fetch(path.startsWith('http') ? path : eddy.http + path, { headers, redirect: 'follow' });
  return { status: answer.status, text: await answer.text() };
}
const playlist = '/hls/cam1/index.m3u8';
const token = (...args: string[]): Promise<string> => command('token', '--secret-file', 'secrets/jwt', ...args);

it('lets encoders publish by their key, and nobody without it', async () => {
  for (const wrong of ['', 'key-of-an-encoder-0124', await token('--camera', '*', '--action', 'watch')]) {
    const refused = publish(wrong);
    expect(await refused.done).not.toBe(0);
  }
  expect((await get(`${playlist}?token=${secrets.encoder}`)).status).toBe(403);
});

it('lets viewers watch by a link of "eddy token", that camera and as far back as it says', async () => {
  expect(await get(playlist)).toMatchObject({ status: 401, text: expect.stringContaining('needed') });
  const link = await token('--url', `${eddy.http}${playlist}`, '--rewind', '1m', '--for', '1h');
  const answer = await until('a playlist', async () => {
    const { status, text } = await get(link);
    return status === 200 && text.includes('#EXTM3U') ? text : undefined;
  });
  expect(answer).toContain('#EXTM3U');
  const query = new URL(link).search;
  expect((await get(`/hls/cam2/index.m3u8${query}`)).status).toBe(403);
  expect((await get(`${playlist}${query}&start=${Date.now() - 3_600_000}`)).status).toBe(403);
  expect((await get(`/api/v1/sessions${query}`)).status).toBe(403);
  const over = await token('--camera', 'cam1', '--for', '1s', '--not-before', '1h');
  expect(await get(`${playlist}?token=${over}`)).toMatchObject({
    status: 401,
    text: expect.stringContaining('not good yet'),
  });
});

it('lets operators in by their password, to look and to administer', async () => {
  expect((await get('/api/v1/sessions', basic(secrets.password))).status).toBe(200);
  expect((await get(playlist, basic(secrets.password))).status).toBe(200);
  for (const wrong of ['', 'wrong', secrets.jwt])
    expect((await get('/api/v1/sessions', basic(wrong))).status).toBe(401);
});

it('has none of its secrets in its log', () => {
  for (const secret of Object.values(secrets)) expect(eddy.stderr()).not.toContain(secret);
});
