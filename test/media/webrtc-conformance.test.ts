/**
 * The conformance list for WHIP (RFC 9725) and WHEP (draft-ietf-wish-whep), row by row, as tests over HTTP with the real routers, engine
 * and HTTP server. Rows that need a client with media are here and in test/interop/; the others where the table says.
 *
 * | row | what | tests |
 * | --- | --- | --- |
 * | 1 | POST: 201, Location, ETag, answer recvonly or sendonly; 415, 400, wrong direction | whip.test.ts and whep.test.ts `POST` |
 * | 2 | OPTIONS: Accept-Post, preflight without auth | whip.test.ts `OPTIONS answers anyone`; interop/web-clients.test.ts (another origin) |
 * | 3 | DELETE: 200, media ends; unknown session 404 | whip.test.ts `DELETE ends it`, whep.test.ts `is shown with its role`; here `DELETE` |
 * | 4 | trickle PATCH: 204 without ETag, 412, 400, 415 | whip.test.ts `takes candidates`, `412 for a stale ETag`; whep.test.ts `trickles` |
 * | 5 | ICE restart with `If-Match: *`: 200, new ETag | whip.test.ts, whep.test.ts; with media interop/web-clients.test.ts `restarts` |
 * | 6 | the answer: all candidates, bundle, rtcp-mux; setup actpass, active, passive | unit/webrtc/sdp.test.ts; interop/libdatachannel.test.ts `DTLS role` |
 * | 7 | Bearer on every verb, 401, unguessable URLs, rate limits | whip.test.ts `who may`, `many POSTs`; whep.test.ts `401, 403`; fault/hostile-webrtc.test.ts |
 * | 8 | Link rel="ice-server" | whip.test.ts `names ICE servers`; here for WHEP; with a TURN server interop/web-clients.test.ts |
 * | 9 | simulcast by RFC 8853 | unit/webrtc/sdp.test.ts; whip.test.ts `names as many layers`; browser/webrtc.test.ts |
 * | 10 | WHEP without a publisher: 409 + Retry-After, or wait | whep.test.ts `409 with Retry-After`, `waits for a publisher` |
 * | 11 | WHEP layer selection, server-sent events | whep.test.ts `chooses layers`, `tells events`; interop/web-clients.test.ts |
 * | 12 | ICE consent expiry or DTLS close frees the session | here; interop/web-clients.test.ts `closes its connection`; fault/webrtc-leaks.test.ts |
 *
 * Video codecs and SVC, which the list leaves to the issue, are here too.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { fakePictures, play, publishByWhip, watchByWhep, type Client } from '../support/libdatachannel.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';

const SERVERS = [{ urls: ['turn:turn.example.org'], username: 'alice', credential: 'wonderland' }];
const pictures = fakePictures(300_000);

let eddy: WebrtcPipeline;
const undo: (() => void)[] = [];
beforeAll(async () => {
  eddy = await webrtcPipeline({
    sfu: true,
    cameras: { linger: 60_000 },
    workers: { 'consent-timeout': '10s', 'ice-servers': SERVERS },
  });
});
afterEach(() => undo.splice(0).forEach((each) => each()));
afterAll(() => eddy.close());

const keep = <T extends Client>(client: T): T => {
  undo.push(client.close);
  return client;
};
const post = (path: string, body: string): Promise<Response> =>
  fetch(eddy.url + path, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body });
const statusOf = async (location: string): Promise<number> =>
  (await fetch(location, { method: 'PATCH', headers: { 'content-type': 'application/trickle-ice-sdpfrag' } })).status;

async function live(camera: string) {
  const publisher = keep(await publishByWhip(`${eddy.url}/whip/${camera}`, { pictures }));
  undo.push(play([publisher]));
  return publisher;
}

describe('row 3: DELETE ends the media', () => {
  it('of a publisher and of a viewer, each alone', async () => {
    const publisher = await live('ends');
    const [first, second] = [
      keep(await watchByWhep(`${eddy.url}/whep/ends`)),
      keep(await watchByWhep(`${eddy.url}/whep/ends`)),
    ];
    await expect.poll(() => first.received.pictures, { timeout: 10_000 }).toBeGreaterThan(3);
    expect((await fetch(first.location, { method: 'DELETE' })).status).toBe(200);
    await expect.poll(() => first.connection.state(), { timeout: 10_000 }).not.toBe('connected');
    const { pictures: seen } = second.received;
    await expect.poll(() => second.received.pictures, { timeout: 10_000 }).toBeGreaterThan(seen + 3);
    expect((await fetch(publisher.location, { method: 'DELETE' })).status).toBe(200);
    await expect.poll(() => publisher.connection.state(), { timeout: 10_000 }).not.toBe('connected');
    expect(eddy.pipeline.camera('ends')).toMatchObject({ state: 'lingering', publications: [] });
  });
});

it('row 8: Link rel="ice-server" for viewers too, beside the extensions', async () => {
  await live('linked');
  const link = (await post('/whep/linked', fixture('chromium-156-whep'))).headers.get('link')!;
  expect(link).toContain(
    '<turn:turn.example.org>; rel="ice-server"; username="alice"; credential="wonderland"; credential-type="password", <',
  );
});

it('row 12: a session is freed when ICE consent ends: of clients that go without a word, and of those that never come', async () => {
  // libdatachannel says nothing when it is closed; the close of DTLS is in test/interop/web-clients.test.ts, by Chromium.
  const [publisher, viewer] = [await live('closes'), keep(await watchByWhep(`${eddy.url}/whep/closes`))];
  const silent = [
    await post('/whip/silent', fixture('chromium-156-whip')),
    await post('/whep/silent', fixture('chromium-156-whep')),
  ].map((response) => new URL(response.headers.get('location')!, eddy.url).href);
  const all = [publisher.location, viewer.location, ...silent];
  const statuses = (): Promise<number[]> => Promise.all(all.map(statusOf));
  // An empty fragment is refused while there is a session to refuse it.
  expect(await statuses()).toEqual([400, 400, 400, 400]);
  for (const client of [viewer, publisher]) client.close();
  // 10 s until consent ends, then 10 s to come back from another address.
  await expect.poll(statuses, { timeout: 45_000, interval: 250 }).toEqual([404, 404, 404, 404]);
  for (const camera of ['closes', 'silent']) expect(eddy.pipeline.camera(camera)!.publications).toEqual([]);
}, 90_000);

/** The offer with one video codec, and its RTX where it has one. */
function only(codec: string): string {
  const offer = fixture('chromium-156-whip');
  const types = [...offer.matchAll(/a=rtpmap:(\d+) ([\w-]+)\//g)].filter(([, , name]) => name === codec);
  const own = types.map(([, type]) => type!);
  const rtx = own.flatMap((type) => new RegExp(`a=fmtp:(\\d+) apt=${type}\\r\\n`).exec(offer)?.[1] ?? []);
  const [session, ...media] = offer.split(/(?=m=)/) as [string, ...string[]];
  const keepLine = (line: string): boolean => {
    const type = /^a=(?:rtpmap|fmtp|rtcp-fb):(\d+)/.exec(line)?.[1];
    return type === undefined || own.includes(type) || rtx.includes(type);
  };
  const narrowed = media.map((section) =>
    section.startsWith('m=video')
      ? section
          .replace(/^(m=video \d+ \S+) .*/, `$1 ${[...own, ...rtx].join(' ')}`)
          .split('\r\n')
          .filter(keepLine)
          .join('\r\n')
      : section,
  );
  return session + narrowed.join('');
}

describe('codecs', () => {
  it.each([
    ['H264', 'h264'],
    ['VP8', 'vp8'],
    ['VP9', 'vp9'],
    ['AV1', 'av1'],
  ])('%s is published and watched, with Opus', async (name, codec) => {
    const published = await post(`/whip/${codec}`, only(name));
    expect(published.status).toBe(201);
    const answer = await published.text();
    expect(answer).toMatch(new RegExp(`a=rtpmap:\\d+ ${name}/90000`));
    expect(answer).toMatch(/a=rtpmap:\d+ opus\/48000\/2/);
    const tracks = eddy.pipeline.camera(codec)!.tracks.filter(({ stage }) => stage === 'whip');
    expect(tracks.map(({ caps }) => caps.codec).sort()).toEqual([codec, 'opus'].sort());
    const watched = await (await post(`/whep/${codec}`, fixture('chromium-156-whep'))).text();
    const first = /m=video 9 \S+ (\d+)/.exec(watched)![1];
    expect(watched).toContain(`a=rtpmap:${first} ${name}/90000`);
  });

  it('SVC, which SDP cannot say, is told by the address: its layers are a viewer’s to choose', async () => {
    const published = await post('/whip/svc?scalability=L3T3_KEY', only('VP9'));
    expect([published.status, await published.text()]).toEqual([201, expect.stringContaining('VP9/90000')]);
    const session = (await post('/whep/svc', fixture('chromium-156-whep'))).headers.get('location')!;
    const choose = async (layer: object): Promise<number> =>
      (
        await fetch(`${eddy.url}${session}/layer`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(layer),
        })
      ).status;
    expect(await choose({ spatialLayerId: 2, temporalLayerId: 1 })).toBe(200);
    expect(await choose({ spatialLayerId: 3 })).toBe(409);
  });
});
