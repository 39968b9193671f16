import { describe, expect, it } from 'vitest';
import * as media from '../../../core/media/index.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

// Records that x264, x265, SVT-AV1 and libvpx wrote; the size 322x180 needs cropping in each.
const AVC_HIGH = hex('0164000dffe1001a6764000dacd941519e227c0440000003004000000f03c50a658001000668ebe3cb22c0fdf8f800');
const AVC_BASELINE = hex('0142c00dffe100176742c00dd901419f9f011000003e90000ea600f142a48001000568cb83cb20');
const AVC_INTERLACED = hex(
  '01640028ffe1002467640028acd94078044fde022000000300200000064c08001e848003d09c98601f162d9601000568fbacb22cfdf8f800',
);
const HEVC = hex(
  '0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809a10001002a' +
    '42010101600000030090000003000003003ca00a480b9c9796566924caf0168080000003008000000f04a2000100074401c172b46240',
);
const AV1 = hex('81000c000a0b000000043d06cc02f80040');
const AV1_UNIT_START = hex('12000a0b000000043d06ccfbf90040320310000000');

const unit = (...nals: string[]): Uint8Array => media.joinLengthPrefixed(nals.map(hex));
const caps = (codec: 'h264' | 'hevc' | 'av1', config: Uint8Array): object => {
  const { config: _config, ...rest } = media.videoCapsFromConfig(codec, config, 90000);
  return rest;
};

describe('decoder configuration records', () => {
  it('reads size with cropping, reordering and codec string from avcC', () => {
    expect(caps('h264', AVC_HIGH)).toEqual({
      kind: 'video',
      codec: 'h264',
      timescale: 90000,
      width: 322,
      height: 180,
      bFrames: true,
      codecString: 'avc1.64000d',
    });
  });

  it('knows that baseline has no B-frames, and its rate by VUI timing', () => {
    const sps = media.parseH264Sps(media.parseAvcConfig(AVC_BASELINE).sps[0]!);
    expect(sps).toMatchObject({ profile: 66, width: 320, height: 180, bFrames: false });
    expect(sps.frameRate).toEqual({ num: 30000, den: 1001, fixed: false });
  });

  it('reads past HRD parameters and counts field macroblocks of interlaced video', () => {
    const sps = media.parseH264Sps(media.parseAvcConfig(AVC_INTERLACED).sps[0]!);
    expect(sps).toMatchObject({ width: 1920, height: 1080, progressive: false, bFrames: true });
  });

  it.each([AVC_HIGH, AVC_BASELINE, AVC_INTERLACED])('builds the very avcC that x264 wrote', (record) => {
    const { sps, pps } = media.parseAvcConfig(record);
    expect(media.buildAvcConfig(sps, pps)).toEqual(record);
  });

  it('reads hvcC and builds it again', () => {
    expect(caps('hevc', HEVC)).toMatchObject({
      width: 322,
      height: 180,
      bFrames: true,
      codecString: 'hvc1.1.6.L60.90',
    });
    expect(media.buildHevcConfig(media.parseHevcConfig(HEVC))).toEqual(HEVC);
  });

  it('reads av1C and builds it again', () => {
    expect(caps('av1', AV1)).toMatchObject({ width: 322, height: 180, codecString: 'av01.0.00M.08' });
    expect(media.buildAv1Config(media.parseAv1Config(AV1))).toEqual(AV1);
  });

  it('normalises avcC with 2-byte lengths, and the samples with it', () => {
    const short = Uint8Array.from(AVC_HIGH);
    short[4] = 0xfd;
    expect(media.parseAvcConfig(short).lengthSize).toBe(2);
    expect(media.videoCapsFromConfig('h264', short, 1000).config).toEqual(AVC_HIGH);
    expect(media.toFourByteLengths(hex('0003658801'), 2)).toEqual(unit('658801'));
  });

  it.each([
    ['h264', AVC_HIGH],
    ['hevc', HEVC],
    ['av1', AV1],
  ] as const)('refuses every truncation of a %s record with a MediaError', (codec, record) => {
    for (let length = 0; length < record.length; length++) {
      try {
        media.videoCapsFromConfig(codec, record.subarray(0, length), 1000);
      } catch (error) {
        expect(error).toBeInstanceOf(media.MediaError);
      }
    }
    expect(() => media.videoCapsFromConfig(codec, record.subarray(0, 8), 1000)).toThrow(media.MediaError);
  });
});

describe('key frames', () => {
  const slice = '419a00';
  // SEI payload type 6 (recovery point), size 1: recovery_frame_cnt ue(0), exact match and broken link flags.
  const recovery = '060601c480';

  it('finds H.264 IDR, and I slices at a recovery point only', () => {
    expect(media.isH264KeyFrame(unit('0910', '6588'))).toBe(true);
    expect(media.isH264KeyFrame(unit(slice))).toBe(false);
    // first_mb 0 -> '1', slice_type 7 -> ue '0001000': an I slice
    expect(media.isH264KeyFrame(unit(recovery, '218880'))).toBe(true);
    expect(media.isH264KeyFrame(unit('218880'))).toBe(false);
    // slice_type 5 -> ue '00110': a P slice at a recovery point is intra refresh, which starts with broken pictures
    expect(media.isH264KeyFrame(unit(recovery, '219880'))).toBe(false);
  });

  it('finds HEVC random access pictures', () => {
    expect(media.isHevcKeyFrame(unit('4e0105', '2601af'))).toBe(true); // SEI, then IDR_W_RADL (19)
    expect(media.isHevcKeyFrame(unit('2a01af'))).toBe(true); // CRA (21)
    expect(media.isHevcKeyFrame(unit('0201d0'))).toBe(false);
  });

  it('finds AV1 key frames and takes temporal delimiters out', () => {
    expect(media.isAv1KeyFrame(AV1_UNIT_START)).toBe(true);
    expect(media.isAv1KeyFrame(hex('120032033000'.padEnd(14, '0')))).toBe(false);
    expect(media.stripAv1TemporalDelimiters(AV1_UNIT_START)).toEqual(AV1_UNIT_START.subarray(2));
    expect(media.videoCapsFromKeyFrame('av1', AV1_UNIT_START, 1000)).toMatchObject({ width: 322, height: 180 });
  });

  it('reads VP8 and VP9 key frames', () => {
    const vp8 = hex('f04c009d012ab00090000007');
    expect(media.videoCapsFromKeyFrame('vp8', vp8, 90000)).toMatchObject({
      width: 176,
      height: 144,
      codecString: 'vp8',
    });
    expect(media.parseVp8KeyFrame(hex('f14c00'))).toBeUndefined();
    // As libvpx wrote it: profile 0, 322x180.
    const vp9 = hex('824983420014100b360638241c');
    expect(media.videoCapsFromKeyFrame('vp9', vp9, 90000)).toMatchObject({
      width: 322,
      height: 180,
      codecString: 'vp09.00.11.08',
    });
    expect(media.isVp9KeyFrame(hex('8600'))).toBe(false);
  });

  it('takes parameter sets out of the band and builds caps of them', () => {
    const { sps, pps } = media.parseAvcConfig(AVC_HIGH);
    const frame = media.joinLengthPrefixed([hex('09f0'), sps[0]!, pps[0]!, hex('6588')]);
    expect(media.videoCapsFromKeyFrame('h264', frame, 90000)?.config).toEqual(AVC_HIGH);
    expect(media.stripH264ParameterSets(frame)).toEqual(unit('6588'));
    const hevc = media.parseHevcConfig(HEVC);
    const picture = media.joinLengthPrefixed([hevc.vps[0]!, hevc.sps[0]!, hevc.pps[0]!, hex('2601af')]);
    expect(media.videoCapsFromKeyFrame('hevc', picture, 90000)?.config).toEqual(HEVC);
    expect(media.stripHevcParameterSets(picture)).toEqual(unit('2601af'));
    expect(media.stripHevcParameterSets(unit('2601af'))).toEqual(unit('2601af'));
  });
});
