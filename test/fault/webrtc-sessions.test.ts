/** WHEP sessions that are opened and dropped by the thousand: no transport, port or memory stays behind. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RtpRouters } from '../../core/contracts/index.ts';
import { readUsage } from 'eddy/plugin';
import { meetBar } from '../bar.ts';
import { atLevel, level } from '../level.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { until } from '../support/eddy.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';

/** Sessions that are open at one time; everything is counted after they have gone. */
const AT_ONCE = 50;
const SESSIONS = atLevel({ test: 200, proof: 1000 });
/** What allocators keep for the next ones, bytes. A session that stayed takes more than 30 KiB in the worker alone. */
const SLACK = 4 * 1024 * 1024;

let eddy: WebrtcPipeline;
beforeAll(async () => {
  eddy = await webrtcPipeline({
    whep: { posts: '100000 in 1s' },
    // Its publisher never connects, and is to stay all the same.
    workers: { 'consent-timeout': '60s' },
  });
});
afterAll(() => eddy.close());

const post = (path: string, offer: string): Promise<Response> =>
  fetch(eddy.url + path, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: fixture(offer) });
const routers = () => eddy.pipeline.service(RtpRouters, 'rtc').describe();

/** What is there while nobody watches. */
async function atRest(pid: number) {
  const [router] = await until('every session to be gone', async () => {
    const found = await routers();
    return found[0]?.transports === 1 && found[0].consumers === 0 ? found : undefined;
  });
  return {
    transports: router!.transports,
    descriptors: readdirSync(`/proc/${pid}/fd`).length,
    ownDescriptors: readdirSync('/proc/self/fd').length,
    workerBytes: readUsage(pid)!.rssBytes,
  };
}

/** Opens that many and drops them, as players do: without a word to their media, by DELETE. */
async function openAndDrop(count: number): Promise<void> {
  for (let done = 0; done < count; done += AT_ONCE) {
    const opened = await Promise.all(Array.from({ length: AT_ONCE }, () => post('/whep/cam1', 'chromium-156-whep')));
    expect(opened.map(({ status }) => status)).toEqual(Array.from({ length: AT_ONCE }, () => 201));
    const [router] = await routers();
    expect(router!.transports).toBe(1 + AT_ONCE);
    const ended = opened.map(async (answer) => {
      await answer.body?.cancel();
      return fetch(eddy.url + answer.headers.get('location')!, { method: 'DELETE' });
    });
    for (const { status } of await Promise.all(ended)) expect(status).toBe(200);
  }
}

it('are gone without a trace', { timeout: 120_000 }, async () => {
  expect((await post('/whip/cam1', 'chromium-156-whip')).status).toBe(201);
  const { pid } = (await routers())[0]!;
  await openAndDrop(100);
  const before = await atRest(pid);
  await openAndDrop(SESSIONS);
  const after = await atRest(pid);
  expect(await routers()).toMatchObject([{ transports: 1, consumers: 0, producers: 2, piped: 0 }]);
  expect(after.descriptors).toBe(before.descriptors);
  // Connections of this test's own fetch come and go.
  expect(after.ownDescriptors - before.ownDescriptors).toBeLessThan(AT_ONCE);
  const grown = after.workerBytes - before.workerBytes;
  expect(grown).toBeLessThan(SLACK);
  const sessions = eddy.pipeline.engine.container.get('sessions').list();
  expect(sessions.filter(({ cameraId }) => cameraId === 'cam1')).toEqual([]);
  if (level === 'test') return;
  meetBar({
    what: `${SESSIONS} WHEP sessions opened and dropped, ${AT_ONCE} at a time`,
    bar: 'no transport, port or memory stays',
    measured: `${after.transports - before.transports} transports, ${after.descriptors - before.descriptors} descriptors, worker ${Math.round(grown / 1024)} KiB`,
    pass: after.descriptors === before.descriptors && grown < SLACK,
  });
});
