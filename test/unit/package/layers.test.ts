/** Renditions of one camera: the largest that runs says where segments begin, the others follow. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AccessUnit, VideoCaps } from '../../../core/model/index.ts';
import { atLevel } from '../../level.ts';
import { AUDIO, audio, checkTrack, clockAt, EPOCH, play, Recorder, type Segment, VIDEO, video } from './harness.ts';

const SIZES: Record<string, VideoCaps> = {
  top: { ...VIDEO, timescale: 90_000, width: 1280, height: 720 },
  mid: { ...VIDEO, timescale: 90_000, width: 640, height: 360 },
  low: { ...VIDEO, timescale: 90_000, width: 320, height: 180 },
};
const LAYERS = ['top', 'mid', 'low'] as const;
type Layer = (typeof LAYERS)[number];

interface LayerOptions {
  /** Seconds at which it sends a key frame. */
  keys: readonly number[];
  /** Seconds in which it sends nothing. */
  silent?: readonly (readonly [number, number])[];
  fps?: number;
  seconds?: number;
  /** How late its frames come, ms. */
  late?: number;
}

/** One layer's frames; after a silence nothing comes up to a key frame. */
function frames({ keys, silent = [], fps = 25, seconds = 20, late = 0 }: LayerOptions): AccessUnit[] {
  const isKey = new Set(keys.map((at) => Math.round(at * fps)));
  const all = video({ fps, seconds, gop: (i) => isKey.has(i), timescale: 90_000 });
  let broken = true;
  return all
    .filter(({ key, dts }) => {
      const at = dts / 90_000;
      if (silent.some(([from, to]) => at >= from && at < to)) broken = true;
      else if (key) broken = false;
      return !broken;
    })
    .map((unit) => ({ ...unit, arrivedAt: unit.arrivedAt + late }));
}

function record(layers: Partial<Record<Layer, LayerOptions>>, withAudio = true, order: readonly Layer[] = LAYERS) {
  const recorder = new Recorder();
  const clock = clockAt(EPOCH);
  const ids = order.filter((id) => layers[id]);
  const feeds = ids.map((id) => [recorder.segmenter.addTrack(id, SIZES[id]!, clock), frames(layers[id]!)] as const);
  const sound = recorder.segmenter.addTrack('audio', AUDIO, clock);
  play([...feeds, [sound, withAudio ? audio({ seconds: 20 }) : []]]);
  for (const [input] of feeds) input.end('publisher-ended');
  sound.end('publisher-ended');
  for (const id of ids) checkTrack(recorder, id);
  return { recorder, of: (id: string): Segment[] => recorder.segments(id) };
}

const every = (seconds: number, shift = 0, count = 11): number[] =>
  Array.from({ length: count }, (_, i) => i * seconds + (i > 0 ? shift : 0));
const startsOf = (segments: readonly Segment[]): number[] => segments.map(({ startTs }) => Math.round(startTs - EPOCH));
const numbersOf = (segments: readonly Segment[]): number[] => segments.map(({ number }) => number);

describe('the top layer sets the boundary', () => {
  it.each([
    { what: 'a little later', shift: 0.08 },
    { what: 'a little earlier', shift: -0.08 },
    { what: '300 ms later', shift: 0.28 },
  ])('others that give their key frames $what cut there, whoever comes first', ({ shift }) => {
    for (const order of [LAYERS, LAYERS.toReversed()]) {
      const layers = { top: { keys: every(2) }, mid: { keys: every(2, shift) }, low: { keys: every(2) } };
      const { of } = record(layers, true, order);
      expect(startsOf(of('top')).slice(0, 4)).toEqual([0, 2000, 4000, 6000]);
      expect(startsOf(of('mid')).slice(1, 4)).toEqual([2000, 4000, 6000].map((at) => at + shift * 1000));
      for (const id of ['mid', 'low', 'audio']) expect(numbersOf(of(id))).toEqual(numbersOf(of('top')));
      for (const id of LAYERS) expect(of(id).every(({ independent }) => independent)).toBe(true);
    }
  });

  it('a layer without a key frame near cuts at the boundary all the same, and says so', () => {
    const { of } = record({ top: { keys: every(2) }, low: { keys: [0, 2, 4.6, 6, 8, 10, 12, 14, 16, 18] } });
    expect(startsOf(of('low'))).toEqual(startsOf(of('top')));
    expect(numbersOf(of('low'))).toEqual(numbersOf(of('top')));
    expect(of('low').map(({ independent }) => independent)).toEqual(startsOf(of('top')).map((at) => at !== 4000));
  });

  it('the top layer has no key frame in time: all cut at the limit, and take its next one', () => {
    const { recorder, of } = record({ top: { keys: [0, 6.2, 8.2, 10.2] }, low: { keys: every(2) } });
    expect(startsOf(of('top')).slice(0, 5)).toEqual([0, 4000, 6200, 8200, 10_200]);
    expect(
      of('top')
        .slice(0, 4)
        .map(({ independent }) => independent),
    ).toEqual([true, false, true, true]);
    expect(numbersOf(of('low'))).toEqual(numbersOf(of('top')));
    expect(startsOf(of('low')).slice(0, 4)).toEqual([0, 4000, 6000, 8000]);
    expect(recorder.warnings).toHaveLength(1);
  });

  it('sound is cut where the top layer is', () => {
    const { of } = record({ top: { keys: every(2) }, mid: { keys: every(2, 0.2) }, low: { keys: every(2, -0.2) } });
    for (const [i, segment] of of('audio').entries())
      expect(Math.abs(segment.startTs - of('top')[i]!.startTs)).toBeLessThan(25);
  });
});

describe('layers come and go', () => {
  it('a top layer that comes late begins with a segment and leads from there', () => {
    const top = { keys: [5.2, ...every(2).map((at) => at + 6.08)], silent: [[0, 5.2]] as const };
    const { of } = record({ low: { keys: every(2) }, top });
    expect(startsOf(of('top')).slice(0, 3)).toEqual([6080, 8080, 10_080]);
    const low = startsOf(of('low'));
    expect(low.slice(0, 6)).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
    expect(numbersOf(of('low')).slice(3, 8)).toEqual(numbersOf(of('top')).slice(0, 5));
  });

  it('a top layer that stops is a gap in its rendition; the next one leads without a hole, and gives the lead back', () => {
    const layers = {
      top: { keys: every(2), silent: [[5, 11]] as const },
      mid: { keys: every(2, 0.04) },
      low: { keys: every(2) },
    };
    const { of } = record(layers);
    const top = of('top');
    expect(startsOf(top)).toEqual([0, 2000, 4000, 5000, 8040, 10_040, 12_000, 14_000, 16_000, 18_000]);
    const isGap = ({ chunks }: Segment): boolean => chunks.every(({ gap }) => gap);
    expect(startsOf(top.filter(isGap))).toEqual([5000, 8040, 10_040]);
    // The segment in which it stopped ends with its media, and the first gap begins there.
    expect(top.map(({ duration }) => Number(duration.toFixed(3)))).toEqual([2, 2, 1, 3.04, 2, 1.96, 2, 2, 2, 2]);
    expect(numbersOf(top)).toEqual(numbersOf(of('low')));
    const numbers = numbersOf(of('low'));
    expect(numbers).toEqual(numbers.map((_, i) => numbers[0]! + i));
    expect(numbersOf(of('mid'))).toEqual(numbers);
    expect(numbersOf(of('audio'))).toEqual(numbers);
    expect(of('low').every(({ independent, discontinuity }) => independent && !discontinuity)).toBe(true);
    // Every number is the same stretch of time.
    for (const { number, startTs } of top.filter((each) => !isGap(each))) {
      expect(Math.abs(startTs - of('low').find((each) => each.number === number)!.startTs)).toBeLessThanOrEqual(40);
    }
  });

  it('a layer that shows one picture and begins in earnest much later is measured by what it is then', () => {
    const top = { keys: every(2), silent: [[0.04, 6]] as const };
    const { recorder, of } = record({ top, low: { keys: every(2) } });
    expect(startsOf(of('top')).slice(0, 3)).toEqual([6000, 8000, 10_000]);
    expect(recorder.of('top').caps.partTarget).toBeLessThan(0.4);
    expect(startsOf(of('low'))).toEqual(startsOf(of('low')).map((_, i) => i * 2000));
  });

  it('a leader that is late by less than its frames may be, keeps the lead and loses nothing', () => {
    const { recorder, of } = record({ top: { keys: every(2), late: 600 }, low: { keys: every(2) } });
    expect(recorder.read('top').flatMap((chunk) => chunk.samples)).toHaveLength(500);
    expect(numbersOf(of('low'))).toEqual(numbersOf(of('top')));
  });

  it('a hole within a segment is in no part: hls.js hangs on a part without media that follows one with', () => {
    const low = { keys: [0, 2, 4, 5.2, 6, 8, 10], silent: [[4.2, 5.2]] as const };
    const { recorder, of } = record({ top: { keys: every(2) }, low });
    const segment = of('low')[2]!;
    expect(segment.chunks.filter(({ gap }) => gap)).toEqual([]);
    // The last picture stands for a part's length, and what is missing after it lasts no time.
    const missing = 5.2 - 4.16 - recorder.of('low').caps.partTarget;
    expect(segment.duration).toBeCloseTo(2 - missing, 2);
    expect(startsOf(of('low')).slice(0, 5)).toEqual([0, 2000, 4000, 6000, 8000]);
  });

  it('key frames that are never near a boundary: the rendition begins all the same, and its segments say so', () => {
    const { of } = record({ top: { keys: every(2) }, low: { keys: every(2, 1), silent: [[0, 1]] as const } });
    const low = of('low');
    expect(startsOf(low)[0]).toBe(5000);
    expect(startsOf(low).slice(1, 4)).toEqual([6000, 8000, 10_000]);
    expect(low.slice(1).every(({ independent }) => !independent)).toBe(true);
    expect(numbersOf(low)).toEqual(numbersOf(of('top')).slice(2));
  });
});

const moment = fc.integer({ min: 0, max: 19 });
const layer = fc.record({
  /** How far from the asked moment each key frame comes, in frames, or never. */
  answers: fc.array(fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 0, max: 7 }) }, fc.constant(undefined)), {
    minLength: 10,
    maxLength: 10,
  }),
  extra: fc.array(fc.integer({ min: 0, max: 499 }), { maxLength: 4 }),
  silent: fc.array(fc.tuple(moment, fc.integer({ min: 1, max: 6 })), { maxLength: 1 }),
  fps: fc.constantFrom(12.5, 25),
  late: fc.integer({ min: 0, max: 400 }),
});

it('whatever key frames come, whoever stops: a number is the same stretch of time in every track', () => {
  fc.assert(
    fc.property(fc.record({ top: layer, mid: layer, low: layer }), fc.boolean(), (chosen, withAudio) => {
      const layers = Object.fromEntries(
        LAYERS.map((id) => {
          const { answers, extra, silent, fps, late } = chosen[id];
          const asked = answers.flatMap((frames, i) => (frames === undefined ? [] : [i * 2 + frames / 25]));
          const gaps = silent.map(([from, length]) => [from, from + length] as const);
          return [id, { keys: [0, ...asked, ...extra.map((frame) => frame / 25)], silent: gaps, fps, late }];
        }),
      );
      const { of } = record(layers, withAudio);
      const begins = new Map<number, number[]>();
      for (const id of LAYERS) {
        for (const { number, startTs, chunks } of of(id)) {
          // A gap begins where the media before it ends.
          if (!chunks[0]!.gap) begins.set(number, [...(begins.get(number) ?? []), startTs]);
        }
      }
      for (const id of LAYERS) {
        for (const segment of of(id)) {
          if (segment.discontinuity) expect(segment.independent || segment.chunks[0]!.gap).toBe(true);
        }
        for (const [i, segment] of of(id).entries()) {
          const before = of(id)[i - 1];
          if (!before || segment.discontinuity || segment.number !== before.number + 1) continue;
          // After a gap a rendition may begin late in a segment, rather than never: the gap was told before.
          const sinceBegin = segment.startTs - Math.min(...(begins.get(segment.number) ?? []));
          if (before.chunks[0]!.gap && sinceBegin > 300) continue;
          // Server time and media time of one segment and the next agree, over holes too.
          const media = (segment.chunks[0]!.baseTime - before.chunks[0]!.baseTime) / 90;
          const off = segment.startTs - before.startTs - media;
          // A segment lasts no longer than until the next one.
          expect(before.duration * 1000, `${id} ${before.number}`).toBeLessThan(media + 50);
          expect(Math.abs(off), `${id} ${segment.number}`).toBeLessThan(50);
        }
      }
      const numbers = [...begins.keys()].sort((a, b) => a - b);
      for (const [i, number] of numbers.entries()) {
        // No track's segment reaches into what other tracks have under a later number, but by the window of the cut.
        const next = begins.get(numbers[i + 1]!);
        if (next) expect(Math.max(...begins.get(number)!)).toBeLessThan(Math.min(...next) + 600);
      }
      for (const id of LAYERS) {
        const media = new Set(of(id).flatMap(({ chunks }) => chunks));
        const ends = [...media].map((chunk) => (chunk.baseTime + chunk.duration) / 90 - EPOCH);
        // Without holes nothing is lost.
        if (LAYERS.every((each) => layers[each]!.silent.length === 0)) {
          expect(Math.max(...ends), id).toBeGreaterThan(19_000);
        }
      }
    }),
    { numRuns: atLevel({ test: 60, proof: 1500 }) },
  );
}, 120_000);

it('sound whose place becomes known seconds after the pictures began is recorded from the first of them', () => {
  const recorder = new Recorder();
  const clock = clockAt(EPOCH);
  const top = recorder.segmenter.addTrack('top', SIZES.top!, clock);
  const pictures = frames({ keys: every(2) });
  const [early, rest] = [pictures.filter(({ arrivedAt }) => arrivedAt < EPOCH + 2500), pictures.slice(63)];
  early.forEach((unit) => top.unit(unit));
  const sound = recorder.segmenter.addTrack('audio', AUDIO, clock);
  const held = audio({ seconds: 20 }).map((unit) => ({ ...unit, arrivedAt: Math.max(unit.arrivedAt, EPOCH + 2500) }));
  play([
    [top, rest],
    [sound, held],
  ]);
  top.end('publisher-ended');
  sound.end('publisher-ended');
  for (const id of ['top', 'audio']) checkTrack(recorder, id);
  const [seen, heard] = [recorder.segments('top'), recorder.segments('audio')];
  expect(numbersOf(heard)).toEqual(numbersOf(seen));
  for (const [i, segment] of heard.entries()) expect(Math.abs(segment.startTs - seen[i]!.startTs)).toBeLessThan(25);
});
