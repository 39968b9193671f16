/** An SFU worker is killed: its sessions are gone at once, players are told, and the next ones get in. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RtpRouters } from '../../core/contracts/index.ts';
import { meetBar } from '../bar.ts';
import { level } from '../level.ts';
import { webrtcPipeline, type WebrtcPipeline } from '../support/webrtc-pipeline.ts';
import { fixture } from '../unit/webrtc/sdp-fixtures.ts';

let eddy: WebrtcPipeline;
beforeAll(async () => {
  eddy = await webrtcPipeline();
});
afterAll(() => eddy.close());

const post = (path: string, offer: string): Promise<Response> =>
  fetch(eddy.url + path, { method: 'POST', headers: { 'content-type': 'application/sdp' }, body: fixture(offer) });

it('SIGKILL of a worker: 404 at once, "reconnect" to who listens, and a new POST succeeds', async () => {
  const whip = (await post('/whip/cam1', 'chromium-156-whip')).headers.get('location')!;
  const whep = (await post('/whep/cam1', 'chromium-156-whep')).headers.get('location')!;
  const events = await fetch(`${eddy.url}${whep}/sse`, { signal: AbortSignal.timeout(5000) });
  const told = events.text();

  const [router] = await eddy.pipeline.service(RtpRouters, 'rtc').describe();
  process.kill(router!.pid, 'SIGKILL');
  const killedAt = performance.now();
  const since = (): number => Math.round(performance.now() - killedAt);
  expect(await told).toContain('event: reconnect\n');
  const toldAfter = since();
  for (const path of [whip, whep]) expect((await fetch(eddy.url + path, { method: 'DELETE' })).status).toBe(404);
  const gone = since();
  expect(eddy.pipeline.camera('cam1')).toMatchObject({ state: 'lingering', publications: [] });

  expect((await post('/whip/cam1', 'chromium-156-whip')).status).toBe(201);
  expect((await post('/whep/cam1', 'chromium-156-whep')).status).toBe(201);
  const back = since();
  // A figure of speed: it counts on a machine of one's own.
  if (level === 'test') return;
  meetBar({
    what: 'SIGKILL of an SFU worker: clients that are not ours',
    bar: 'session URLs 404 at once, new POSTs to WHIP and WHEP succeed within 1 s',
    measured: `told after ${toldAfter} ms, 404 after ${gone} ms, both new sessions after ${back} ms`,
    pass: gone <= 100 && back <= 1000,
  });
});
