/** HTTPS with HTTP/2 and RTMPS, as operators have them: real publishers and pages, and a certificate that is renewed under load. */
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { certify, spkiOf } from '../support/certificates.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { startFfmpeg, type FfmpegRun } from '../support/ffmpeg.ts';
import { blockingReload, http1Client, http2Client, startLoad, watchHandshakes } from '../support/tls-load.ts';
import { launchChromium, openPage } from './chromium.ts';
import { untilPlaying } from './glass-to-glass.ts';

const PIPELINE = `version: 1
name: tls
services:
  http: { plugin: http.server, listen: HTTP, tls: { cert: ./cert.pem, key: ./key.pem } }
  rtc: { plugin: webrtc.workers, workers: 1, listen: 127.0.0.1:0 }
  player: { plugin: web.player }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP, tls: { cert: ./cert.pem, key: ./key.pem, listen: RTMPS } }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s, part: 334ms }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> sfu.video, cmaf.video
  - sfu.out -> whep.in
  - cmaf.chunks -> hls.chunks
`;
/** How many clients of each kind. */
const CLIENTS = atLevel({
  test: { http1: 10, http2: 5, blocking: 10 },
  proof: { http1: 100, http2: 40, blocking: 60 },
});
/** How long only one half of the renewed pair is there, and how long all goes on afterwards, ms. */
const HALF = atLevel({ test: 1_000, proof: 20_000 });
const AFTER = atLevel({ test: 3_000, proof: 60_000 });

const folder = mkdtempSync(join(tmpdir(), 'eddy-tls-'));
const file = (name: string): string => join(folder, name);
let browser: Browser;
let eddy: RunningEddy;
const publishers: FfmpegRun[] = [];

beforeAll(async () => {
  certify('before', file('cert.pem'), file('key.pem'));
  certify('after', file('cert2.pem'), file('key2.pem'));
  const trusted = ['cert.pem', 'cert2.pem'].map((name) => spkiOf(file(name))).join(',');
  browser = await launchChromium([`--ignore-certificate-errors-spki-list=${trusted}`]);
  eddy = await startEddy(PIPELINE, { folder, tls: true });
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await Promise.all(publishers.map((publisher) => publisher.stop()));
  await eddy?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Sends a camera of small pictures for as long as the test runs. */
function publish(url: string): FfmpegRun {
  const encode = '-c:v libx264 -preset ultrafast -tune zerolatency -pix_fmt yuv420p -bf 0 -g 25';
  const publisher = startFfmpeg(`-re -f lavfi -i testsrc2=s=320x180:r=25 ${encode} -f flv ${url}`);
  publishers.push(publisher);
  return publisher;
}
const place = (page: Page): Promise<number> => page.evaluate('document.querySelector("video").currentTime');
/** Protocols (ALPN) of what the page has loaded below a prefix. */
const protocols = (page: Page, prefix: string): Promise<string[]> =>
  page.evaluate(
    `[...new Set(performance.getEntriesByType('resource').filter((entry) => new URL(entry.name).pathname.startsWith('${prefix}')).map((entry) => entry.nextHopProtocol))]`,
  );
interface Camera {
  readonly publications: readonly { readonly id: string }[];
}
/** Ids of who publishes and who watches by WebRTC: others where one had to come again. */
async function present(): Promise<string[]> {
  const cameras = await Promise.all(
    ['secure', 'plain'].map((camera) => eddy.json<Camera>(`/api/v1/cameras/${camera}`)),
  );
  const { sessions } = await eddy.json<{ sessions: { id: string; protocol: string }[] }>('/api/v1/sessions');
  return [
    ...cameras.flatMap(({ publications }) => publications.map(({ id }) => id)),
    ...sessions.filter(({ protocol }) => protocol === 'whep').map(({ id }) => id),
  ];
}

it(
  'RTMPS beside RTMP, WHEP and LL-HLS by HTTP/2, and a renewed certificate that drops nobody',
  async () => {
    publish(`${eddy.rtmps}/secure`);
    publish(`${eddy.rtmp}/plain`);
    const [whep, hls] = [await openPage(browser), await openPage(browser)];
    await until(
      'both cameras',
      async () =>
        (await eddy.json<{ cameras: { state: string }[] }>('/api/v1/cameras')).cameras.filter(
          ({ state }) => state === 'live',
        ).length === 2,
    );
    await Promise.all([
      whep.page.goto(`${eddy.http}/watch/secure`),
      hls.page.goto(`${eddy.http}/watch/secure?via=hls`),
    ]);
    await Promise.all([untilPlaying(whep.page), untilPlaying(hls.page)]);
    const transport = (page: Page) => page.evaluate<string>('window.eddy.stats().transport');
    expect([await transport(whep.page), await transport(hls.page)]).toEqual(['webrtc', 'hls.js']);
    expect(await protocols(hls.page, '/hls/')).toEqual(['h2']);
    const answer = await whep.page.request.get(`${eddy.http}/watch/secure`, { ignoreHTTPSErrors: true });
    expect(answer.headers()['strict-transport-security']).toBe('max-age=86400');

    const first = http1Client(eddy.http);
    const main = (await first.ask('/hls/secure/index.m3u8')).body.split('\n').find((line) => /^[^#]/.test(line))!;
    first.close();
    const media = `/hls/secure/${main}`;
    const clients = (count: number, make: typeof http1Client) => Array.from({ length: count }, () => make(eddy.http));
    const loads = [
      startLoad(clients(CLIENTS.http1, http1Client), () => media, 200),
      startLoad(clients(CLIENTS.http2, http2Client), () => media, 100),
      startLoad(clients(CLIENTS.blocking, http1Client), blockingReload(media), 0),
    ];
    const doors = [eddy.http, eddy.rtmps].map((url) => watchHandshakes(Number(new URL(url).port)));
    try {
      const before = await present();
      expect(before).toHaveLength(3);
      const places = [await place(whep.page), await place(hls.page)];
      await until('load', () => loads.every((load) => load.report().answered > 0));

      renameSync(file('cert2.pem'), file('cert.pem'));
      await new Promise((resolve) => setTimeout(resolve, HALF));
      expect(doors.map(({ seen }) => seen.at(-1))).toEqual(['before', 'before']);
      renameSync(file('key2.pem'), file('key.pem'));
      await until('the renewed certificate', () => doors.every(({ seen }) => seen.at(-1) === 'after'), {
        timeout: 30_000,
      });
      const atRenewal = loads.map((load) => load.report().answered);
      await new Promise((resolve) => setTimeout(resolve, AFTER));
      // A publisher and a viewer who come now are served like those who were there.
      publish(`${eddy.rtmps}/late`);
      const late = await openPage(browser);
      await until(
        'the late camera',
        async () => (await eddy.json<Camera>('/api/v1/cameras/late')).publications?.length === 1,
      );
      await late.page.goto(`${eddy.http}/watch/late`);
      await untilPlaying(late.page);

      expect(await present()).toEqual(expect.arrayContaining(before));
      expect(await place(whep.page)).toBeGreaterThan(places[0]! + AFTER / 2000);
      expect(await place(hls.page)).toBeGreaterThan(places[1]! + AFTER / 2000);
      for (const { errors } of [whep, hls, late]) expect(errors).toEqual([]);
      const reports = await Promise.all(loads.map((load) => load.stop()));
      for (const [i, { answered }] of reports.entries()) expect(answered).toBeGreaterThan(atRenewal[i]!);
      await Promise.all(doors.map((door) => door.stop()));
      // Old ones, then new ones; a half would be an error or a handshake that fails.
      const odd = doors.map(({ seen }) => seen.join(' ').replace(/^(before ?)+(after ?)+$/, ''));
      const failed = reports.flatMap(({ failed }) => failed);
      const [answered, clientCount, connections] = (['answered', 'clients', 'connections'] as const).map((what) =>
        reports.reduce((sum, report) => sum + report[what], 0),
      );
      meetBar({
        issue: 6,
        what: 'TLS: certificate swap under load',
        bar: 'drops nobody; WHEP, LL-HLS over HTTP/2 and RTMPS work',
        measured:
          `${answered} requests of ${clientCount} clients (HTTP/1.1, HTTP/2, blocking LL-HLS) on ${connections} connections, ${failed.length} failed; ` +
          `${doors.reduce((sum, { seen }) => sum + seen.length, 0)} handshakes, ${odd.filter((text) => text !== '').length} doors with another than the old, then the new certificate; ` +
          `publishers by RTMPS and RTMP, viewers by WHEP and LL-HLS (h2) stayed`,
        pass: failed.length === 0 && connections === clientCount && odd.every((text) => text === ''),
      });
    } finally {
      await Promise.all([...loads, ...doors].map((each) => each.stop()));
    }
  },
  atLevel({ test: 120_000, proof: 300_000 }),
);
