import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildInitSegment, findBox, MediaError, readBoxes, readChunks, writeChunk } from '../../../core/media/index.ts';

const sample = fc.record({
  data: fc.uint8Array({ maxLength: 50 }),
  duration: fc.integer({ min: 0, max: 2 ** 32 - 1 }),
  compositionOffset: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
  key: fc.boolean(),
});

describe('chunks', () => {
  it('are read back as they were written', () => {
    fc.assert(
      fc.property(
        fc.array(sample, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 0, max: 2 ** 51 }),
        fc.boolean(),
        fc.option(fc.integer({ min: 0, max: 2e12 }), { nil: undefined }),
        (samples, baseTime, startsSegment, wallClock) => {
          const bytes = writeChunk({
            sequence: 7,
            baseTime,
            samples,
            startsSegment,
            ...(wallClock !== undefined && { wallClock }),
          });
          const [chunk, ...more] = readChunks(bytes);
          expect(more).toEqual([]);
          expect(chunk).toMatchObject({ sequence: 7, trackId: 1, baseTime, startsSegment });
          if (wallClock === undefined) expect(chunk!.producerTime).toBeUndefined();
          else {
            expect(chunk!.producerTime!.wallClock).toBeCloseTo(wallClock, 3);
            expect(chunk!.producerTime!.mediaTime).toBe(baseTime);
          }
          let dts = baseTime;
          for (const [i, given] of samples.entries()) {
            const got = chunk!.samples[i]!;
            expect(got).toEqual({
              dts,
              pts: dts + given.compositionOffset,
              duration: given.duration,
              key: given.key,
              data: given.data,
            });
            dts += given.duration;
          }
        },
      ),
    );
  });

  it('puts boxes in the order of CMAF, with nothing around them', () => {
    const samples = [{ data: Uint8Array.of(1), duration: 1, compositionOffset: 0, key: true }];
    const bytes = writeChunk({ sequence: 1, baseTime: 0, samples, startsSegment: true, wallClock: 0 });
    expect(readBoxes(bytes).map((each) => each.type)).toEqual(['styp', 'prft', 'moof', 'mdat']);
    expect(readBoxes(writeChunk({ sequence: 1, baseTime: 0, samples })).map((each) => each.type)).toEqual([
      'moof',
      'mdat',
    ]);
  });

  it('refuses truncated chunks with a MediaError', () => {
    const samples = [{ data: Uint8Array.of(1, 2, 3), duration: 1, compositionOffset: 0, key: true }];
    const bytes = writeChunk({ sequence: 1, baseTime: 5, samples });
    for (let length = 1; length < bytes.length - 11; length++) {
      expect(() => readChunks(bytes.subarray(0, length))).toThrow(MediaError);
    }
  });
});

describe('init segments', () => {
  it('name the track id, timescale and sample entry', () => {
    const config = Uint8Array.of(0x12, 0x10);
    const init = buildInitSegment({
      caps: {
        kind: 'audio',
        codec: 'aac',
        timescale: 1000,
        sampleRate: 44100,
        channels: 2,
        codecString: 'mp4a.40.2',
        config,
      },
      timescale: 44100,
    });
    expect(readBoxes(init).map((each) => each.type)).toEqual(['ftyp', 'moov']);
    const mdhd = findBox(init, ['moov', 'trak', 'mdia', 'mdhd'])!;
    expect(new DataView(mdhd.body.buffer, mdhd.body.byteOffset).getUint32(12)).toBe(44100);
    const stsd = findBox(init, ['moov', 'trak', 'mdia', 'minf', 'stbl', 'stsd'])!;
    expect(readBoxes(stsd.body.subarray(8))[0]!.type).toBe('mp4a');
  });

  it('refuse codecs without a place in CMAF', () => {
    const caps = {
      kind: 'video',
      codec: 'vp8',
      timescale: 1000,
      width: 2,
      height: 2,
      codecString: 'vp8',
      config: new Uint8Array(0),
    } as const;
    expect(() => buildInitSegment({ caps })).toThrow(expect.objectContaining({ code: 'MEDIA_UNSUPPORTED' }));
  });
});
