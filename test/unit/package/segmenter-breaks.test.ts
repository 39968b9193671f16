import { describe, expect, it } from 'vitest';
import type { AccessUnit } from '../../../core/model/index.ts';
import { AUDIO, audio, checkTrack, clockAt, EPOCH, play, Recorder, VIDEO, video } from './harness.ts';

describe('breaks', () => {
  const after = (units: AccessUnit[], ms: number): AccessUnit[] =>
    units.map((unit) => ({ ...unit, arrivedAt: unit.arrivedAt + ms }));

  it('a publisher that returns continues the numbers with a discontinuity, and no time is used twice', () => {
    const recorder = new Recorder();
    for (const zero of [EPOCH, EPOCH + 9_500]) {
      const clock = clockAt(zero);
      const [v, a] = [
        recorder.segmenter.addTrack('video', VIDEO, clock),
        recorder.segmenter.addTrack('audio', AUDIO, clock),
      ];
      play([
        [v, after(video({ fps: 30, seconds: 9.7, gop: 2 }), zero - EPOCH)],
        [a, after(audio({ seconds: 9.7 }), zero - EPOCH)],
      ]);
      v.end('publisher-ended');
      a.end('publisher-ended');
    }
    for (const id of ['video', 'audio']) {
      checkTrack(recorder, id);
      const segments = recorder.segments(id);
      expect(segments.map((segment) => segment.number)).toEqual(segments.map((_, i) => segments[0]!.number + i));
      expect(
        segments.filter((segment) => segment.discontinuity).map((segment) => segment.number - segments[0]!.number),
      ).toEqual([5]);
      expect(recorder.tracks.get(id)!.map((each) => each.ended)).toEqual(['publisher-ended', 'publisher-ended']);
      expect(new Set(recorder.tracks.get(id)!.map((each) => each.caps.partTarget)).size).toBe(1);
    }
  });

  it('a clock that jumps begins an epoch once for all tracks', () => {
    const recorder = new Recorder();
    let zero = EPOCH;
    const clock = { toWall: (ticks: number, timescale: number): number => zero + (ticks / timescale) * 1000 };
    const [v, a] = [
      recorder.segmenter.addTrack('video', VIDEO, clock),
      recorder.segmenter.addTrack('audio', AUDIO, clock),
    ];
    play([
      [v, video({ fps: 30, seconds: 5, gop: 1 })],
      [a, audio({ seconds: 5 })],
    ]);
    zero = EPOCH + 5000 - 1_000_000;
    v.discontinuity('clock-jumped');
    a.discontinuity('clock-jumped');
    play([
      [v, video({ fps: 30, seconds: 5, gop: 1, from: 1_000_000 })],
      [a, audio({ seconds: 5, from: 1_000_000 })],
    ]);
    v.end('publisher-ended');
    a.end('publisher-ended');
    for (const id of ['video', 'audio']) {
      checkTrack(recorder, id);
      expect(recorder.segments(id).filter((segment) => segment.discontinuity)).toHaveLength(1);
    }
    const [first, last] = [recorder.chunks('video')[0]!, recorder.chunks('video').at(-1)!];
    expect(last.startTs - first.startTs).toBeLessThan(10_000);
  });

  it('a track that is replaced before it wrote anything takes no time from the one before it', () => {
    const recorder = new Recorder();
    const clock = clockAt(EPOCH);
    const v = recorder.segmenter.addTrack('video', VIDEO, clock);
    const first = recorder.segmenter.addTrack('audio', AUDIO, clock);
    play([
      [v, video({ fps: 30, seconds: 1.3, gop: 1 })],
      [first, audio({ seconds: 1.3 })],
    ]);
    recorder.segmenter.flush();
    const silent = recorder.segmenter.addTrack('audio', AUDIO, clock);
    audio({ seconds: 0.02, from: 1300 }).forEach((unit) => silent.unit(unit));
    silent.end('publisher-ended');
    // Eleven milliseconds before the end of what the first has written; it leads until there is a key frame.
    const third = recorder.segmenter.addTrack('audio', AUDIO, clock);
    play([
      [v, video({ fps: 30, seconds: 5, gop: (i) => i === 120, from: 1290 })],
      [third, audio({ seconds: 5, from: 1290 })],
    ]);
    v.end('publisher-ended');
    third.end('publisher-ended');
    expect(recorder.tracks.get('audio')!.map(({ chunks }) => chunks.length > 0)).toEqual([true, false, true]);
    checkTrack(recorder, 'audio');
  });

  it('timestamps that go back without a word begin an epoch, a hiccup does not', () => {
    const recorder = new Recorder();
    const v = recorder.segmenter.addTrack('video', VIDEO, { toWall: () => undefined });
    const units = video({ fps: 30, seconds: 5, gop: 1 });
    const again = after(units, 5000);
    const hiccup = units.map((unit, i) => (i === 40 ? { ...unit, dts: unit.dts - 200, pts: unit.pts - 200 } : unit));
    [...hiccup, ...again].forEach((unit) => v.unit(unit));
    v.end('publisher-ended');
    checkTrack(recorder, 'video');
    expect(recorder.read('video').flatMap((chunk) => chunk.samples)).toHaveLength(300);
    expect(recorder.segments('video').filter((segment) => segment.discontinuity)).toHaveLength(1);
  });

  it('lost frames: nothing until the next key frame, which begins a segment; audio goes on', () => {
    const recorder = new Recorder();
    const clock = clockAt(EPOCH);
    const [v, a] = [
      recorder.segmenter.addTrack('video', VIDEO, clock),
      recorder.segmenter.addTrack('audio', AUDIO, clock),
    ];
    const units = video({ fps: 30, seconds: 12, gop: 2 });
    const sound = audio({ seconds: 12 });
    play([
      [v, units.slice(0, 80)],
      [a, sound.slice(0, 125)],
    ]);
    v.discontinuity('frames-dropped');
    play([
      [v, units.slice(90)],
      [a, sound.slice(125)],
    ]);
    v.end('publisher-ended');
    a.end('publisher-ended');
    checkTrack(recorder, 'video');
    checkTrack(recorder, 'audio');
    expect(recorder.keyFrameRequests).toContain('video');
    const segments = recorder.segments('video');
    expect(segments[2]).toMatchObject({ independent: true, discontinuity: true, startTs: EPOCH + 4000 });
    expect(recorder.read('audio').flatMap((chunk) => chunk.samples).length).toBeGreaterThan(sound.length - 3);
  });

  it.each([true, false])(
    'changed caps take the track over with a new init and a discontinuity in all tracks',
    (ends) => {
      const recorder = new Recorder();
      const clock = clockAt(EPOCH);
      const [v, a] = [
        recorder.segmenter.addTrack('video', VIDEO, clock),
        recorder.segmenter.addTrack('audio', AUDIO, clock),
      ];
      const [frames, sound] = [video({ fps: 30, seconds: 12, gop: 2 }), audio({ seconds: 12 })];
      play([
        [v, frames.slice(0, 180)],
        [a, sound.filter((unit) => unit.pts < 6000)],
      ]);
      // The engine ends a track before it shows the one that replaces it.
      if (ends) v.end('replaced');
      const wide = recorder.segmenter.addTrack('video', { ...VIDEO, width: 640 }, clock);
      v.unit(frames[180]!); // late, of the replaced track
      play([
        [wide, frames.slice(180)],
        [a, sound.filter((unit) => unit.pts >= 6000)],
      ]);
      wide.end('publisher-ended');
      a.end('publisher-ended');
      for (const id of ['video', 'audio']) {
        checkTrack(recorder, id);
        expect(recorder.segments(id).map((segment) => segment.discontinuity)).toEqual([
          false,
          false,
          false,
          true,
          false,
          false,
        ]);
      }
      expect(recorder.tracks.get('video')).toHaveLength(2);
      expect(recorder.read('video').flatMap((chunk) => chunk.samples)).toHaveLength(360);
    },
  );

  it('a pause longer than a segment waits for a key frame', () => {
    const recorder = new Recorder();
    const v = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
    const units = video({ fps: 30, seconds: 14, gop: 2 }).filter((unit) => unit.pts < 4500 || unit.pts > 8500);
    units.forEach((unit) => v.unit(unit));
    v.end('publisher-ended');
    checkTrack(recorder, 'video');
    const back = recorder.segments('video').find((segment) => segment.startTs > EPOCH + 8000)!;
    expect(back).toMatchObject({ startTs: EPOCH + 10_000, independent: true, discontinuity: true });
  });

  it('nothing is written before the first key frame', () => {
    const recorder = new Recorder();
    const v = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
    video({ fps: 30, seconds: 6, gop: 2 })
      .slice(20)
      .forEach((unit) => v.unit(unit));
    v.end('publisher-ended');
    checkTrack(recorder, 'video');
    expect(recorder.segments('video')[0]).toMatchObject({
      startTs: EPOCH + 2000,
      independent: true,
      discontinuity: false,
    });
    expect(recorder.keyFrameRequests.length).toBeGreaterThan(0);
  });
});
