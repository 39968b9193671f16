import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { atLevel } from '../../level.ts';
import { AUDIO, audio, checkTrack, clockAt, EPOCH, play, Recorder, VIDEO, video } from './harness.ts';

function fullParts(recorder: Recorder, id: string): number[] {
  const { caps } = recorder.of(id);
  return recorder
    .chunks(id)
    .filter((chunk) => !chunk.last)
    .map((chunk) => chunk.duration / caps.timescale / caps.partTarget);
}

const RATES = [10, 12, 15, 24000 / 1001, 24, 25, 30000 / 1001, 30, 50, 60000 / 1001];

describe('constant frame rates', () => {
  it.each(RATES.flatMap((fps) => [0, 2].map((bFrames) => ({ fps, bFrames }))))(
    'parts at $fps fps with $bFrames B-frames are full, never over their target, and frames keep their time',
    ({ fps, bFrames }) => {
      const recorder = new Recorder();
      const input = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
      const gop = Math.round(fps * 2);
      const units = video({ fps, bFrames, seconds: 20, gop: (index) => index % gop === 0 });
      units.forEach((unit) => input.unit(unit));
      input.end('publisher-ended');
      checkTrack(recorder, 'video');
      const { caps } = recorder.of('video');
      expect(caps.partTarget).toBeGreaterThan(0.29);
      expect(caps.partTarget).toBeLessThan(0.36);
      expect(Math.min(...fullParts(recorder, 'video'))).toBeGreaterThanOrEqual(0.85);
      expect(Math.max(...fullParts(recorder, 'video'))).toBeLessThanOrEqual(1);
      const samples = recorder.read('video').flatMap((chunk) => chunk.samples);
      expect(samples.map((sample) => sample.data)).toEqual(units.map((unit) => unit.data));
      const off = samples.map((sample, i) => Math.abs((sample.pts / caps.timescale) * 1000 - EPOCH - units[i]!.pts));
      expect(Math.max(...off)).toBeLessThanOrEqual(1.001);
      // Durations settle: after the rate is known (at most 2 s) all frames but the last are equal.
      const durations = new Set(samples.slice(Math.ceil(fps * 2.5), -1).map((sample) => sample.duration));
      expect(durations.size).toBe(1);
      expect([...durations][0]! / caps.timescale).toBeCloseTo(1 / fps, 6);
    },
  );

  it('keeps a fine timescale as it is', () => {
    const recorder = new Recorder();
    const input = recorder.segmenter.addTrack('video', { ...VIDEO, timescale: 90_000 }, clockAt(EPOCH));
    const units = video({ fps: 25, seconds: 5, gop: 2, timescale: 90_000 });
    units.forEach((unit) => input.unit(unit));
    input.end('publisher-ended');
    checkTrack(recorder, 'video');
    expect(recorder.of('video').caps.timescale).toBe(90_000);
    const times = recorder.read('video').flatMap((chunk) => chunk.samples.map((sample) => sample.pts - EPOCH * 90));
    expect(times).toEqual(units.map((unit) => unit.pts));
  });
});

it.each([10, 15, 25, 30])('parts at %d fps are full too where frames come a little early or late', (fps) => {
  const recorder = new Recorder();
  const input = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
  const jitter = (i: number): number => (((i * 7919) % 100) / 100 - 0.5) * 0.2 * (1 / fps);
  video({ fps, seconds: 20, gop: 2, jitter }).forEach((unit) => input.unit(unit));
  input.end('publisher-ended');
  checkTrack(recorder, 'video');
  expect(Math.min(...fullParts(recorder, 'video'))).toBeGreaterThanOrEqual(0.85);
});

describe('segments', () => {
  it.each([
    [0.5, [2, 2, 2]],
    [5 / 3, [10 / 3, 10 / 3, 10 / 3]],
    [2, [2, 2, 2]],
    [3, [3, 3, 3]],
  ])('with a GOP of %f s begin at key frames', (gop, expected) => {
    const recorder = new Recorder();
    const input = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
    video({ fps: 30, seconds: 14, gop }).forEach((unit) => input.unit(unit));
    input.end('publisher-ended');
    checkTrack(recorder, 'video');
    const segments = recorder.segments('video');
    expect(segments.every((segment) => segment.independent && !segment.discontinuity)).toBe(true);
    for (const [i, seconds] of expected.entries()) expect(segments[i]!.duration).toBeCloseTo(seconds, 6);
    expect(recorder.warnings).toEqual([]);
    expect(segments[0]!.number).toBe(Math.floor(EPOCH / 2000));
    expect(segments.map((segment) => segment.number - segments[0]!.number)).toEqual(segments.map((_, i) => i));
  });

  it('are cut without a key frame at the limit, with one warning, and take the next key frame after that', () => {
    const recorder = new Recorder();
    const input = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
    video({ fps: 30, seconds: 25, gop: 250 / 30 }).forEach((unit) => input.unit(unit));
    input.end('publisher-ended');
    checkTrack(recorder, 'video');
    const segments = recorder.segments('video');
    expect(segments.slice(0, 6).map((segment) => [segment.duration.toFixed(3), segment.independent])).toEqual([
      ['4.000', true],
      ['4.000', false],
      ['0.333', false],
      ['4.000', true],
      ['4.000', false],
      ['0.333', false],
    ]);
    expect(recorder.warnings).toHaveLength(1);
  });

  it('hold for irregular GOPs, variable rates, any audio and any order of arrival', () => {
    fc.assert(
      fc.property(
        fc.record({
          fps: fc.constantFrom(7, 12.5, 15, 25, 30, 60),
          keys: fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 10 }),
          wander: fc.array(fc.double({ min: 0, max: 0.9, noNaN: true }), { minLength: 1, maxLength: 50 }),
          late: fc.integer({ min: -600, max: 600 }),
          from: fc.integer({ min: 0, max: 3000 }),
          bFrames: fc.constantFrom(0, 1, 2),
        }),
        ({ fps, keys, wander, late, from, bFrames }) => {
          const recorder = new Recorder();
          const clock = clockAt(EPOCH);
          const [v, a] = [
            recorder.segmenter.addTrack('video', VIDEO, clock),
            recorder.segmenter.addTrack('audio', AUDIO, clock),
          ];
          const keyFrames = new Set<number>([0]);
          for (let index = 0, i = 0; index < 15 * fps; i++) keyFrames.add((index += keys[i % keys.length]!));
          const jitter = bFrames > 0 ? undefined : (i: number): number => wander[i % wander.length]! / fps;
          const frames = video({
            fps,
            bFrames,
            seconds: 12,
            gop: (i) => keyFrames.has(i),
            from: 500,
            ...(jitter && { jitter }),
          });
          const sound = audio({ seconds: 12, from }).map((unit) => ({ ...unit, arrivedAt: unit.arrivedAt + late }));
          play([
            [v, frames],
            [a, sound],
          ]);
          v.end('publisher-ended');
          a.end('publisher-ended');
          checkTrack(recorder, 'video');
          checkTrack(recorder, 'audio');
          const samples = recorder.read('video').flatMap((chunk) => chunk.samples);
          expect(samples.map((sample) => sample.data)).toEqual(frames.map((unit) => unit.data));
        },
      ),
      { numRuns: atLevel({ test: 15, proof: 500 }) },
    );
  });
});

describe('audio', () => {
  function camera(
    options: {
      audioFrom?: number;
      videoFrom?: number;
      gop?: number;
      seconds?: number;
      jitter?: (i: number) => number;
    } = {},
  ): Recorder {
    const { audioFrom = 0, videoFrom = 0, gop = 2, seconds = 12, jitter } = options;
    const recorder = new Recorder();
    const clock = clockAt(EPOCH);
    const v = recorder.segmenter.addTrack('video', VIDEO, clock);
    const a = recorder.segmenter.addTrack('audio', AUDIO, clock);
    play([
      [v, video({ fps: 30, seconds, gop, from: videoFrom, bFrames: 2 })],
      [a, audio({ seconds, from: audioFrom, ...(jitter && { jitter }) })],
    ]);
    v.end('publisher-ended');
    a.end('publisher-ended');
    checkTrack(recorder, 'video');
    checkTrack(recorder, 'audio');
    return recorder;
  }

  it('is cut at the video boundaries: the first frame at or after one begins the segment of the same number', () => {
    for (const gop of [0.5, 5 / 3, 2, 250 / 30]) {
      const recorder = camera({ gop });
      const [v, a] = [recorder.segments('video'), recorder.segments('audio')];
      expect(a.map((segment) => segment.number)).toEqual(v.map((segment) => segment.number));
      for (const [i, segment] of a.entries()) {
        const lag = segment.chunks[0]!.baseTime / 48 - v[i]!.chunks[0]!.baseTime / 30;
        expect(lag).toBeGreaterThanOrEqual(-0.51);
        expect(lag).toBeLessThan(1024 / 48);
        // A segment without a key frame begins with a P-frame, which B-frames are shown before.
        expect(Math.abs(segment.startTs - v[i]!.startTs)).toBeLessThan(v[i]!.independent ? 25 : 75);
      }
    }
  });

  it('has full parts of its own frames', () => {
    const recorder = camera();
    expect(recorder.of('audio').caps.partTarget).toBeCloseTo(0.343, 3);
    expect(Math.min(...fullParts(recorder, 'audio'))).toBeGreaterThan(0.85);
  });

  it('that starts before the video is dropped up to the first picture; that starts later begins with a segment', () => {
    const early = camera({ videoFrom: 1500 });
    expect(early.segments('audio')[0]!.number).toBe(early.segments('video')[0]!.number);
    expect(early.segments('audio')[0]!.startTs).toBeGreaterThanOrEqual(early.segments('video')[0]!.startTs - 1);
    const late = camera({ audioFrom: 700 });
    expect(late.segments('audio')[0]!.number).toBe(late.segments('video')[0]!.number + 1);
  });

  it('runs without a seam over timestamps that wander by some milliseconds, and stays in step', () => {
    const recorder = camera({ seconds: 30, jitter: (i) => ((i * 7919) % 21) - 10 });
    const samples = recorder.read('audio').flatMap((chunk) => chunk.samples);
    const odd = samples.slice(0, -1).filter((sample) => sample.duration !== 1024);
    expect(odd.length).toBeLessThan(3);
    const first = samples[0]!;
    const off = samples.map((sample, i) => Math.abs(sample.dts - first.dts - i * 1024));
    expect(Math.max(...off)).toBeLessThan(0.011 * 48000);
  });

  it('follows a sample clock that runs off', () => {
    // 1000 ppm slow: 40 ms in 40 seconds.
    const recorder = camera({ seconds: 40, jitter: (i) => (i * 1024) / 48000 });
    const samples = recorder.read('audio').flatMap((chunk) => chunk.samples);
    const last = samples.at(-1)!;
    const [number] = [last.data[1]! + 256 * last.data[2]!];
    const truth = ((number * 1024) / 48000) * 1.001 * 1000;
    expect(Math.abs(last.pts / 48 - EPOCH - truth)).toBeLessThan(8);
  });

  it('alone is cut by time', () => {
    const recorder = new Recorder();
    const a = recorder.segmenter.addTrack('audio', AUDIO, clockAt(EPOCH));
    audio({ seconds: 13 }).forEach((unit) => a.unit(unit));
    a.end('publisher-ended');
    checkTrack(recorder, 'audio');
    const segments = recorder.segments('audio');
    expect(segments).toHaveLength(7);
    for (const segment of segments.slice(0, -1)) expect(Math.abs(segment.duration - 2)).toBeLessThan(0.022);
  });

  it('waits for video that comes seconds later, from a transcoder', () => {
    const recorder = new Recorder();
    const clock = clockAt(EPOCH);
    const v = recorder.segmenter.addTrack('video', VIDEO, clock);
    const a = recorder.segmenter.addTrack('audio', AUDIO, clock);
    play([
      [v, video({ fps: 30, seconds: 16, gop: 2 }).map((unit) => ({ ...unit, arrivedAt: unit.arrivedAt + 3000 }))],
      [a, audio({ seconds: 16 })],
    ]);
    v.end('publisher-ended');
    a.end('publisher-ended');
    checkTrack(recorder, 'video');
    checkTrack(recorder, 'audio');
    // Sound led until then; from the first picture on both have the same segments.
    const pictures = recorder.segments('video');
    expect(pictures[0]!.startTs).toBe(EPOCH + 4000);
    const sound = new Map(recorder.segments('audio').map((segment) => [segment.number, segment]));
    expect(pictures.length).toBeGreaterThan(5);
    for (const segment of pictures) {
      expect(Math.abs(sound.get(segment.number)!.startTs - segment.startTs)).toBeLessThan(25);
    }
  });

  it('goes on alone when the video stops, and follows again from its next key frame', () => {
    const recorder = new Recorder();
    const clock = clockAt(EPOCH);
    const [v, a] = [
      recorder.segmenter.addTrack('video', VIDEO, clock),
      recorder.segmenter.addTrack('audio', AUDIO, clock),
    ];
    const frames = video({ fps: 30, seconds: 20, gop: 1.9 }).filter((unit) => unit.pts < 5000 || unit.pts > 12_000);
    play([
      [v, frames],
      [a, audio({ seconds: 20 })],
    ]);
    v.end('publisher-ended');
    a.end('publisher-ended');
    checkTrack(recorder, 'video');
    checkTrack(recorder, 'audio');
    // No sound is lost but its last frames, beyond the last picture.
    const sound = recorder.read('audio').flatMap((chunk) => chunk.samples);
    expect(sound.length).toBeGreaterThan(20 * 46.875 - 2);
    const back = recorder.segments('video').find((segment) => segment.startTs > EPOCH + 12_000)!;
    expect(back).toMatchObject({ independent: true, discontinuity: true });
    const numbers = recorder.segments('audio').map((segment) => segment.number);
    expect(numbers).toContain(back.number);
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
  });
});

describe('renditions', () => {
  it('share numbers and boundaries', () => {
    const recorder = new Recorder();
    const clock = clockAt(EPOCH);
    const high = recorder.segmenter.addTrack('high', VIDEO, clock);
    const low = recorder.segmenter.addTrack('low', { ...VIDEO, width: 160 }, clock);
    play([
      [high, video({ fps: 30, seconds: 12, gop: 2 })],
      [low, video({ fps: 15, seconds: 12, gop: 2 }).map((unit) => ({ ...unit, arrivedAt: unit.arrivedAt - 200 }))],
    ]);
    high.end('publisher-ended');
    low.end('publisher-ended');
    for (const id of ['high', 'low']) checkTrack(recorder, id);
    const [h, l] = [recorder.segments('high'), recorder.segments('low')];
    expect(l.map((segment) => [segment.number, segment.startTs])).toEqual(
      h.map((segment) => [segment.number, segment.startTs]),
    );
    expect(l.every((segment) => segment.independent)).toBe(true);
  });
});

it('nine frames are enough to begin, and a part leaves with the frame after it', () => {
  const recorder = new Recorder();
  const v = recorder.segmenter.addTrack('video', VIDEO, clockAt(EPOCH));
  const units = video({ fps: 30, seconds: 2, gop: 2 });
  units.slice(0, 10).forEach((unit) => v.unit(unit));
  expect(recorder.of('video').caps.codecString).toBe(VIDEO.codecString);
  expect(recorder.chunks('video')).toHaveLength(0);
  v.unit(units[10]!);
  expect(recorder.chunks('video')).toHaveLength(1);
  expect(recorder.read('video')[0]!.samples).toHaveLength(10);
});
