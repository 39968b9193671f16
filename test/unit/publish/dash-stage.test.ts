/** The routes of publish.dash. */
import { describe, expect, it } from 'vitest';
import { settle } from '../../../core/testing/clock.ts';
import { audioCaps, chunk, FIRST, segments, START, videoCaps } from '../../support/chunks.ts';
import { readMpd } from '../../support/dash-text.ts';
import { dashStage } from '../hls/stage.ts';

const MPD = '/dash/cam1/manifest.mpd';

async function liveStage(options: Parameters<typeof dashStage>[0] = {}) {
  const stage = await dashStage(options);
  const flow = stage.open();
  const video = flow.track('video', videoCaps());
  const feed = (...chunks: ReturnType<typeof segments>) => chunks.forEach((one) => void video.item(one));
  feed(...segments(0, 2));
  return { ...stage, flow, video, feed };
}

async function read(body: unknown): Promise<number> {
  let bytes = 0;
  for await (const part of body as AsyncIterable<Uint8Array>) bytes += part.length;
  return bytes;
}

describe('live', () => {
  it('a segment by number is sent whole, or part by part while it is written', async () => {
    const { ask, feed } = await liveStage();
    expect((await ask(`/dash/cam1/video/w1.${FIRST + 1}.m4s`)).bytes).toHaveLength(400);
    feed(chunk(3, 0));
    const { raw, headers } = await ask(`/dash/cam1/video/w1.${FIRST + 3}.m4s`);
    expect(headers).toMatchObject({ 'content-type': 'video/mp4', 'cache-control': 'max-age=31536000, immutable' });
    const reading = read(raw);
    feed(chunk(3, 1), chunk(3, 2), chunk(3, 3));
    expect(await reading).toBe(400);
  });

  it('the next segment is waited for, one further ahead is refused', async () => {
    const { ask, feed } = await liveStage();
    const next = ask(`/dash/cam1/video/w1.${FIRST + 3}.m4s`);
    await settle();
    feed(chunk(3, 0));
    expect((await next).status).toBe(200);
    expect(await ask(`/dash/cam1/video/w1.${FIRST + 5}.m4s`)).toMatchObject({
      status: 404,
      code: 'publish.dash/MEDIA_UNKNOWN',
    });
  });

  it('one that a manifest says is there is waited for while the publisher is away', async () => {
    const { ask, clock, flow, video } = await liveStage({ now: START + 6000 });
    void video.end('publisher-ended');
    await clock.advance(5000);
    // By the clock the camera is in segment 5 now, and would soon be in the next.
    const due = [5, 6].map((index) => ask(`/dash/cam1/video/w1.${FIRST + index}.m4s`));
    expect((await ask(`/dash/cam1/video/w1.${FIRST + 7}.m4s`)).status).toBe(404);
    const back = flow.track('video', videoCaps());
    for (const one of segments(3, 4)) void back.item({ ...one, startTs: one.startTs + 5000 });
    let answered = 0;
    for (const one of due) void one.then(() => (answered += 1));
    await settle();
    expect(answered).toBe(0);
    for (const one of segments(5, 6)) void back.item({ ...one, startTs: one.startTs + 5000 });
    expect((await Promise.all(due)).map(({ status }) => status)).toEqual([200, 200]);
  });

  it('a segment of which a part was lost is never told to be whole', async () => {
    const { ask, feed } = await liveStage();
    feed(chunk(3, 0), chunk(3, 2), chunk(3, 3));
    const { raw } = await ask(`/dash/cam1/video/w1.${FIRST + 3}.m4s`);
    await expect(read(raw)).rejects.toThrow('was lost');
  });

  it('another writer of the same number is somebody else', async () => {
    const { ask } = await liveStage();
    expect((await ask(`/dash/cam1/video/w2.${FIRST + 1}.m4s`)).status).toBe(404);
  });

  it('sound that comes later begins a Period, in which it is told of from the beginning', async () => {
    const { ask, flow, feed } = await liveStage();
    const audio = flow.track('audio', audioCaps());
    for (const one of segments(3, 4, { timescale: 48_000 })) void audio.item(one);
    feed(...segments(3, 6));
    const mpd = readMpd((await ask(MPD)).text);
    expect(mpd.periods.map(({ tracks }) => tracks.map(({ id }) => id))).toEqual([['video'], ['video', 'audio']]);
    expect(mpd.periods[1]!.start).toBe((START + 6000) / 1000);
  });

  it('a viewer gets no more than their grant says', async () => {
    const { ask, gates, flow } = await liveStage();
    const large = flow.track('video-720p', videoCaps({ width: 1280, height: 720 }));
    segments(0, 2).forEach((one) => void large.item(one));
    gates.limits = { maxLines: 360 };
    const told = readMpd((await ask(MPD)).text).periods.flatMap(({ tracks }) => tracks.map(({ id }) => id));
    expect(told).toEqual(['video']);
    expect((await ask('/dash/cam1/video-720p/w1.0.m4s')).code).toBe('WATCH_REFUSED');
  });

  it('a token is changed for a session, which goes before every URL', async () => {
    const { ask } = await liveStage();
    const moved = await ask(`${MPD}?token=a%26%22b`);
    expect(moved).toMatchObject({ status: 302, headers: { location: `/~sealed-cam1${MPD}` } });
    const { text } = await ask(moved.headers.location!);
    expect(readMpd(text).periods[0]!.tracks[0]!.media).toBe('video/w1.$Number$.m4s');
  });

  it('tells the time, which goes on where the clock is set back', async () => {
    const { ask, clock, feed } = await liveStage({ now: START + 6000 });
    const now = async (): Promise<number> => Date.parse((await ask('/dash/cam1/now')).text) - START;
    expect(await now()).toBe(6000);
    clock.step(-3_600_000);
    await clock.advance(2000);
    feed(...segments(3, 3));
    expect(await now()).toBe(8000);
    await clock.advance(500);
    expect(await now()).toBe(8500);
    const { root } = readMpd((await ask(MPD)).text);
    expect(Date.parse(root.attributes.publishTime!) - START).toBe(8500);
    expect(root.attributes.timeShiftBufferDepth).toBe('PT8S');
    expect(Date.parse((await ask('/dash/cam9/now')).text)).toBe(clock.now());
  });

  it('an end is told: no further look, and how long it was', async () => {
    const { ask, flow, states, emit } = await liveStage();
    await flow.close();
    states.set('cam1', 'away');
    emit({ type: 'camera.away', cameraId: 'cam1' as never });
    const { root, periods } = readMpd((await ask(MPD)).text);
    expect(root.attributes.minimumUpdatePeriod).toBeUndefined();
    expect(root.attributes.mediaPresentationDuration).toBe(`PT${START / 1000 + 6}S`);
    expect(periods[0]!.duration).toBe(6);
  });

  it('a camera that was never heard of is away', async () => {
    const { ask } = await dashStage();
    expect((await ask('/dash/cam9/manifest.mpd')).code).toBe('CAMERA_AWAY');
  });
});
