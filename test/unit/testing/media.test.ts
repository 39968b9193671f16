import { describe, expect, it } from 'vitest';
import {
  audioCapsFromConfig,
  isH264KeyFrame,
  opusPacketDuration,
  readChunks,
  videoCapsFromConfig,
} from '../../../core/media/index.ts';
import { syntheticAudio, syntheticChunks, syntheticVideo } from '../../../core/testing/index.ts';

describe('synthetic video', () => {
  it('has caps that its configuration record confirms', () => {
    for (const [width, height, bFrames] of [
      [320, 240, false],
      [1280, 722, true],
    ] as const) {
      const { caps } = syntheticVideo({ width, height, bFrames, fps: { num: 30000, den: 1001 } });
      expect(caps).toMatchObject({ width, height, bFrames, frameRate: { num: 30000, den: 1001 } });
      expect(videoCapsFromConfig('h264', caps.config, 90_000)).toEqual(caps);
    }
    expect(syntheticVideo({ codec: 'hevc' }).caps.codecString).toMatch(/^hvc1\./);
    expect(syntheticVideo({ codec: 'av1' }).caps.codecString).toMatch(/^av01\./);
  });

  it('paces frames and puts a key frame at each GOP', () => {
    const units = syntheticVideo({ fps: 50, gop: 10, epoch: 1000 }).frames(21);
    expect(units.map((unit) => unit.dts)).toEqual(Array.from({ length: 21 }, (_, i) => i * 1800));
    expect(units.flatMap((unit, i) => (unit.key ? [i] : []))).toEqual([0, 10, 20]);
    expect(units.every((unit) => isH264KeyFrame(unit.data) === unit.key)).toBe(true);
    expect(units[5]!.arrivedAt).toBe(1100);
    expect(syntheticVideo({ fps: 50 }).lasting(1000)).toHaveLength(50);
  });

  it('reorders with B-frames: each moment is shown once and never before it is decoded', () => {
    for (const gop of [25, 26]) {
      const units = syntheticVideo({ bFrames: true, gop }).frames(gop * 2);
      const shown = units.map((unit) => unit.pts).sort((a, b) => a - b);
      expect(shown).toEqual(Array.from({ length: gop * 2 }, (_, i) => (i + 1) * 3600));
      expect(units.every((unit) => unit.pts >= unit.dts)).toBe(true);
      expect(units.some((unit) => unit.pts !== unit.dts + 3600)).toBe(true);
    }
  });

  it('gives the same bytes for the same frame, and other bytes for another', () => {
    const bytes = (index: number): string => Buffer.from(syntheticVideo().frame(index).data).toString('hex');
    expect(bytes(3)).toBe(bytes(3));
    expect(new Set(Array.from({ length: 40 }, (_, i) => bytes(i))).size).toBe(40);
  });
});

describe('synthetic audio', () => {
  it('is AAC of 1024 samples or Opus of 20 ms', () => {
    const aac = syntheticAudio({ sampleRate: 44_100, channels: 1 });
    expect(audioCapsFromConfig('aac', aac.caps.config)).toEqual(aac.caps);
    expect(aac.frames(3).map((unit) => [unit.dts, unit.duration])).toEqual([
      [0, 1024],
      [1024, 1024],
      [2048, 1024],
    ]);
    const opus = syntheticAudio({ codec: 'opus' });
    expect(opus.caps).toMatchObject({ codec: 'opus', sampleRate: 48_000, channels: 2 });
    expect(opusPacketDuration(opus.frame(1).data)).toBe(960);
    expect(opus.frame(1).dts).toBe(960);
  });
});

describe('synthetic chunks', () => {
  it('are CMAF that a parser reads, numbered and timed', () => {
    const { caps, chunks } = syntheticChunks({ epoch: 5000, firstSegment: 7 });
    const made = chunks(11);
    expect(made.map((chunk) => [chunk.segment, chunk.part, chunk.last])).toEqual([
      ...[0, 1, 2, 3, 4].map((part) => [7, part, part === 4]),
      ...[0, 1, 2, 3, 4].map((part) => [8, part, part === 4]),
      [9, 0, false],
    ]);
    expect(caps).toMatchObject({ segmentTarget: 1, partTarget: 0.2, kind: 'video' });
    expect(made[6]).toMatchObject({ startTs: 6200, baseTime: 108_000, duration: 18_000, independent: false });
    expect(made[5]!.independent).toBe(true);
    const [read] = readChunks(made[6]!.data);
    expect(read).toMatchObject({ baseTime: 108_000, sequence: 7 });
    expect(read!.samples.map((sample) => sample.data)).toEqual(
      syntheticVideo()
        .frames(5, 30)
        .map((unit) => unit.data),
    );
  });
});
