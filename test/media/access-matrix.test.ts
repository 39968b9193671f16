/**
 * Every way in and out of a whole pipeline, asked with every kind of token. The rows are held against the routes that the server has
 * mounted: a route without a row fails.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { publishSmall, type FfmpegRun } from '../support/ffmpeg.ts';
import { RtmpClient } from '../support/rtmp-client.ts';
import { SECRET, sign } from '../unit/auth/jwt-kit.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';

const PIPELINE = `version: 1
observe: { log: warn }
services:
  http: { plugin: http.server, listen: HTTP, unlimited: [127.0.0.1] }
  rtc: { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
  native: { plugin: native.gstreamer }
  store: { plugin: store.filesystem, dir: ./data }
  auth: { plugin: auth.jwt, secrets: ["${SECRET}"] }
  player: { plugin: web.player }
  studio: { plugin: web.publish }
  clips: { plugin: publish.clips }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  whip: { plugin: webrtc.whip }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  ladder: { plugin: transcode.video }
  cmaf: { plugin: package.cmaf, segment: 1s }
  dvr: { plugin: timeshift.ring }
  index: { plugin: index.sqlite, file: ./data/index.db }
  hls: { plugin: publish.hls }
  dash: { plugin: publish.dash }
  pictures: { plugin: publish.pictures }
links:
  - rtmp.video -> cmaf.video, pictures.video, ladder.in
  - ladder.out -> sfu.video
  - whip.rtp -> sfu.rtp
  - sfu.out -> whep.in
  - cmaf.chunks -> dvr.chunks
  - dvr.live -> hls.chunks, dash.chunks
  - dvr.segments -> index.segments
`;

type Need = 'watch' | 'rewind' | 'export' | 'publish' | 'admin';

interface Body {
  readonly type: string;
  readonly text: string;
}

/** What stands at a route, and what it needs; `public`: nothing. */
interface Row {
  readonly needs: Need | 'public';
  /** Where the path of the route has parameters, or needs a query. */
  readonly path?: () => string;
  /** The same for a moment that lies too far back. */
  readonly deep?: () => string;
  readonly body?: Body;
}

/** How far back the tokens of this test reach. */
const REWIND = 30 * 60_000;
const ago = (ms: number): number => Date.now() - ms;
const DEEP = 2 * 3_600_000;
const json = (value: object): Body => ({ type: 'application/json', text: JSON.stringify(value) });

const watch = (path: string): Row => ({ needs: 'watch', path: () => path });
const admin: Row = { needs: 'admin' };
const open: Row = { needs: 'public' };
/** A row whose query names a moment. */
const past = (needs: Need, path: string, query: (from: number) => string): Row => ({
  needs,
  path: () => `${path}?${query(ago(60_000))}`,
  deep: () => `${path}?${query(ago(DEEP))}`,
});
const CAM = '/api/v1/cameras/cam1';
const range = (from: number): string => `start=${from}&end=${from + 2000}`;
const media = (prefix: string): Row => ({
  needs: 'watch',
  path: () => `${prefix}/${ago(1000)}-1.w1.m4s`,
  deep: () => `${prefix}/${ago(DEEP)}-1.w1.m4s`,
});
const sdp = (name: string): Body => ({ type: 'application/sdp', text: fixture(name) });

const ROWS: Readonly<Record<string, Row>> = {
  'GET /': open,
  'GET /livez': open,
  'GET /readyz': open,
  'GET /metrics': admin,
  'GET /api/v1/time': open,
  'GET /api/v1/openapi.json': open,
  'GET /api/v1/pipeline': admin,
  'GET /api/v1/routes': admin,
  'GET /api/v1/storage': admin,
  'GET /api/v1/sessions': admin,
  'DELETE /api/v1/sessions': { needs: 'admin', path: () => '/api/v1/sessions?user=nobody' },
  'DELETE /api/v1/sessions/:id': { needs: 'admin', path: () => '/api/v1/sessions/none' },
  'GET /api/v1/revocations': admin,
  'POST /api/v1/revocations': { needs: 'admin', body: json({ user: 'nobody', for: '1s' }) },
  'DELETE /api/v1/revocations/:user': { needs: 'admin', path: () => '/api/v1/revocations/nobody' },
  'GET /api/v1/cameras': { needs: 'watch' },
  'GET /api/v1/cameras/:camera': watch(CAM),
  'POST /api/v1/cameras/:camera/latency': { ...watch(`${CAM}/latency`), body: json({ latency: 100, path: 'hls' }) },
  'POST /api/v1/cameras/:camera/links': {
    needs: 'admin',
    path: () => `${CAM}/links`,
    body: json({ user: 'guest', for: '1m' }),
  },
  'GET /api/v1/cameras/:camera/ladders/ladder': { needs: 'admin', path: () => `${CAM}/ladders/ladder` },
  'PATCH /api/v1/cameras/:camera/ladders/ladder': {
    needs: 'admin',
    path: () => `${CAM}/ladders/ladder`,
    body: json({ rungs: { none: { bitrate: '1Mbps' } } }),
  },
  'GET /api/v1/cameras/:camera/keeps': past('rewind', `${CAM}/keeps`, range),
  'PUT /api/v1/cameras/:camera/keeps': { needs: 'admin', path: () => `${CAM}/keeps?start=1000&end=2000` },
  'DELETE /api/v1/cameras/:camera/keeps': { needs: 'admin', path: () => `${CAM}/keeps?start=1000&end=2000` },
  'GET /api/v1/cameras/:camera/segments': past('rewind', `${CAM}/segments`, range),
  'GET /api/v1/cameras/:camera/timeline': past('rewind', `${CAM}/timeline`, range),
  'GET /api/v1/cameras/:camera/poster.jpg': watch(`${CAM}/poster.jpg`),
  'GET /api/v1/cameras/:camera/thumbnail.jpg': past('rewind', `${CAM}/thumbnail.jpg`, (from) => `at=${from}`),
  'GET /api/v1/cameras/:camera/storyboard.vtt': past('rewind', `${CAM}/storyboard.vtt`, range),
  'GET /api/v1/cameras/:camera/storyboard.jpg': past(
    'rewind',
    `${CAM}/storyboard.jpg`,
    (from) => `track=video&init=x&interval=1s&at=${from}`,
  ),
  'GET /api/v1/cameras/:camera/export.mp4': past('export', `${CAM}/export.mp4`, range),
  'GET /hls/:camera/index.m3u8': {
    ...watch('/hls/cam1/index.m3u8'),
    deep: () => `/hls/cam1/index.m3u8?start=${ago(DEEP)}`,
  },
  'GET /hls/:camera/:track/live.m3u8': watch('/hls/cam1/video/live.m3u8'),
  'GET /hls/:camera/:track/range.m3u8': past('rewind', '/hls/cam1/video/range.m3u8', range),
  'GET /hls/:camera/:track/:name': media('/hls/cam1/video'),
  'GET /dash/:camera/manifest.mpd': past('rewind', '/dash/cam1/manifest.mpd', range),
  'GET /dash/:camera/now': { needs: 'public', path: () => '/dash/cam1/now' },
  'GET /dash/:camera/:track/:name': watch('/dash/cam1/video/w1.1.m4s'),
  'GET /watch/:camera': { needs: 'public', path: () => '/watch/cam1' },
  'GET /publish': open,
  'GET /publish/:camera': { needs: 'public', path: () => '/publish/cam1' },
  'HEAD /whep/:camera': watch('/whep/cam1'),
  'OPTIONS /whep/:camera': { needs: 'public', path: () => '/whep/cam1' },
  'POST /whep/:camera': { ...watch('/whep/cam1'), body: sdp('chromium-156-whep') },
  'OPTIONS /whip/:camera': { needs: 'public', path: () => '/whip/cam1' },
  'POST /whip/:camera': { needs: 'publish', path: () => '/whip/cam9', body: sdp('chromium-156-whip') },
};

/** Routes of scripts and pictures that the pages load. */
const ASSETS = /^GET \/(?:player|publish\/_)\//;
/** Routes below a session's own address, which nobody can guess. */
const OF_SESSIONS = /^[A-Z]+ \/(whep|whip)\/:camera\/:session/;

const hour = (hours: number): number => Math.floor(Date.now() / 1000) + hours * 3600;
const ALL = ['publish', 'watch', 'rewind', 'export', 'admin'];

/** A token whose holder may do everything here, but for what is said. */
const token = (rights: object = {}, more: object = {}, secret = SECRET): Promise<string> =>
  sign(secret, {
    sub: 'ada',
    exp: hour(1),
    eddy: { cameras: ['*'], actions: ALL, rewind: `${REWIND}ms`, ...rights },
    ...more,
  });

interface Case {
  readonly name: string;
  readonly status: number;
  readonly code: string;
  readonly message: RegExp;
  /** The headers, or the path's beginning, that it comes with; undefined where the case makes no sense for the row. */
  readonly come: (
    needs: Need,
    row: Row,
  ) => Promise<{ authorization?: string; prefix?: string; deep?: true } | undefined>;
}

const bearer = async (made: Promise<string>) => ({ authorization: `Bearer ${await made}` });
const other = (needs: Need): Need => (needs === 'watch' ? 'publish' : 'watch');

const CASES: readonly Case[] = [
  { name: 'no token', status: 401, code: 'REFUSED', message: /token/i, come: async () => ({}) },
  {
    name: 'wrong signature',
    status: 401,
    code: 'REFUSED',
    message: /sign/i,
    come: () => bearer(token({}, {}, `${SECRET}?`)),
  },
  {
    name: 'expired',
    status: 401,
    code: 'REFUSED',
    message: /expired/i,
    come: () => bearer(token({}, { exp: hour(-1) })),
  },
  {
    name: 'not yet valid',
    status: 401,
    code: 'REFUSED',
    message: /not .*(yet|before|until)/i,
    come: () => bearer(token({}, { nbf: hour(1) })),
  },
  {
    name: 'other camera',
    status: 403,
    code: 'REFUSED',
    message: /./,
    come: () => bearer(token({ cameras: ['cam2'] })),
  },
  {
    name: 'other action',
    status: 403,
    code: 'REFUSED',
    message: /./,
    come: (needs) => bearer(token({ actions: [other(needs)] })),
  },
  {
    name: 'too deep a rewind',
    status: 403,
    code: 'REWIND_TOO_DEEP',
    message: /you may go back to 20\d\d-/,
    come: async (_needs, { deep }) => deep && { ...(await bearer(token())), deep: true },
  },
  { name: 'revoked', status: 403, code: 'REFUSED', message: /revoked/, come: () => bearer(token({}, { sub: 'gone' })) },
  {
    name: 'a session that nobody sealed',
    status: 401,
    code: 'REFUSED',
    message: /session/,
    come: async () => ({ prefix: `/~${'A'.repeat(200)}` }),
  },
  {
    name: 'a session of another camera',
    status: 403,
    code: 'REFUSED',
    message: /./,
    come: async (needs) => (needs === 'admin' || needs === 'publish' ? undefined : { prefix: await link('cam2') }),
  },
];

let eddy: RunningEddy;
let publisher: FfmpegRun;
let boss: string;

beforeAll(async () => {
  boss = await token();
  eddy = await startEddy(PIPELINE);
  publisher = publishSmall(`${eddy.rtmp}/cam1?token=${boss}`);
  const live = async (): Promise<boolean> =>
    (await ask('GET', '/hls/cam1/index.m3u8', { authorization: `Bearer ${boss}` })).status === 200;
  await until('the camera to be there', live, { timeout: 30_000 });
  const body = json({ user: 'gone', for: '1h' });
  expect((await ask('POST', '/api/v1/revocations', { authorization: `Bearer ${boss}` }, body)).status).toBe(201);
}, 60_000);
afterAll(async () => {
  await publisher?.stop();
  await eddy?.stop();
});

async function ask(method: string, path: string, headers: Record<string, string> = {}, body?: Body) {
  const answer = await fetch(eddy.http + path, {
    method,
    headers: { ...headers, ...(body && { 'content-type': body.type }) },
    ...(body && { body: body.text }),
    redirect: 'manual',
  });
  const text = await answer.text();
  return { status: answer.status, headers: answer.headers, text };
}

async function link(camera: string): Promise<string> {
  const body = json({ user: 'guest', for: '1h', actions: ['watch', 'rewind', 'export'], rewind: '30m' });
  const { text } = await ask('POST', `/api/v1/cameras/${camera}/links`, { authorization: `Bearer ${boss}` }, body);
  return (JSON.parse(text) as { prefix: string }).prefix;
}

/** What is wrong with an answer to somebody who may not have it; nothing where it is right. */
function wrong(
  { status, headers, text }: Awaited<ReturnType<typeof ask>>,
  { name, ...want }: Case,
  method: string,
): string[] {
  if (status !== want.status) return [`${name}: ${status} instead of ${want.status}: ${text.slice(0, 200)}`];
  if (status === 401 && !headers.has('www-authenticate')) return [`${name}: no WWW-Authenticate`];
  if (method === 'HEAD') return [];
  const { code, message = '', mend = '' } = JSON.parse(text) as Record<'code' | 'message' | 'mend', string>;
  return [
    ...(code.endsWith(want.code) ? [] : [`${name}: ${code} instead of ${want.code}`]),
    ...(want.message.test(message) ? [] : [`${name}: says "${message}"`]),
    ...(mend.length > 10 ? [] : [`${name}: does not say what to do`]),
  ];
}

describe('every route', () => {
  it('that is mounted has a row here, and every row a route', async () => {
    const { text } = await ask('GET', '/api/v1/routes', { authorization: `Bearer ${boss}` });
    const { routes } = JSON.parse(text) as { routes: { method: string; path: string }[] };
    const mounted = routes.map(({ method, path }) => `${method} ${path}`);
    expect(mounted.filter((route) => !(route in ROWS) && !ASSETS.test(route) && !OF_SESSIONS.test(route))).toEqual([]);
    expect(Object.keys(ROWS).filter((route) => !mounted.includes(route))).toEqual([]);
  });

  const tried = { rows: 0, refusals: 0 };
  for (const [route, row] of Object.entries(ROWS)) {
    const [method = '', pattern = ''] = route.split(' ');
    const path = (): string => row.path?.() ?? pattern;
    if (row.needs === 'public') {
      it(`${route} is for anyone`, async () => {
        const { status } = await ask(method, path());
        expect(status).toBeLessThan(300);
      });
      continue;
    }
    const { needs } = row;
    it(`${route} needs the right to ${needs}`, async () => {
      const found: string[] = [];
      for (const one of CASES) {
        const comes = await one.come(needs, row);
        if (!comes) continue;
        const { prefix = '', deep, ...headers } = comes;
        const target = prefix + (deep ? row.deep!() : path());
        found.push(...wrong(await ask(method, target, headers, row.body), one, method));
        tried.refusals += 1;
      }
      const allowed = await ask(method, path(), { authorization: `Bearer ${boss}` }, row.body);
      if (allowed.status === 401 || allowed.status === 403)
        found.push(`the right token: ${allowed.status} ${allowed.text}`);
      if (needs === 'watch' || needs === 'rewind' || needs === 'export') {
        const { status, text } = await ask(method, (await link('cam1')) + path(), {}, row.body);
        // The list of all cameras, and a figure of one's own, are not what a link is for.
        if (status === 401 || status === 403) found.push(`a link: ${status} ${text}`);
      }
      expect(found).toEqual([]);
      tried.rows += 1;
    });
  }

  it('is told of in the table', () => {
    meetBar({
      what: 'every route with no token, a wrong, an expired, a premature and a revoked one, of another camera or action, for too deep a rewind',
      bar: 'each refused with the right code and a useful message, and the allowed one passes',
      measured: `${tried.rows} guarded routes, ${tried.refusals} refusals, none wrong`,
      pass: tried.rows === Object.values(ROWS).filter(({ needs }) => needs !== 'public').length,
    });
  });
});

describe('a WebRTC session', () => {
  it.each([
    ['whep', 'cam1', 'chromium-156-whep'],
    ['whip', 'cam9', 'chromium-156-whip'],
  ])('begun by %s is for who began it', async (way, camera, offer) => {
    const mine = { authorization: `Bearer ${boss}` };
    const begun = await ask('POST', `/${way}/${camera}`, mine, sdp(offer));
    expect(begun.status).toBe(201);
    const location = begun.headers.get('location')!;
    const theirs = { authorization: `Bearer ${await token({}, { sub: 'eve' })}` };
    for (const [method, path] of [
      ['PATCH', location],
      ['DELETE', location],
      ...(way === 'whep'
        ? ([
            ['POST', `${location}/camera`],
            ['POST', `${location}/layer`],
            ['POST', `${location}/sse`],
          ] as const)
        : []),
    ] as const) {
      for (const headers of [{}, theirs])
        expect([method, path, (await ask(method, path, headers, json({}))).status]).toEqual([method, path, 401]);
    }
    if (way === 'whep') {
      const narrow = await token({ cameras: ['cam1'], actions: ['watch'] });
      const one = await ask('POST', '/whep/cam1', { authorization: `Bearer ${narrow}` }, sdp(offer));
      const moved = await ask(
        'POST',
        `${one.headers.get('location')}/camera`,
        { authorization: `Bearer ${narrow}` },
        json({ cameraId: 'cam2' }),
      );
      expect(moved.status).toBe(403);
    }
    expect((await ask('DELETE', location, mine)).status).toBe(200);
  });
});

describe('RTMP', () => {
  it.each([
    ['no token', (): Promise<string | undefined> => Promise.resolve(undefined)],
    ['wrong signature', () => token({}, {}, `${SECRET}?`)],
    ['expired', () => token({}, { exp: hour(-1) })],
    ['not yet valid', () => token({}, { nbf: hour(1) })],
    ['other camera', () => token({ cameras: ['cam2'] })],
    ['other action', () => token({ actions: ['watch'] })],
    ['revoked', () => token({}, { sub: 'gone' })],
  ] as const)('refuses a publisher with %s', async (_name, make) => {
    const made = await make();
    const port = Number(new URL(eddy.rtmp.replace('rtmp:', 'http:')).port);
    const client = await RtmpClient.publish(port, made === undefined ? 'cam5' : `cam5?token=${made}`);
    expect(client.status).not.toBe('NetStream.Publish.Start');
    client.socket.destroy();
    const { text } = await ask('GET', '/api/v1/cameras', { authorization: `Bearer ${boss}` });
    expect(text).not.toContain('cam5');
  });

  it('lets in who may publish', async () => {
    const port = Number(new URL(eddy.rtmp.replace('rtmp:', 'http:')).port);
    const client = await RtmpClient.publish(
      port,
      `cam6?token=${await token({ cameras: ['cam6'], actions: ['publish'] })}`,
    );
    expect(client.status).toBe('NetStream.Publish.Start');
    client.socket.destroy();
  });
});
