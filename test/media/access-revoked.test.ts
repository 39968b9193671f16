/** A user whose rights are taken away while many watch: theirs end at once, over every transport, and nobody else notices. */
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { meetBar } from '../bar.ts';
import { atLevel } from '../level.ts';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { publishSmall, type FfmpegRun } from '../support/ffmpeg.ts';
import { watchByWhep, type Player } from '../support/libdatachannel.ts';

/** Viewers of each transport; half of them are the one whose rights are taken away. */
const VIEWERS = atLevel({ test: 12, proof: 200 });
/** How long everybody watches before and after, ms. */
const WATCH = atLevel({ test: 3000, proof: 10_000 });
const SEGMENT = 2000;
const KEYS = { admin: 'admin-key-of-this-test', gone: 'gone-key-of-this-test-1', stays: 'stays-key-of-this-test' };

const PIPELINE = `version: 1
observe: { log: warn }
services:
  http: { plugin: http.server, listen: HTTP, unlimited: [127.0.0.1] }
  rtc: { plugin: webrtc.workers, listen: "127.0.0.1:0", workers: 1 }
  auth:
    plugin: auth.static
    keys:
      - { token: ${KEYS.admin}, subject: boss, actions: [publish, admin] }
      - { token: ${KEYS.gone}, subject: gone, actions: [watch] }
      - { token: ${KEYS.stays}, subject: stays, actions: [watch] }
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  sfu: { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
  cmaf: { plugin: package.cmaf, segment: 2s }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> sfu.video, cmaf.video
  - sfu.out -> whep.in
  - cmaf.chunks -> hls.chunks
`;

let eddy: RunningEddy;
let publisher: FfmpegRun;
beforeAll(async () => {
  eddy = await startEddy(PIPELINE);
  publisher = publishSmall(`${eddy.rtmp}/cam1?token=${KEYS.admin}`, 50);
  await until(
    'the first playlist',
    async () => (await fetch(`${eddy.http}/hls/cam1/index.m3u8?token=${KEYS.stays}`)).ok,
  );
}, 60_000);
afterAll(async () => {
  await publisher?.stop();
  await eddy?.stop();
});

/** A player of HLS as far as requests go: the playlist again and again, and each segment once. */
class HlsViewer {
  lastMediaAt = 0;
  refused: { readonly status: number; readonly code: string } | undefined;
  readonly done: Promise<void>;
  readonly #agent: string;
  #stop = false;

  constructor(token: string, index: number) {
    this.#agent = `viewer-${index}`;
    this.done = this.#play(`${eddy.http}/hls/cam1/video/live.m3u8?token=${token}`);
  }

  async stop(): Promise<void> {
    this.#stop = true;
    await this.done;
  }

  async #get(url: string): Promise<Response | undefined> {
    const answer = await fetch(url, { headers: { 'user-agent': this.#agent } });
    if (answer.ok) return answer;
    this.refused = { status: answer.status, code: ((await answer.json()) as { code: string }).code };
    return undefined;
  }

  async #play(first: string): Promise<void> {
    let playlist = first;
    let last = '';
    while (!this.#stop) {
      const answer = await this.#get(playlist);
      if (!answer) return;
      playlist = answer.url;
      const newest = (await answer.text()).split('\n').findLast((line) => /^\d.*\.m4s$/.test(line));
      if (newest !== undefined && newest !== last) {
        const media = await this.#get(new URL(newest, playlist).href);
        if (!media) return;
        await media.arrayBuffer();
        this.lastMediaAt = performance.now();
        last = newest;
      }
      await pass(400);
    }
  }
}

const pass = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function players(token: string, count: number): Promise<Player[]> {
  const all: Player[] = [];
  while (all.length < count) {
    const next = Array.from({ length: Math.min(8, count - all.length) }, () =>
      watchByWhep(`${eddy.http}/whep/cam1`, { token }),
    );
    all.push(...(await Promise.all(next)));
  }
  return all;
}

const packetsOf = (all: readonly Player[]): number => all.reduce((sum, { received }) => sum + received.packets, 0);

it(`of ${VIEWERS} by WebRTC and ${VIEWERS} by HLS`, { timeout: 300_000 }, async () => {
  const half = VIEWERS / 2;
  const hls = {
    gone: Array.from({ length: half }, (_, index) => new HlsViewer(KEYS.gone, index)),
    stays: Array.from({ length: half }, (_, index) => new HlsViewer(KEYS.stays, half + index)),
  };
  const whep = { gone: await players(KEYS.gone, half), stays: await players(KEYS.stays, half) };
  await pass(WATCH);
  const admin = { authorization: `Bearer ${KEYS.admin}`, 'content-type': 'application/json' };
  const sessions = async (query: string) => {
    const answer = await fetch(`${eddy.http}/api/v1/sessions?${query}`, { headers: admin });
    return ((await answer.json()) as { sessions: { userId: string; protocol: string }[] }).sessions;
  };
  expect([await sessions('protocol=hls'), await sessions('protocol=whep')].map(({ length }) => length)).toEqual([
    // One that asked for the first playlist was no viewer for long.
    expect.toSatisfy((length: number) => length === VIEWERS || length === VIEWERS + 1),
    VIEWERS,
  ]);
  const pauseBefore = Math.max(...whep.stays.map((player) => player.longestPause()));

  const body = JSON.stringify({ user: 'gone', for: '10m' });
  const at = performance.now();
  const answer = await fetch(`${eddy.http}/api/v1/revocations`, { method: 'POST', headers: admin, body });
  expect(answer.status).toBe(201);
  onTestFinished(async () => {
    await fetch(`${eddy.http}/api/v1/revocations/gone`, { method: 'DELETE', headers: admin });
  });
  let [packets, lastPacketAt] = [packetsOf(whep.gone), at];
  while (performance.now() < at + WATCH) {
    await pass(20);
    if (packetsOf(whep.gone) > packets) [packets, lastPacketAt] = [packetsOf(whep.gone), performance.now()];
  }
  const pause = Math.max(...whep.stays.map((player) => player.longestPause()));
  const webrtc = Math.round(lastPacketAt - at);
  const media = Math.round(Math.max(...hls.gone.map(({ lastMediaAt }) => lastMediaAt)) - at);

  // Whoever was put out was told so, and comes back by nothing.
  expect(new Set(hls.gone.map(({ refused }) => `${refused?.status} ${refused?.code}`))).toEqual(
    new Set(['403 WATCH_REFUSED']),
  );
  expect(await sessions('user=gone')).toEqual([]);
  await expect(watchByWhep(`${eddy.http}/whep/cam1`, { token: KEYS.gone })).rejects.toThrow(/403/);
  // Nobody else was refused, or lost a session or pictures.
  await Promise.all([...hls.gone, ...hls.stays].map((viewer) => viewer.stop()));
  expect(hls.stays.filter(({ refused }) => refused)).toEqual([]);
  expect(await sessions('user=stays&protocol=whep')).toHaveLength(half);
  for (const player of [...whep.gone, ...whep.stays]) player.close();

  const measured = `WebRTC ${webrtc} ms, HLS ${Math.max(0, media)} ms; longest pause of the others ${Math.round(pause)} ms (${Math.round(pauseBefore)} ms before)`;
  process.stdout.write(`revoked: ${measured}\n`);
  meetBar({
    what: `a user is revoked while ${VIEWERS} watch by WebRTC and ${VIEWERS} by HLS, half of them that user`,
    bar: 'WebRTC gone within 1 s, HLS within one segment (2 s), others undisturbed',
    measured,
    pass: webrtc <= 1000 && media <= SEGMENT && pause <= Math.max(atLevel({ test: 3000, proof: 500 }), 2 * pauseBefore),
  });
});
