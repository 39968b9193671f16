/**
 * libdatachannel (npm node-datachannel) publishes by WHIP and plays by WHEP over HTTP. It offers no MID extension, so that it finds
 * its streams by the `a=ssrc` lines of the answer; it takes either DTLS role, as its offer says.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { meetBar } from '../bar.ts';
import { fakePictures, play, publishByWhip, watchByWhep, type Client } from '../support/libdatachannel.ts';
import { interopPipeline, PUBLISH_TOKEN, WATCH_TOKEN } from './interop-pipeline.ts';
import type { WebrtcPipeline } from '../support/webrtc-pipeline.ts';

const pictures = fakePictures(300_000);
let eddy: WebrtcPipeline;
const undo: (() => void)[] = [];
beforeAll(async () => {
  eddy = await interopPipeline();
});
afterEach(() => undo.splice(0).forEach((each) => each()));
afterAll(() => eddy?.close());

const keep = <T extends Client>(client: T): T => {
  undo.push(client.close);
  return client;
};

async function publish(camera: string, role?: string) {
  const offer = role === undefined ? {} : { offer: (sdp: string) => sdp.replaceAll('setup:actpass', `setup:${role}`) };
  const url = `${eddy.url}/whip/${camera}`;
  const publisher = keep(await publishByWhip(url, { pictures, token: PUBLISH_TOKEN, ...offer }));
  undo.push(play([publisher]));
  return publisher;
}

it('publishes, plays sound and pictures, and leaves', async () => {
  const publisher = await publish('datachannel');
  const player = keep(await watchByWhep(`${eddy.url}/whep/datachannel`, { audio: true, token: WATCH_TOKEN }));
  expect(player.offered).not.toContain('a=extmap');
  const { received } = player;
  await expect.poll(() => received.pictures, { timeout: 10_000 }).toBeGreaterThan(30);
  await expect.poll(() => received.types.get(111) ?? 0, { timeout: 5000 }).toBeGreaterThan(30);
  expect([...received.types.keys()].sort()).toEqual([111, 96].sort());
  expect(await player.leave()).toBe(200);
  expect(await publisher.leave()).toBe(200);
  expect(eddy.pipeline.camera('datachannel')?.publications).toEqual([]);
  meetBar({
    what: 'Clients nobody here wrote: node-datachannel (libdatachannel)',
    bar: 'publishes by WHIP and plays by WHEP',
    measured: `${received.pictures} pictures and ${received.types.get(111)} packets of sound, with tokens, DELETE 200`,
    pass: received.pictures > 30,
  });
});

describe('the DTLS role that an offer asks for', () => {
  it.each([
    ['actpass', 'passive'],
    ['active', 'passive'],
    ['passive', 'active'],
  ])('%s is answered %s, and media flows both ways', async (role, answered) => {
    const publisher = await publish(`role-${role}`, role);
    expect(publisher.answered).toContain(`a=setup:${answered}`);
    const player = keep(
      await watchByWhep(`${eddy.url}/whep/role-${role}`, {
        token: WATCH_TOKEN,
        offer: (sdp) => sdp.replaceAll('setup:actpass', `setup:${role}`),
      }),
    );
    expect(player.answered).toContain(`a=setup:${answered}`);
    await expect.poll(() => player.received.pictures, { timeout: 10_000 }).toBeGreaterThan(10);
  });
});
