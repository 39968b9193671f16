/** Whatever happens to a camera, in whatever order: what leaves keeps its promises. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { AccessUnit } from '../../../core/model/index.ts';
import type { SegmenterInput } from '../../../plugins/package/cmaf/face.ts';
import { atLevel } from '../../level.ts';
import { AUDIO, audio, EPOCH, Recorder, VIDEO, video } from './harness.ts';

const KINDS = ['video', 'audio'] as const;
type Kind = (typeof KINDS)[number];

const step = fc.oneof(
  { weight: 10, arbitrary: fc.record({ op: fc.constant('play' as const), ms: fc.integer({ min: 10, max: 3000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('pause' as const),
      of: fc.constantFrom(...KINDS),
      ms: fc.integer({ min: 10, max: 6000 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('jump' as const),
      ms: fc.oneof(fc.integer({ min: -500, max: 500 }), fc.integer({ min: -20_000, max: 20_000 })),
    }),
  },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('lose' as const), of: fc.constantFrom(...KINDS) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('end' as const), of: fc.constantFrom(...KINDS) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('caps' as const), of: fc.constantFrom(...KINDS) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('publisher' as const), told: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('flush' as const) }) },
);

/** A publisher that sends, pauses, jumps and leaves as told, with one clock a publication. */
class Camera {
  readonly recorder = new Recorder();
  readonly #fps: number;
  readonly #gop: number;
  now = EPOCH;
  /** How far the clock may be off by jumps that nobody told of, ms. */
  skew = 0;
  #media = 0;
  #offset = EPOCH;
  #clock = this.#newClock();
  #inputs: Partial<Record<Kind, SegmenterInput>> = {};
  #silentUntil: Record<Kind, number> = { video: 0, audio: 0 };
  #frames = 0;

  constructor(fps: number, gop: number) {
    this.#fps = fps;
    this.#gop = gop;
    this.connect();
  }

  #newClock() {
    const offset = this.#offset;
    return {
      offset,
      toWall(ticks: number, timescale: number): number {
        return this.offset + (ticks / timescale) * 1000;
      },
    };
  }

  connect(): void {
    this.#offset = this.now;
    this.#media = 0;
    this.#clock = this.#newClock();
    for (const kind of KINDS) this.add(kind);
  }

  add(kind: Kind): void {
    this.#inputs[kind] = this.recorder.segmenter.addTrack(kind, kind === 'video' ? VIDEO : AUDIO, this.#clock);
  }

  end(kind: Kind): void {
    this.#inputs[kind]?.end('publisher-ended');
    delete this.#inputs[kind];
  }

  input(kind: Kind): SegmenterInput | undefined {
    return this.#inputs[kind];
  }

  play(ms: number): void {
    const at = (unit: AccessUnit): AccessUnit => ({
      ...unit,
      dts: unit.dts + this.#media,
      pts: unit.pts + this.#media,
      arrivedAt: this.now + unit.dts,
    });
    const first = this.#frames;
    const pictures = video({
      fps: this.#fps,
      seconds: ms / 1000,
      gop: (i) => (first + i) % Math.round(this.#gop * this.#fps) === 0,
    });
    this.#frames += pictures.length;
    const feeds = [
      ...pictures.map((unit) => ({ kind: 'video' as const, unit: at(unit) })),
      ...audio({ seconds: ms / 1000 }).map((unit) => ({ kind: 'audio' as const, unit: at(unit) })),
    ].sort((a, b) => a.unit.dts - b.unit.dts);
    for (const { kind, unit } of feeds) if (unit.arrivedAt >= this.#silentUntil[kind]) this.#inputs[kind]?.unit(unit);
    this.now += ms;
    this.#media += ms;
  }

  pause(kind: Kind, ms: number): void {
    this.#silentUntil[kind] = this.now + ms;
  }

  /** The source's time jumps; the engine tells of it beyond half a second, when it sets the clock anew. */
  jump(ms: number): void {
    const told = Math.abs(ms) > 500;
    const before = this.#media;
    this.#media = Math.max(0, this.#media + ms);
    if (!told) {
      this.skew += Math.abs(this.#media - before);
      return;
    }
    this.#clock.offset = this.now - this.#media;
    for (const kind of KINDS) this.#inputs[kind]?.discontinuity('clock-jumped');
  }
}

function check(recorder: Recorder): void {
  const discontinuities = new Map<number, boolean>();
  for (const kind of KINDS) {
    let end = 0;
    let segment = -1;
    let part = -1;
    let last = true;
    let startTs = 0;
    const target = recorder.tracks.get(kind)?.[0]?.caps.partTarget;
    for (const { caps, chunks } of recorder.tracks.get(kind) ?? []) {
      expect(caps.partTarget).toBe(target);
      for (const chunk of chunks) {
        const where = `${kind} ${chunk.segment}.${chunk.part}`;
        expect(chunk.duration, where).toBeGreaterThan(0);
        expect(chunk.duration / caps.timescale, where).toBeLessThanOrEqual(caps.partTarget);
        // A tick of either timescale: a track that returns may have another.
        expect(chunk.baseTime / caps.timescale, where).toBeGreaterThan(end - 0.002);
        expect(chunk.startTs, where).toBeGreaterThanOrEqual(startTs);
        if (last) {
          expect(chunk.part, where).toBe(0);
          expect(chunk.segment, where).toBeGreaterThan(segment);
        } else {
          expect([chunk.segment, chunk.part], where).toEqual([segment, part + 1]);
        }
        if (chunk.part === 0) {
          // One number means one place on the timeline, in every track.
          const known = discontinuities.get(chunk.segment);
          if (known !== undefined) expect(chunk.discontinuity, where).toBe(known);
          discontinuities.set(chunk.segment, chunk.discontinuity);
          if (chunk.discontinuity && kind === 'video') expect(chunk.independent || chunk.gap, where).toBe(true);
        }
        ({ segment, part, last, startTs } = chunk);
        end = (chunk.baseTime + chunk.duration) / caps.timescale;
      }
      expect(last).toBe(true);
    }
  }
}

it('a camera that pauses, jumps, loses, changes, leaves and returns', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 25 }),
      fc.constantFrom(5, 15, 30),
      fc.constantFrom(0.5, 1.9, 2, 7),
      (steps, fps, gop) => {
        const camera = new Camera(fps, gop);
        for (const each of steps) {
          if (each.op === 'play') camera.play(each.ms);
          else if (each.op === 'pause') camera.pause(each.of, each.ms);
          else if (each.op === 'jump') camera.jump(each.ms);
          else if (each.op === 'lose') camera.input(each.of)?.discontinuity('frames-dropped');
          else if (each.op === 'flush') camera.recorder.segmenter.flush();
          else if (each.op === 'end') camera.end(each.of);
          else if (each.op === 'caps') camera.add(each.of);
          else {
            if (each.told) for (const kind of KINDS) camera.end(kind);
            camera.connect();
          }
        }
        // Whatever was, it goes on once the source is well again.
        for (const kind of KINDS) if (!camera.input(kind)) camera.add(kind);
        camera.play(16_000);
        for (const kind of KINDS) camera.end(kind);
        check(camera.recorder);
        for (const kind of KINDS) {
          const newest = camera.recorder.chunks(kind).at(-1)!;
          expect(Math.abs(camera.now - newest.startTs), kind).toBeLessThan(500 + camera.skew);
        }
      },
    ),
    { numRuns: atLevel({ test: 25, proof: 1500 }) },
  );
}, 60_000);
