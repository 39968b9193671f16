/** What integrators and auditors are told of a real pipeline with keys: publishers, viewers and operators, let in and refused. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { SECRET, WebhookReceiver } from '../support/webhook-receiver.ts';

const KEYS = { gate: 'planted-gate-0123456789', ann: 'planted-ann-0123456789', op: 'planted-op-0123456789' };
const GUESS = 'planted-guess-0123456789';

const pipeline = (url: string): string => `version: 1
name: told
services:
  audit: { plugin: events.file, file: ./audit.jsonl }
  hooks: { plugin: events.webhook, url: "${url}?token=planted-in-the-address", secret: "${SECRET}", events: ["*"], outbox: ./outbox }
  auth:
    plugin: auth.static
    keys:
      - { token: ${KEYS.gate}, subject: gate, actions: [publish] }
      - { token: ${KEYS.ann}, subject: ann, actions: [watch] }
      - { token: ${KEYS.op}, subject: op, actions: [admin] }
  http: { plugin: http.server, listen: HTTP }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  cmaf: { plugin: package.cmaf, segment: 1s, part: 334ms }
  dvr: { plugin: timeshift.ring, window: 10s }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> cmaf.video
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks
`;

let receiver: WebhookReceiver;
let eddy: RunningEddy;
const publishers: FfmpegRun[] = [];
beforeAll(async () => {
  receiver = await new WebhookReceiver().listen();
  eddy = await startEddy(pipeline(receiver.url));
});
afterAll(async () => {
  for (const publisher of publishers) await publisher.stop();
  await eddy.stop();
  await receiver.close();
});

const publish = (token: string): FfmpegRun => {
  const run = startFfmpeg(
    `-re -f lavfi -i testsrc2=s=320x180:r=25 -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -f flv ${eddy.rtmp}/cam1?token=${token}`,
  );
  publishers.push(run);
  return run;
};
const told = (type: string) => receiver.taken.map(({ body }) => body).filter((body) => body.type === type);
const first = (type: string) => until(type, () => told(type)[0]);
const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } });

it('tells of publishers, viewers and operators, let in and refused, by webhook and in the audit log, without a secret', async () => {
  // Written first, it hears of every service behind it.
  await until('the start', () => told('stage.starting').some(({ stage }) => stage === 'auth'));
  await publish(GUESS).done;
  expect(await first('publish.refused')).toMatchObject({
    camera: 'cam1',
    stage: 'rtmp',
    pipeline: 'told',
    data: { peer: '127.0.0.1', protocol: 'rtmp', reason: 'unauthenticated' },
  });

  publish(KEYS.gate);
  expect(await first('camera.live')).toMatchObject({ camera: 'cam1' });
  expect(await first('publication.started')).toMatchObject({ stage: 'rtmp', data: { peer: 'rtmp:127.0.0.1' } });

  const playlist = (token: string) => fetch(`${eddy.http}/hls/cam1/index.m3u8?token=${token}`);
  expect((await playlist(GUESS)).status).toBe(401);
  expect(await first('session.refused')).toMatchObject({
    camera: 'cam1',
    data: { action: 'watch', protocol: 'hls', reason: 'unauthenticated', peer: '127.0.0.1' },
  });
  await until('the playlist', async () => (await playlist(KEYS.ann)).ok);
  const started = await first('session.started');
  expect(started).toMatchObject({
    camera: 'cam1',
    stage: 'hls',
    data: { userId: 'ann', protocol: 'hls', mode: 'live' },
  });

  const path = `${eddy.http}/api/v1/sessions/${String(started.data.session)}`;
  expect((await fetch(path, { method: 'DELETE', ...bearer(KEYS.ann) })).status).toBe(403);
  expect(await first('admin.refused')).toMatchObject({
    data: { peer: '127.0.0.1', what: `DELETE ${new URL(path).pathname}`, change: true },
  });
  expect((await fetch(path, { method: 'DELETE', ...bearer(KEYS.op) })).ok).toBe(true);
  expect(await first('admin.allowed')).toMatchObject({ data: { userId: 'op', change: true } });
  expect(await first('session.ended')).toMatchObject({
    data: { session: started.data.session, userId: 'ann', code: 'SESSION_ENDED' },
  });

  const audit = (await readFile(join(eddy.folder, 'audit.jsonl'), 'utf8')).trim().split('\n');
  const types = audit.map((line) => (JSON.parse(line) as { type: string }).type);
  expect(types).toEqual(
    expect.arrayContaining(['publish.refused', 'session.refused', 'admin.refused', 'admin.allowed']),
  );
  expect(types).not.toContain('session.started');

  const everything = [JSON.stringify(receiver.taken.map(({ body }) => body)), ...audit, eddy.stderr()].join('\n');
  expect(everything).not.toMatch(/planted/);
  expect(receiver.forged).toEqual([]);
  // In order, each once.
  const ids = receiver.taken.map(({ id }) => id);
  expect(new Set(ids).size).toBe(ids.length);
});
