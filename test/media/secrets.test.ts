/**
 * Secrets planted wherever a user, a publisher or a viewer may bring one, and a running engine that is asked, attacked and misused with them: then
 * everything that came out of it is searched. What each option of each plugin prints before a start is in test/unit/cli/secrets.test.ts.
 */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { raw } from '../contract/http-server.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { RtmpClient } from '../support/rtmp-client.ts';

/** Each looks like nothing that could be known by its form alone. */
const PLANTS = {
  literal: 'Kornblume17Amsel',
  env: 'Lerche28Distel',
  fallback: 'Holunder39Star',
  secret: 'Zaunkoenig41Malve',
  file: 'Rotkehlchen52Salbei',
  database: 'Schwalbe63Minze',
  accessKey: 'Bachstelze20Ulme',
  secretKey: 'Gimpel31Hasel',
  turn: 'Goldammer74Klee',
  leaked: 'Kiebitz85Veilchen',
  guessed: 'Dompfaff96Mohn',
  session: 'Wiedehopf07Raute',
  cookie: 'Nachtigall18Nelke',
} as const;
const everyPlant = Object.values(PLANTS);

const PIPELINE = `version: 1
name: planted
observe: { log: debug }
services:
  http: { plugin: http.server, listen: HTTP }
  auth:
    plugin: auth.static
    keys:
      - { token: ${PLANTS.literal}, subject: literal, actions: [publish, watch, rewind, export, admin] }
      - { token: "\${env:PLANTED_KEY}", subject: env, actions: [watch] }
      - { token: "\${env:NOT_SET_ANYWHERE:-${PLANTS.fallback}}", subject: fallback, actions: [watch] }
      - { token: "\${secret:planted}", subject: secret, actions: [admin] }
      - { token: "\${file:./key.txt}", subject: file, actions: [watch] }
  rtc:
    plugin: webrtc.workers
    workers: 1
    listen: 127.0.0.1:0
    ice-servers: [{ urls: ["turn:127.0.0.1:9"], username: u, credential: ${PLANTS.turn} }]
  store:
    plugin: store.s3
    endpoint: http://127.0.0.1:9
    bucket: planted
    credentials: { access-key: ${PLANTS.accessKey}, secret-key: ${PLANTS.secretKey} }
  player: { plugin: web.player }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  sfu: { plugin: webrtc.sfu }
  whip: { plugin: webrtc.whip }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf }
  dvr: { plugin: timeshift.ring, window: 1m }
  index: { plugin: index.postgres, url: "postgres://eddy:${PLANTS.database}@127.0.0.1:9/eddy" }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> sfu.video, cmaf.video
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - cmaf.chunks -> dvr.chunks: { queue: 2s, full: block }
  - dvr.live -> hls.chunks
  - dvr.segments -> index.segments
`;
/** A plugin that does what none should: all of its configuration is in its error, its log and its metrics' help. */
const LEAKY = {
  'plugin.ts': `import { defineManifest, definePlugin, Secret, Text } from 'eddy/plugin';
export const manifest = defineManifest({
  name: 'acme.leaky', version: '1.0.0', api: 1, summary: 'Tells everything.',
  config: { key: Secret({ doc: 'A key.' }), note: Text({ doc: 'A note.', default: '' }) },
});
export default definePlugin(manifest, () => import('./leaky.ts'));
`,
  'leaky.ts': `export function create(ctx) {
  ctx.log.warn({ everything: ctx.config, url: 'http://x/?token=' + ctx.config.key }, 'my key is ' + ctx.config.key);
  ctx.report({ code: 'acme.leaky/TOLD', message: 'still ' + ctx.config.key });
  return { start() { throw new Error('cannot start with ' + JSON.stringify(ctx.config)); } };
}
`,
  'package.json': JSON.stringify({
    name: 'acme-leaky',
    version: '1.0.0',
    type: 'module',
    exports: './plugin.ts',
    eddy: { plugins: './plugin.ts' },
  }),
};

let folder: string;
let eddy: RunningEddy;
let camera: FfmpegRun | undefined;
/** Whatever came out, by where. */
const output = new Map<string, string>();
const keep = (where: string, text: string): void => void output.set(where, (output.get(where) ?? '') + text);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'eddy-secrets-'));
  process.env['PLANTED_KEY'] = PLANTS.env;
  process.env['EDDY_SECRET_PLANTED'] = PLANTS.secret;
  await writeFile(join(folder, 'key.txt'), PLANTS.file);
  await mkdir(join(folder, 'leaky'));
  for (const [name, text] of Object.entries(LEAKY)) await writeFile(join(folder, 'leaky', name), text);
  eddy = await startEddy(PIPELINE, { folder });
}, 60_000);
afterAll(async () => {
  await camera?.stop();
  await eddy?.stop();
  delete process.env['PLANTED_KEY'];
  delete process.env['EDDY_SECRET_PLANTED'];
  await rm(folder, { recursive: true, force: true });
});

/** Sealed sessions that viewers were given. */
const sessions = new Set<string>();

/** Asks, goes on to where it is sent, and keeps the whole answers. */
async function ask(path: string, options: Parameters<typeof raw>[2] = {}): Promise<number> {
  const answer = await raw(eddy.http, path, options);
  // What a viewer has brought stands in the playlists that are made for him, and a session in the address that he is sent on to.
  const own = /token=(\w+)/.exec(path)?.[0] ?? ' ';
  const to = String(answer.headers['location'] ?? '');
  const session = /^\/~([^/]+)/.exec(to)?.[1];
  if (session !== undefined) sessions.add(session);
  const text = `${JSON.stringify(answer.headers)} ${answer.body.toString('latin1')}\n`;
  keep(`HTTP ${answer.status}`, text.replaceAll(`m3u8?${own}`, 'm3u8').replaceAll(session ?? ' ', ''));
  return answer.status === 302 ? ask(to) : answer.status;
}
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });
const launcher = join(import.meta.dirname, '../../scripts/eddy.mjs');
/** A verb as a user runs it; settles with its exit code. */
const verb = (...args: string[]): Promise<number> =>
  new Promise((resolve) => {
    execFile(process.execPath, [launcher, ...args], { cwd: folder, maxBuffer: 1e8 }, (error, out, err) => {
      keep(`eddy ${args[0]}`, out + err);
      resolve(error === null ? 0 : Number(error.code));
    });
  });

it('are in no log, answer, metric or output of a verb', { timeout: 120_000 }, async () => {
  camera = startFfmpeg(
    `-re -f lavfi -i testsrc2=s=160x90:r=10 -c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -g 10 -f flv ${eddy.rtmp}/cam1?token=${PLANTS.literal}`,
  );
  await until(
    'the camera',
    async () =>
      (await ask('/api/v1/cameras/cam1', bearer(PLANTS.literal))) === 200 &&
      (await ask(`/hls/cam1/index.m3u8?token=${PLANTS.env}`)) === 200,
  );

  // Publishers with a key of somebody else, in each place where encoders put it; and one that never comes to its end.
  const port = Number(new URL(eddy.rtmp.replace('rtmp', 'http')).port);
  const encoders: [string, { app?: string; tcUrl?: string }][] = [
    [`cam2?token=${PLANTS.guessed}`, {}],
    ['cam2', { app: 'live', tcUrl: `rtmp://127.0.0.1/live?token=${PLANTS.guessed}` }],
    ['cam2', { tcUrl: `rtmp://user:${PLANTS.guessed}@127.0.0.1/live` }],
    [`bad name?token=${PLANTS.guessed}`, {}],
  ];
  for (const [name, options] of encoders) {
    const client = await RtmpClient.publish(port, name, options);
    keep('RTMP status', String(client.status));
    await client.end();
  }
  const lost = await RtmpClient.open(port);
  await lost.shake();
  await lost.connect(`other?token=${PLANTS.guessed}`, `rtmp://127.0.0.1/other?token=${PLANTS.guessed}`).catch(() => {});
  await lost.end();

  // Viewers and visitors, on every kind of route and mistake.
  const paths = [
    '/',
    '/nothing',
    '/watch/cam1',
    '/hls/cam1/index.m3u8',
    '/hls/cam1/%2e%2e/x',
    '/hls/cam%00/index.m3u8',
    '/hls/cam9/index.m3u8?start=yesterday',
    '/whep/cam1',
    '/whip/cam1',
    '/api/v1/pipeline',
    '/api/v1/sessions',
    '/api/v1/storage',
    '/metrics',
    '/readyz',
    '/api/v1/openapi.json',
  ];
  for (const path of paths) {
    const query = `${path}${path.includes('?') ? '&' : '?'}token=`;
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE']) {
      await ask(query + PLANTS.guessed, { method, body: method === 'POST' ? `v=0 ${PLANTS.guessed}` : '' });
      await ask(path, { method, ...bearer(PLANTS.guessed) });
    }
    await ask(`/~${PLANTS.session}.${PLANTS.session}${path}`);
    await ask(path, { headers: { cookie: `eddy-session=${PLANTS.cookie}; token=${PLANTS.cookie}` } });
    await ask(path, { headers: { authorization: `Basic ${Buffer.from(`u:${PLANTS.guessed}`).toString('base64')}` } });
    await ask(path, {
      headers: { origin: 'https://x.example', referer: `https://x.example/?token=${PLANTS.guessed}` },
    });
    for (const key of [PLANTS.literal, PLANTS.secret, PLANTS.file, PLANTS.fallback]) await ask(path, bearer(key));
  }
  expect(await ask('/api/v1/pipeline', bearer(PLANTS.secret))).toBe(200);
  expect(await ask('/metrics', bearer(PLANTS.secret))).toBe(200);

  // Verbs on good and bad files, and changes that fail.
  const leaky = PIPELINE.replace(
    'services:',
    `plugins: [./leaky]\nservices:\n  leak: { plugin: acme.leaky, key: ${PLANTS.leaked}, note: "\${secret:planted}" }`,
  );
  const applied = await eddy.apply(leaky);
  keep('eddy apply', applied.out);
  expect(applied.out).toContain('cannot start with');
  const broken = PIPELINE.replace('workers: 1', 'workers: many')
    .replace('window: 1m', 'window: 1')
    .replace('subject: env,', 'subject: env, colour: blue,');
  keep('eddy apply', (await eddy.apply(broken)).out);
  await writeFile(
    join(folder, 'broken.yaml'),
    broken.replaceAll('HTTP', '127.0.0.1:0').replaceAll('RTMP', '127.0.0.1:0'),
  );
  await writeFile(
    join(folder, 'good.yaml'),
    PIPELINE.replaceAll('HTTP', '127.0.0.1:0').replaceAll('RTMP', '127.0.0.1:0'),
  );
  await writeFile(
    join(folder, 'leaky.yaml'),
    leaky.replaceAll('HTTP', '127.0.0.1:0').replaceAll('RTMP', '127.0.0.1:0'),
  );
  expect(await verb('validate', 'good.yaml')).toBe(0);
  expect(await verb('validate', 'broken.yaml', 'leaky.yaml', '--json')).toBe(78);
  for (const format of ['text', 'mermaid', 'dot']) expect(await verb('graph', 'good.yaml', '--format', format)).toBe(0);
  expect(await verb('run', 'broken.yaml', '--log-format', 'json')).toBe(78);
  expect(await verb('run', 'leaky.yaml', '--data', 'other', '--log-format', 'json')).toBe(1);
  await verb('doctor', 'good.yaml');
  await verb('list', '--json');
  await verb('inspect', 'auth.static', '--json');
  await verb('explain', 'AUTH_OPEN');
  await verb('schema');
  await camera.stop();
  await eddy.stop();
  keep('log', eddy.stderr());

  expect(output.get('log')).toMatch(/PUBLISH_REFUSED|publisher refused/);
  expect(output.get('eddy run')).toContain('cannot start with');
  expect(output.get('eddy doctor')).toContain('127.0.0.1:9');
  expect(sessions.size).toBeGreaterThan(0);
  const found = [...output].flatMap(([where, text]) =>
    [...everyPlant, ...sessions]
      .filter((plant) => text.includes(plant))
      .map((plant) => `${plant} in ${where}: ...${around(text, plant)}...`),
  );
  expect(found).toEqual([]);
  // The search itself finds them where they are.
  const file = await readFile(join(folder, 'good.yaml'), 'utf8');
  expect(everyPlant.filter((plant) => file.includes(plant))).toHaveLength(6);
  const size = [...output.values()].reduce((sum, text) => sum + text.length, 0);
  meetBar({
    issue: 6,
    what: 'secrets planted, then everything that came out searched',
    bar: 'none in the output of any verb, logs, metrics and the API',
    measured: `${everyPlant.length} secrets, ${sessions.size} sealed sessions, ${output.size} kinds of output, ${Math.round(size / 1024)} KiB searched, ${found.length} found`,
    pass: found.length === 0,
  });
});

const around = (text: string, plant: string): string =>
  text.slice(Math.max(0, text.indexOf(plant) - 200), text.indexOf(plant) + 60);
