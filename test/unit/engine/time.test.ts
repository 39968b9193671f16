import { describe, expect, it } from 'vitest';
import {
  capturingSink,
  pen,
  settle,
  syntheticAudio,
  syntheticVideo,
  testPipeline,
} from '../../../core/testing/index.ts';
import type { AccessUnit } from '../../../core/plugin/index.ts';
import { avSource, numbers, passThrough } from './support.ts';

/** A camera through a stage, whose media times start far from its wall clock. */
async function camera(options: { startAt?: number } = {}) {
  const source = avSource();
  const sink = capturingSink({ video: 'frames', audio: 'frames' });
  const t = await testPipeline({
    stages: { source: source.plugin, pass: passThrough(), sink: sink.plugin },
    links: ['source.video -> pass.in', 'pass.out -> sink.video', 'source.audio -> sink.audio'],
  });
  const epoch = t.clock.now();
  const video = syntheticVideo({ fps: 10, gop: 10, epoch });
  const audio = syntheticAudio({ epoch });
  const publication = await source.publish('cam1', options);
  const v = pen(publication.out.video, 'video', video.caps);
  const a = pen(publication.out.audio, 'audio', audio.caps);
  return { t, epoch, video, audio, v, a, sink: sink.pads };
}

describe('the wall clock of a publication', () => {
  it('is one for all its tracks, and for those made of them', async () => {
    const { t, epoch, video, audio, v, a, sink } = await camera();
    v.write(video.frame(0));
    a.write(audio.frame(0));
    await t.advance(0);
    const [pictures, sound] = [sink.video.tracks()[0]!.track, sink.audio.tracks()[0]!.track];
    expect(pictures.clock).toBe(sound.clock);
    expect(pictures.clock.toWall(900_000, 90_000)).toBe(epoch + 10_000);
    expect(sound.clock.toWall(480_000, 48_000)).toBe(epoch + 10_000);
    await t.stop();
  });

  it('is unknown before the first frame', async () => {
    const { t, v, sink } = await camera();
    expect(v.caps.timescale).toBe(90_000);
    await t.advance(0);
    expect(sink.video.tracks()[0]!.track.clock.toWall(0, 90_000)).toBeUndefined();
    await t.stop();
  });

  it('follows a jump of the publisher, with one discontinuity on every track, before the item', async () => {
    const { t, video, audio, v, a, sink } = await camera();
    for (let i = 0; i < 20; i++) {
      v.write(video.frame(i));
      a.write(audio.frame(i));
      await settle();
    }
    // Media time leaps an hour ahead; frames go on arriving as before.
    const hour = 3600 * 90_000;
    for (let i = 20; i < 25; i++) {
      const unit = video.frame(i);
      v.write({ ...unit, dts: unit.dts + hour, pts: unit.pts + hour });
    }
    await t.advance(0);
    expect(sink.video.discontinuities()).toEqual(['clock-jumped']);
    expect(sink.audio.discontinuities()).toEqual(['clock-jumped']);
    const events = sink.video.events();
    expect(events[20]).toEqual({ type: 'discontinuity', cause: 'clock-jumped' });
    expect(numbers(sink.video.items()).slice(20)).toEqual([20, 21, 22, 23, 24].map((n) => n + 36_000));
    const { clock } = sink.video.tracks()[0]!.track;
    expect(clock.toWall(video.frame(20).dts + hour, 90_000)).toBeCloseTo(video.frame(20).arrivedAt, 0);
    expect(t.logs.filter((line) => line.msg.includes('clock jumped'))).toHaveLength(1);
    await t.stop();
  });

  it('takes sound that comes a second before its pictures for one publisher, not for two clocks', async () => {
    const { t, epoch, video, audio, v, a, sink } = await camera();
    const arriving = (unit: AccessUnit, ms: number): AccessUnit => ({ ...unit, arrivedAt: epoch + ms });
    const first = 45;
    let sound = first;
    for (let i = 0; i < 30; i++) {
      const now = i * 100 + 1000;
      for (; audio.frame(sound).dts / 48 <= now; sound++) a.write(arriving(audio.frame(sound), now));
      v.write(arriving(video.frame(i), now));
      await settle();
    }
    expect(sink.video.discontinuities()).toEqual([]);
    expect(sink.audio.items()).toHaveLength(sound - first);
    await t.stop();
  });

  it('re-anchors where the server clock steps back, and keeps steady through jitter', async () => {
    const { t, video, v, sink } = await camera();
    const late = [0, 40, 5, 120, 0, 300, 10, 0, 80, 0];
    for (const [i, ms] of late.entries()) {
      const unit = video.frame(i);
      v.write({ ...unit, arrivedAt: unit.arrivedAt + ms });
    }
    await t.advance(0);
    expect(sink.video.discontinuities()).toEqual([]);
    for (let i = 10; i < 15; i++) {
      const unit = video.frame(i);
      v.write({ ...unit, arrivedAt: unit.arrivedAt - 5000 });
    }
    await t.advance(0);
    expect(sink.video.discontinuities()).toEqual(['clock-jumped']);
    const { clock } = sink.video.tracks()[0]!.track;
    expect(clock.toWall(video.frame(12).dts, 90_000)).toBeCloseTo(video.frame(12).arrivedAt - 5000, 0);
    await t.stop();
  });

  it('is what a replay says it is', async () => {
    const startAt = Date.UTC(2020, 0, 1);
    const { t, video, v, sink } = await camera({ startAt });
    v.write(video.frame(3));
    await t.advance(0);
    expect(sink.video.tracks()[0]!.track.clock.toWall(video.frame(3).pts, 90_000)).toBe(startAt + 300);
    await t.stop();
  });

  it('is its own for the next publication of the camera', async () => {
    const source = avSource();
    const sink = capturingSink({ in: 'frames' });
    const t = await testPipeline({
      stages: { source: source.plugin, sink: sink.plugin },
      links: ['source.video -> sink.in'],
    });
    const video = syntheticVideo({ fps: 10, epoch: t.clock.now() });
    const one = await source.publish('cam1');
    pen(one.out.video, 'video', video.caps).write(video.frame(0));
    one.end();
    await t.advance(2000);
    const two = await source.publish('cam1');
    const unit = { ...video.frame(0), arrivedAt: t.clock.now() };
    pen(two.out.video, 'video', video.caps).write(unit);
    const [before, after] = sink.pads.in.tracks().map((track) => track.track.clock);
    expect(after).not.toBe(before);
    expect(after!.toWall(0, 90_000)! - before!.toWall(0, 90_000)!).toBe(2000);
    expect(sink.pads.in.discontinuities()).toEqual([]);
    await t.stop();
  });
});
