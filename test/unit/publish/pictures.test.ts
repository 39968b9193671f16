import { afterEach, describe, expect, it } from 'vitest';
import { FakeMediaHosts, harness, syntheticVideo, type Harness } from 'eddy/testing';
import plugin, { type manifest } from '../../../plugins/publish/pictures/plugin.ts';

const JPEG = { kind: 'data', codec: 'jpeg', timescale: 90_000 } as const;
let stage: Harness<typeof manifest> | undefined;
afterEach(async () => {
  await stage?.close();
  stage = undefined;
});

/** Hosts whose picture is the key frame's first bytes, and how many launches there were. */
async function start(options: { refuse?: boolean; fails?: boolean } = {}) {
  const hosts = new FakeMediaHosts();
  const launches: string[] = [];
  hosts.script((host) => {
    launches.push(host.launch.launch);
    host.onWrite((_input, unit) => {
      if (!options.fails) void host.emit('picture', JPEG, { ...unit, data: unit.data.subarray(0, 8) });
    });
  });
  stage = await harness(plugin, { services: { hosts } });
  if (options.refuse) stage.authorizer.refuse({ action: 'watch' });
  const get = (camera = 'cam1') => stage!.fakes.http.request(`/api/v1/cameras/${camera}/poster.jpg`);
  return { stage, get, launches };
}

describe('poster.jpg', () => {
  it('is the latest key frame, decoded once however many ask', async () => {
    const { stage, get, launches } = await start();
    const video = syntheticVideo({ gop: 10 });
    const writer = (await stage.camera('cam1').publish()).video(video.caps);
    expect((await get()).status).toBe(404);
    for (let i = 0; i < 15; i++) writer.write(video.frame(i));
    await stage.settle();
    expect(launches).toEqual([]);
    const answers = await Promise.all([get(), get(), get()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(answers[0].headers).toMatchObject({ 'content-type': 'image/jpeg', 'cache-control': 'private, no-cache' });
    expect(await answers[0].bytes()).toEqual(video.frame(10).data.subarray(0, 8));
    expect(launches).toHaveLength(1);
    for (let i = 15; i < 25; i++) writer.write(video.frame(i));
    await stage.settle();
    const later = await get();
    expect(await later.bytes()).toEqual(video.frame(20).data.subarray(0, 8));
    expect(later.headers.etag).not.toBe(answers[0].headers.etag);
    expect(launches).toHaveLength(2);
  });

  it('is of the rendition nearest to the wished width, made smaller where none is', async () => {
    const { stage, get, launches } = await start();
    const feed = await stage.camera('cam1').publish();
    for (const [index, [width, height]] of [
      [3840, 2160],
      [1280, 720],
      [640, 360],
    ].entries()) {
      const video = syntheticVideo({ width: width!, height: height! });
      feed.video(video.caps, `video-${index}`).write(video.frame(0));
    }
    await stage.settle();
    expect((await get()).status).toBe(200);
    expect(launches[0]).toContain('width=960,height=540');
  });

  it('goes with its camera, and what cannot be decoded is not tried again', async () => {
    const { stage, get, launches } = await start({ fails: true });
    const video = syntheticVideo();
    const feed = await stage.camera('cam1').publish();
    feed.video(video.caps).write(video.frame(0));
    await stage.settle();
    for (let i = 0; i < 3; i++) {
      const answer = await get();
      expect([answer.status, await answer.json()]).toMatchObject([404, { code: 'publish.pictures/NO_PICTURE' }]);
    }
    expect(launches).toHaveLength(1);
    expect((await get('cam2')).status).toBe(404);
  });

  it('is shown to those who may watch', async () => {
    const { stage, get, launches } = await start({ refuse: true });
    const video = syntheticVideo();
    (await stage.camera('cam1').publish()).video(video.caps).write(video.frame(0));
    await stage.settle();
    expect((await get()).status).toBe(403);
    expect(launches).toEqual([]);
  });
});
