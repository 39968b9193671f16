/** A pull CDN in front: what it caches is of no use to who was revoked. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { startEddy, until } from '../support/eddy.ts';
import { publishSmall } from '../support/ffmpeg.ts';

const KEY = 'the-key-of-this-test-alone';
const stops: (() => unknown)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).reverse()) await stop();
});

/** Keeps what may be kept, by whole address, as long as it may (RFC 9111), and asks for the rest. */
async function startCdn(origin: string) {
  const kept = new Map<string, { readonly body: Buffer; readonly headers: Headers; readonly until: number }>();
  const counts = { hits: 0, asked: 0 };
  const server = createServer((request, response) => {
    void (async () => {
      const path = request.url!;
      const found = kept.get(path);
      if (found && found.until > Date.now()) {
        counts.hits += 1;
        return void response.writeHead(200, Object.fromEntries(found.headers)).end(found.body);
      }
      counts.asked += 1;
      const answer = await fetch(origin + path, { redirect: 'manual' });
      const body = Buffer.from(await answer.arrayBuffer());
      const control = answer.headers.get('cache-control') ?? '';
      const age = Number(/max-age=(\d+)/.exec(control)?.[1] ?? 0);
      const headers = new Headers();
      for (const name of ['content-type', 'cache-control', 'location'])
        if (answer.headers.has(name)) headers.set(name, answer.headers.get(name)!);
      if (answer.status === 200 && age > 0 && !/no-store|private/.test(control))
        kept.set(path, { body, headers, until: Date.now() + age * 1000 });
      response.writeHead(answer.status, Object.fromEntries(headers)).end(body);
    })().catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  stops.push(() => new Promise((resolve) => (server.closeAllConnections(), server.close(resolve))));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, counts };
}

it('serves a viewer who was revoked nothing that they have not had', { timeout: 60_000 }, async () => {
  const eddy = await startEddy(`version: 1
observe: { log: warn }
services:
  http: { plugin: http.server, listen: HTTP, proxies: [127.0.0.1] }
  auth:
    plugin: auth.static
    keys: [{ token: ${KEY}, subject: ann, actions: [publish, watch] }, { token: ${KEY}-admin, subject: boss, actions: [admin] }]
stages:
  rtmp: { plugin: ingest.rtmp, listen: RTMP }
  cmaf: { plugin: package.cmaf, segment: 1s, part: 500ms }
  hls: { plugin: publish.hls }
links:
  - rtmp.video -> cmaf.video
  - cmaf.chunks -> hls.chunks
`);
  stops.push(() => eddy.stop());
  const publisher = publishSmall(`${eddy.rtmp}/cam1?token=${KEY}`);
  stops.push(() => publisher.stop());
  const cdn = await startCdn(eddy.http);
  const entry = `${cdn.url}/hls/cam1/index.m3u8?token=${KEY}`;
  const { url } = await until('the camera', async () => {
    const answer = await fetch(entry);
    return answer.ok && answer;
  });
  expect(url).toMatch(new RegExp(`^${cdn.url}/~`));
  const playlist = new URL('video/live.m3u8', url).href;
  const had = new Set<string>();
  /** Plays for a while as a player does: a blocking reload after the other, each segment twice. Settles with what was new. */
  async function play(ms: number): Promise<string[]> {
    const fresh: string[] = [];
    const end = performance.now() + ms;
    let next = playlist;
    while (performance.now() < end) {
      const answer = await fetch(next);
      if (!answer.ok) return fresh;
      const names = (await answer.text()).split('\n').filter((line) => /^\d.*\.m4s$/.test(line));
      next = `${playlist}?_HLS_msn=${Number(/-(\d+)\./.exec(names.at(-1)!)![1]) + 1}`;
      for (const name of names.slice(-2)) {
        const media = await fetch(new URL(name, playlist));
        await media.arrayBuffer();
        if (media.ok && !had.has(name)) fresh.push(name);
        if (media.ok) had.add(name);
      }
    }
    return fresh;
  }
  expect((await play(4000)).length).toBeGreaterThan(2);
  expect(cdn.counts.hits).toBeGreaterThan(2);
  const revoked = await fetch(`${eddy.http}/api/v1/revocations`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}-admin` },
    body: JSON.stringify({ user: 'ann', for: '1h' }),
  });
  expect(revoked.status).toBe(201);
  // Ann published too, and is off the air; but even of what was made until then nothing more comes through.
  const asked = cdn.counts.asked;
  expect(await play(2500)).toEqual([]);
  expect(cdn.counts.asked).toBeGreaterThan(asked);
  expect((await fetch(`${cdn.url}/hls/cam1/index.m3u8?token=${KEY}`)).status).toBe(403);
});
