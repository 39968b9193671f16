import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  isCameraPattern,
  matchesCamera,
  parseCameraId,
  parseSegmentName,
  segmentName,
} from '../../../core/model/index.ts';

describe('camera ids', () => {
  it.each(['a', 'cam1', 'acme.door1', 'A_b-c.d', '0'.repeat(64)])('takes %s', (text) =>
    expect(parseCameraId(text)).toBe(text),
  );

  it.each(['', '.a', '-a', 'a/b', 'a b', 'a\n', 'ä', '0'.repeat(65), '..', 'a%2fb', 5, undefined])(
    'refuses %s',
    (text) => expect(parseCameraId(text)).toBeUndefined(),
  );

  it('matches patterns by prefix, never by more', () => {
    const camera = parseCameraId('acme.door1')!;
    expect(
      ['*', 'acme.*', 'acme.door1'].every((pattern) => isCameraPattern(pattern) && matchesCamera(pattern, camera)),
    ).toBe(true);
    expect(['acme', 'acme.door', 'other.*', 'acme.door10'].some((pattern) => matchesCamera(pattern, camera))).toBe(
      false,
    );
    expect(['', '**', '*a', 'a/*', 'a*b'].some((pattern) => isCameraPattern(pattern))).toBe(false);
  });
});

describe('segment names', () => {
  it('are read back, and nothing else is', () => {
    fc.assert(
      fc.property(
        fc.nat({ max: 2 ** 45 }),
        fc.nat(),
        fc.stringMatching(/^[a-z0-9]{1,16}$/),
        (startTs, number, writer) => {
          expect(parseSegmentName(segmentName({ startTs, number, writer }))).toEqual({ startTs, number, writer });
        },
      ),
    );
    for (const bad of ['1-2.w.mp4', '1-2..m4s', '../1-2.w.m4s', '1-2.W.m4s', 'x1-2.w.m4s']) {
      expect(parseSegmentName(bad)).toBeUndefined();
    }
  });
});
