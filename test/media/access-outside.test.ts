/**
 * A whole pipeline against who attacks its access control, and while what it asks is away: tokens that lie, keys that turn, webhooks that do not
 * answer. The parts have tests of their own (test/unit/auth, test/unit/http); here they stand together.
 */
import { connect } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { publishSmall } from '../support/ffmpeg.ts';
import { startJsonServer } from '../support/json-server.ts';
import { watchByWhep } from '../support/libdatachannel.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';
import { base64url, makeKey, sign } from '../unit/auth/jwt-kit.ts';

const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

const pipeline = (auth: string): string => `version: 1
observe: { log: warn }
services:
  http: { plugin: http.server, listen: HTTP, unlimited: [127.0.0.1] }
  rtc: { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
  auth: ${auth}
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 1s }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> sfu.video, cmaf.video
  - sfu.out -> whep.in
  - cmaf.chunks -> hls.chunks
`;
const INDEX = '/hls/cam1/index.m3u8';
const hours = (n: number): number => Math.floor(Date.now() / 1000) + n * 3600;
const claims = (more: object = {}): Record<string, unknown> => ({
  sub: 'ada',
  exp: hours(1),
  eddy: { cameras: ['cam1'], actions: ['publish', 'watch', 'rewind'] },
  ...more,
});
const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Starts it with a camera on air, which came with this token. */
async function start(auth: string, token: string): Promise<RunningEddy> {
  const eddy = await startEddy(pipeline(auth));
  stops.push(() => eddy.stop());
  const publisher = publishSmall(`${eddy.rtmp}/cam1?token=${token}`);
  stops.push(() => publisher.stop());
  await until('the camera', async () => (await by(eddy, token)).status === 200, { timeout: 30_000 });
  return eddy;
}

async function by({ http }: RunningEddy, token: string, path = INDEX) {
  const answer = await fetch(http + path, { headers: { authorization: `Bearer ${token}` } });
  return { status: answer.status, text: await answer.text() };
}

/** Sends bytes as they are; answers with the status lines that have come back when the server closes, or falls silent. */
function raw({ http }: RunningEddy, text: string): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(new URL(http).port), '127.0.0.1');
    let got = '';
    socket.setEncoding('latin1').on('data', (part: string) => void (got += part));
    socket.setTimeout(1500, () => socket.destroy());
    socket.once('error', reject).once('close', () => resolve(got.match(/HTTP\/1\.1 \d{3}/g) ?? []));
    socket.write(text);
  });
}

it('tokens that lie, keys that turn, and requests that mean two things', { timeout: 120_000 }, async () => {
  const [studio, first, second, evil] = [
    makeKey('studio'),
    makeKey('first', 'rsa'),
    makeKey('second', 'rsa'),
    makeKey('evil', 'rsa'),
  ];
  const jwks = await startJsonServer(() => ({ keys: [studio.jwk, first.jwk] }));
  stops.push(jwks.close);
  const good = await sign(first, claims());
  const eddy = await start(
    `{ plugin: auth.jwt, jwks: "${jwks.url}", cooldown: 1s, refresh: 1s, recheck: 1s }`,
    await sign(studio, claims({ sub: 'studio' })),
  );
  const [head = '', body = '', signature = ''] = good.split('.');
  const attack: Record<string, string> = {
    'alg none': `${base64url({ alg: 'none' })}.${body}.`,
    'alg none, signed': `${base64url({ alg: 'NONE', kid: 'first' })}.${body}.${signature}`,
    'the public key as a secret': await sign(first.pem, claims(), { alg: 'HS256', kid: 'first' }),
    'a key of its own': await sign(evil, claims(), { jwk: evil.jwk, kid: 'first' }),
    'a key elsewhere': await sign(evil, claims(), { jku: 'http://127.0.0.1:1/', kid: 'evil' }),
    'a key id with a path': await sign(evil, claims(), { kid: '../../../etc/passwd' }),
    'other rights': `${head}.${base64url(claims({ eddy: { cameras: ['*'], actions: ['admin'] } }))}.${signature}`,
    'two hours too old': await sign(first, claims({ exp: hours(-2) })),
    'a minute too old': await sign(first, claims({ exp: hours(0) - 60 })),
    'a minute too young': await sign(first, claims({ nbf: hours(0) + 60 })),
    giant: `${head}.${'A'.repeat(12_000)}.${signature}`,
    'no token at all': 'nonsense',
  };
  const refusals: Record<string, number> = {};
  for (const [name, token] of Object.entries(attack)) refusals[name] = (await by(eddy, token)).status;
  expect(refusals).toEqual(Object.fromEntries(Object.keys(attack).map((name) => [name, 401])));
  // Clocks differ by some seconds.
  expect((await by(eddy, await sign(first, claims({ exp: hours(0) - 10 })))).status).toBe(200);

  // Paths: nothing leads around the camera that the token is for.
  const paths = [
    '/hls/cam2/../cam1/index.m3u8',
    '/hls/cam1%2f..%2fcam2/index.m3u8',
    '/hls/%63am2/index.m3u8',
    '/HLS/cam2/index.m3u8',
    '/hls//cam2/index.m3u8',
    '/hls/CAM1/index.m3u8',
    `/~${'x'.repeat(40)}/~y/hls/cam1/index.m3u8`,
  ];
  for (const path of paths) {
    const [line] = await raw(
      eddy,
      `GET ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${good}\r\nconnection: close\r\n\r\n`,
    );
    expect([path, Number(line?.slice(-3))]).toEqual([
      path,
      expect.toSatisfy((status: number) => [400, 401, 403, 404].includes(status)),
    ]);
  }
  // Headers: of two that contradict each other none counts, and no second request rides along.
  const smuggled = 'GET /api/v1/sessions HTTP/1.1\r\nhost: x\r\n\r\n';
  const tricks: readonly (readonly [string, string])[] = [
    ['content-length: 5\r\ntransfer-encoding: chunked\r\n', `0\r\n\r\n${smuggled}`],
    ['content-length: 5\r\ncontent-length: 6\r\n', smuggled],
    ['transfer-encoding: xchunked\r\n', smuggled],
    [`authorization: Bearer ${good}\r\nauthorization: Bearer x\r\n`, ''],
    ['host: y\r\n', ''],
  ];
  for (const [more, rest] of tricks) {
    const lines = await raw(eddy, `GET ${INDEX} HTTP/1.1\r\nhost: x\r\n${more}\r\n${rest}`);
    expect([more, lines]).toEqual([more, [expect.stringMatching(/ (400|401|501)$/)]]);
  }

  // Rotation: what the new key signed is taken, what the old one signed is not any more, and who is in by it goes.
  jwks.answer = () => ({ keys: [studio.jwk, first.jwk, second.jwk] });
  await pass(1100);
  const next = await sign(second, claims({ sub: 'bea' }));
  expect((await by(eddy, next)).status).toBe(200);
  const [stays, goes] = [
    await watchByWhep(`${eddy.http}/whep/cam1`, { token: next }),
    await watchByWhep(`${eddy.http}/whep/cam1`, { token: await sign(first, claims({ sub: 'cid' })) }),
  ];
  stops.push(
    () => stays.close(),
    () => goes.close(),
  );
  jwks.answer = () => ({ keys: [studio.jwk, second.jwk] });
  await until('the old key to be forgotten', async () => (await by(eddy, good)).status === 401);
  const sessions = async (): Promise<number> => {
    const boss = await sign(second, claims({ eddy: { cameras: ['*'], actions: ['admin'] } }));
    const { text } = await by(eddy, boss, '/api/v1/sessions?protocol=whep');
    return (JSON.parse(text) as { sessions: object[] }).sessions.length;
  };
  await until('the session of the old key to end', async () => (await sessions()) === 1);

  // Outage: who is in stays in, and tokens of known keys are good.
  await jwks.close();
  await pass(3000);
  const packets = stays.received.packets;
  expect((await by(eddy, await sign(second, claims({ sub: 'dee' })))).status).toBe(200);
  expect(await sessions()).toBe(1);
  await until('pictures during the outage', () => stays.received.packets > packets);
  const { stderr } = eddy;
  for (const token of [good, next, ...Object.values(attack).filter((text) => text.length > 40)])
    expect(stderr()).not.toContain(token);
  meetBar({
    what: 'tokens of no algorithm, of confused or foreign keys, giant and of other times; tricks with paths and headers; key rotation and outage',
    bar: 'refused; a JWKS outage keeps valid sessions alive',
    measured: `${Object.keys(attack).length} tokens, ${paths.length} paths, ${tricks.length} header tricks refused; sessions of a withdrawn key end, others live through the outage`,
    pass: true,
  });
});

it('a webhook that is down, slow, or answers nonsense', { timeout: 120_000 }, async () => {
  const yes = () => ({ allowed: true, subject: 'ada', ttl: '1s', actions: ['watch', 'rewind'] });
  const hook = await startJsonServer(yes);
  stops.push(hook.close);
  const auth = (outage: string): string =>
    `{ plugin: auth.webhook, url: "${hook.url}", timeout: 500ms, retries: 0, pause: 500ms, on-outage: ${outage} }`;
  const kept = await start(auth('keep'), 'any');
  const ended = await start(auth('end'), 'any');
  const player = await watchByWhep(`${kept.http}/whep/cam1`, { token: 'viewer' });
  const other = await watchByWhep(`${ended.http}/whep/cam1`, { token: 'viewer' });
  stops.push(
    () => player.close(),
    () => other.close(),
  );
  const { url: carried } = await fetch(`${kept.http}${INDEX}?token=viewer`);
  const asked = hook.asked.length;
  for (let n = 0; n < 20; n++) expect((await fetch(carried)).status).toBe(200);
  // Twenty requests of a session that is known, in less than it takes an answer to run out: at most the one that is asked again.
  expect(hook.asked.length - asked).toBeLessThanOrEqual(4);

  const states: Record<string, Parameters<typeof startJsonServer>[0]> = {
    nonsense: () => 'yes, of course',
    'an answer of another kind': () => ({ allow: true }),
    'an error': (_body, response) => void response.writeHead(500).end(),
    slow: () => new Promise(() => undefined),
  };
  const found: Record<string, readonly number[]> = {};
  let fresh = 0;
  for (const [name, answer] of Object.entries(states)) {
    hook.answer = answer;
    await pass(1500);
    const packets = player.received.packets;
    const refused = (await by(kept, `new-${fresh++}`)).status;
    const whep = await fetch(`${kept.http}/whep/cam1`, {
      method: 'POST',
      headers: { authorization: `Bearer new-${fresh++}`, 'content-type': 'application/sdp' },
      body: fixture('chromium-156-whep'),
    });
    const playlist = (await fetch(carried)).status;
    await until(`${name}: pictures for who is in`, () => player.received.packets > packets);
    found[name] = [refused, whep.status, playlist];
  }
  // New ones are let in nowhere; who is in goes on, or not, as the pipeline says.
  expect(found).toEqual(Object.fromEntries(Object.keys(states).map((name) => [name, [503, 503, 200]])));
  const gone = other.received.packets;
  await pass(500);
  expect(other.received.packets).toBe(gone);

  hook.answer = yes;
  await until('the webhook to be believed again', async () => (await by(kept, 'new-again')).status === 200);
  meetBar({
    what: 'a webhook that answers nonsense, errors, or not at all',
    bar: 'fails closed for new sessions, existing go on by policy',
    measured: `${Object.keys(states).length} states: new sessions 503 by HLS and WHEP; with "keep" those that are there go on, with "end" they end`,
    pass: true,
  });
});
