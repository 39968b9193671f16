/** `start: on-demand` in the whole engine: Opus for WebRTC viewers is made only while one of them is there. */
import { afterEach, expect, it } from 'vitest';
import { startEddy, until, type RunningEddy } from '../support/eddy.ts';
import { watchByWhep } from '../support/libdatachannel.ts';

const PIPELINE = `
version: 1
name: on-demand
services:
  http: { plugin: http.server, listen: HTTP }
  rtc:  { plugin: webrtc.workers, workers: 1, listen: "127.0.0.1:0" }
  native: { plugin: native.gstreamer }
stages:
  demo: { plugin: ingest.test-pattern, camera: demo }
  opus: { plugin: transcode.audio, codec: opus, start: on-demand, linger: 500ms }
  sfu:  { plugin: webrtc.sfu }
  whep: { plugin: webrtc.whep }
links:
  - demo.video -> sfu.video
  - demo.audio -> opus.in
  - opus.out -> sfu.audio
  - sfu.out -> whep.in
`;

interface Shown {
  readonly nodes: readonly { readonly name: string; readonly state: string; readonly cameras?: number }[];
  readonly links: readonly { readonly id: string; readonly items: number }[];
}

let eddy: RunningEddy | undefined;
afterEach(() => eddy?.stop());

it('a converter runs from the first viewer until a while after the last, and takes in nothing besides', async () => {
  eddy = await startEddy(PIPELINE);
  const opus = async () => {
    const { nodes, links } = await eddy!.json<Shown>('/api/v1/pipeline');
    const taken = links.find(({ id }) => id === 'demo.audio -> opus.in')?.items;
    return { ...nodes.find(({ name }) => name === 'opus')!, taken };
  };
  const cameras = async () => (await eddy!.json<{ cameras: { state: string }[] }>('/api/v1/cameras')).cameras;
  await until('the camera', async () => (await cameras())[0]?.state === 'live');
  expect(await opus()).toMatchObject({ state: 'idle', start: 'on-demand', linger: 500, cameras: 0, taken: 0 });

  const viewer = await watchByWhep(`${eddy.http}/whep/demo`, { audio: true });
  try {
    await until('the converter', async () => (await opus()).state === 'running');
    // It came without sound in the pipeline; its line is filled once there is some.
    await until('pictures and sound', () => viewer.received.pictures > 10 && viewer.received.types.size > 1);
    expect(await opus()).toMatchObject({ state: 'running', cameras: 1, taken: expect.any(Number) });
  } finally {
    await viewer.leave();
  }
  const { taken } = await until('its end', async () => ((await opus()).state === 'idle' ? opus() : undefined));
  expect(taken).toBeGreaterThan(10);
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(await opus()).toMatchObject({ state: 'idle', cameras: 0, taken });
  expect(eddy.log().filter(({ level }) => level === 'error')).toEqual([]);
});
