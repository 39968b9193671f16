import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { AUDIO_CODECS, VIDEO_CODECS, type CapsOffer, type CapsPattern } from '../../../core/model/index.ts';
import {
  capsContain,
  capsIntersect,
  describeCaps,
  describeTrack,
  gradeLink,
  joinCodecs,
  matchCaps,
} from '../../../core/graph/index.ts';

const H264_PLAIN: CapsPattern = { kind: 'video', codec: 'h264', bFrames: false };
const usual = (caps: CapsPattern): CapsOffer => ({ caps, likelihood: 'usual' });
const possible = (caps: CapsPattern): CapsOffer => ({ caps, likelihood: 'possible' });
const AAC: CapsPattern = { kind: 'audio', codec: 'aac' };
const OPUS: CapsPattern = { kind: 'audio', codec: 'opus' };

describe('patterns', () => {
  it.each<[string, CapsPattern, CapsPattern, boolean]>([
    ['the same codec', AAC, { codec: ['aac', 'opus'] }, true],
    ['different codecs', AAC, OPUS, false],
    ['different kinds', { kind: 'audio' }, { kind: 'video' }, false],
    ['a codec tells its kind', { codec: 'aac' }, { kind: 'video' }, false],
    ['with and without B-frames', H264_PLAIN, { codec: 'h264', bFrames: true }, false],
    ['B-frames unsaid', H264_PLAIN, { codec: 'h264' }, true],
    ['B-frames say nothing of audio', { bFrames: false }, { kind: 'audio', bFrames: true }, true],
    [
      'sample rates apart',
      { kind: 'audio', sampleRate: 48_000 },
      { kind: 'audio', sampleRate: [44_100, 32_000] },
      false,
    ],
    ['anything', {}, H264_PLAIN, true],
  ])('intersect: %s', (_, a, b, expected) => {
    expect(capsIntersect(a, b)).toBe(expected);
    expect(capsIntersect(b, a)).toBe(expected);
  });

  it.each<[string, CapsPattern, CapsPattern, boolean]>([
    ['a list of codecs, one of them', { codec: ['h264', 'hevc'] }, { codec: 'h264' }, true],
    ['one of them, the list', { codec: 'h264' }, { codec: ['h264', 'hevc'] }, false],
    ['without B-frames, unsaid', H264_PLAIN, { kind: 'video', codec: 'h264' }, false],
    ['a height limit, a lower one', { maxHeight: 1080 }, { kind: 'video', maxHeight: 720 }, true],
    ['a height limit, none', { maxHeight: 1080 }, { kind: 'video' }, false],
    ['a height limit says nothing of audio', { maxHeight: 1080 }, { kind: 'audio' }, true],
    ['anything, anything', {}, {}, true],
  ])('contain: %s', (_, wide, narrow, expected) => expect(capsContain(wide, narrow)).toBe(expected));

  const pattern: fc.Arbitrary<CapsPattern> = fc.record(
    {
      codec: fc.subarray([...VIDEO_CODECS, ...AUDIO_CODECS], { minLength: 1 }),
      bFrames: fc.boolean(),
      sampleRate: fc.subarray([44_100, 48_000], { minLength: 1 }),
      channels: fc.subarray([1, 2], { minLength: 1 }),
    },
    { requiredKeys: [] },
  );

  it('contain only what they intersect, and contain themselves', () => {
    fc.assert(fc.property(pattern, pattern, (a, b) => !capsContain(a, b) || capsIntersect(a, b)));
    fc.assert(fc.property(pattern, (a) => capsContain(a, a)));
  });

  it('read as a person would say them', () => {
    expect(describeCaps(H264_PLAIN)).toBe('H.264 video without B-frames');
    expect(describeCaps({ codec: ['aac', 'opus'], sampleRate: 48_000, channels: 2 })).toBe(
      'AAC or Opus audio at 48000 Hz with 2 channels',
    );
    expect(describeCaps({ kind: 'video', maxWidth: 1280, maxHeight: 720 })).toBe('video up to 1280x720');
    expect(describeCaps({})).toBe('anything');
    expect(describeTrack({ kind: 'video', codec: 'hevc', width: 1920, height: 1080, bFrames: true })).toBe(
      'HEVC video 1920x1080 with B-frames',
    );
    expect(
      joinCodecs([{ kind: 'video', codec: 'vp8' }, { kind: 'video', codec: 'vp9' }, AAC]).map(describeCaps),
    ).toEqual(['VP8 or VP9 video', 'AAC audio']);
  });
});

describe('a link before start', () => {
  it.each<[string, CapsOffer[] | undefined, CapsPattern[] | undefined, string]>([
    ['all that is offered is taken', [usual(AAC), possible(OPUS)], [{ kind: 'audio' }], 'always'],
    ['the target takes anything', [usual(AAC)], undefined, 'always'],
    ['nothing that is offered is taken', [usual(AAC), possible({ codec: 'mp3' })], [OPUS], 'never'],
    ['what is usual is refused, what is possible is taken', [usual(AAC), possible(OPUS)], [OPUS], 'usually-not'],
    ['what is usual is taken, what is possible is refused', [usual(OPUS), possible(AAC)], [OPUS], 'perhaps-not'],
    ['one of two usual ones is refused', [usual(OPUS), usual(AAC)], [OPUS], 'perhaps-not'],
    ['only part of what is usual is taken', [usual({ kind: 'video', codec: 'h264' })], [H264_PLAIN], 'perhaps-not'],
    [
      'a whole kind is refused beside one that is taken',
      [usual(AAC), usual(H264_PLAIN)],
      [{ kind: 'video' }],
      'usually-not',
    ],
    [
      'an offer of several codecs is judged one by one',
      [usual({ kind: 'video', codec: ['h264', 'hevc'] })],
      [{ codec: 'h264' }],
      'perhaps-not',
    ],
  ])('%s', (_, offers, accepts, grade) => expect(gradeLink(offers, accepts).grade).toBe(grade));

  it('cannot be judged where the source declares nothing', () => {
    expect(gradeLink(undefined, [OPUS])).toEqual({ grade: 'perhaps-not', misfits: [], unknown: true });
  });

  it("judges a package's own data by its name, as it does ours", () => {
    const faces = [usual({ kind: 'data', codec: 'acme.faces' })];
    expect(gradeLink(faces, [{ codec: 'acme.faces' }]).grade).toBe('always');
    expect(gradeLink(faces, [{ kind: 'data' }]).grade).toBe('always');
    expect(gradeLink(faces, [{ codec: ['acme.plates', 'h264'] }]).grade).toBe('never');
    expect(describeCaps({ codec: 'acme.faces' })).toBe('acme.faces data');
    const actual = { kind: 'data', codec: 'acme.faces' } as const;
    expect(matchCaps({ accepts: [{ codec: 'acme.faces' }] }, actual).fits).toBe(true);
    expect(matchCaps({ accepts: [{ codec: 'webvtt' }] }, actual)).toMatchObject({ fits: false });
  });

  it('names only the codecs that do not fit', () => {
    const { misfits } = gradeLink(
      [possible({ kind: 'video', codec: ['hevc', 'vp8'] }), usual(H264_PLAIN)],
      [{ codec: ['h264', 'hevc'] }],
    );
    expect(misfits.map(({ offer }) => offer.caps.codec)).toEqual(['vp8']);
  });
});

describe('a running track', () => {
  const mends = [{ caps: AAC, mend: 'Put transcode.audio between.' }];

  it('fits what accepts it', () => {
    expect(matchCaps({ accepts: [OPUS] }, { kind: 'audio', codec: 'opus', sampleRate: 48_000, channels: 2 })).toEqual({
      fits: true,
    });
    expect(matchCaps({}, { kind: 'objects' })).toEqual({ fits: true });
  });

  it('is refused with what it is, what is taken, and the mend that the pad declares', () => {
    expect(
      matchCaps({ accepts: [OPUS], mends }, { kind: 'audio', codec: 'aac', sampleRate: 44_100, channels: 2 }),
    ).toEqual({
      fits: false,
      reason: 'the track is AAC audio at 44100 Hz with 2 channels; this pad takes Opus audio',
      mend: 'Put transcode.audio between.',
    });
  });

  it('is not refused for B-frames that nobody signalled, and is for those that are there', () => {
    const video = { kind: 'video', codec: 'h264', width: 640, height: 360 };
    expect(matchCaps({ accepts: [H264_PLAIN] }, video).fits).toBe(true);
    expect(matchCaps({ accepts: [H264_PLAIN] }, { ...video, bFrames: true }).fits).toBe(false);
  });

  it('is refused where it is too large', () => {
    const pad = { accepts: [{ kind: 'video', maxWidth: 1280, maxHeight: 720 }] } as const;
    expect(matchCaps(pad, { kind: 'video', codec: 'h264', width: 1280, height: 720 }).fits).toBe(true);
    expect(matchCaps(pad, { kind: 'video', codec: 'h264', width: 1280, height: 722 }).fits).toBe(false);
  });
});
