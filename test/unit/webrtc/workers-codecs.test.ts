import { describe, expect, it } from 'vitest';
import type { RtpCodecParameters, RtpParameters } from 'eddy/plugin';
import { h264Profile, matchCodec } from '../../../plugins/webrtc/shared/codec-match.ts';
import { inNumbersOf } from '../../../plugins/webrtc/workers/consume-offer.ts';
import { h264Offered, opusOffered } from '../../support/sfu.ts';

const h264 = (payloadType: number, profile?: string, mode?: number): RtpCodecParameters => ({
  mimeType: 'video/H264',
  payloadType,
  clockRate: 90_000,
  parameters: {
    ...(profile === undefined ? {} : { 'profile-level-id': profile }),
    ...(mode === undefined ? {} : { 'packetization-mode': mode }),
  },
});
const rtx = (payloadType: number, apt: number): RtpCodecParameters => ({
  mimeType: 'video/rtx',
  payloadType,
  clockRate: 90_000,
  parameters: { apt },
});
const codec = (mimeType: string, payloadType: number, parameters = {}): RtpCodecParameters => ({
  mimeType,
  payloadType,
  clockRate: 90_000,
  parameters,
});

describe('h264Profile', () => {
  it.each([
    ['42e01f', 'constrained-baseline'],
    ['42c02a', 'constrained-baseline'],
    ['4D8028', 'constrained-baseline'],
    ['42001f', 'baseline'],
    ['4d001f', 'main'],
    ['64001f', 'high'],
    ['640c1f', 'constrained-high'],
    ['f4001f', 'other'],
    ['nonsense', 'other'],
    [undefined, 'baseline'],
    [{}, 'other'],
  ])('%s is %s', (id, profile) => expect(h264Profile(id)).toBe(profile));
});

describe('matchCodec', () => {
  const chromium = [
    h264(102, '42001f', 1),
    rtx(103, 102),
    h264(104, '42001f', 0),
    h264(106, '42e01f', 1),
    rtx(107, 106),
    h264(127, '4d001f', 1),
  ];

  it.each([
    ['the same profile and mode', h264(96, '42e034', 1), 106, 107],
    ['a profile that is offered further back', h264(96, '4d0034', 1), 127, undefined],
    ['no such profile: the first that puts FU-A together', h264(96, '640034', 1), 102, 103],
    ['the same mode before a better one', h264(96, '42001f', 0), 104, undefined],
  ])('finds %s', (_what, sent, payloadType, repeats) => {
    const match = matchCodec(sent, chromium);
    expect(match?.media.payloadType).toBe(payloadType);
    expect(match?.rtx?.payloadType).toBe(repeats);
  });

  it('finds nothing that cannot be put together or decoded', () => {
    expect(matchCodec(h264(96, '42e01f', 1), [h264(97, '42e01f', 0)])).toBeUndefined();
    expect(matchCodec(h264(96, '42e01f'), [h264(97, '42e01f', 1)])?.media.payloadType).toBe(97);
    expect(matchCodec(codec('video/VP9', 98, { 'profile-id': 2 }), [codec('video/VP9', 1)])).toBeUndefined();
    expect(matchCodec(codec('video/VP9', 98), [codec('video/vp9', 1, { 'profile-id': '0' })])?.media.payloadType).toBe(
      1,
    );
    expect(matchCodec(codec('video/AV1', 98, { profile: 1 }), [codec('video/AV1', 1)])).toBeUndefined();
    expect(matchCodec({ ...opusOffered.codecs[0]!, channels: 1 }, opusOffered.codecs)).toBeUndefined();
  });
});

describe('inNumbersOf', () => {
  const consumable = {
    codecs: [
      {
        ...codec('video/H264', 100, h264(0, '42e034', 1).parameters),
        rtcpFeedback: [
          { type: 'nack', parameter: '' },
          { type: 'ccm', parameter: 'fir' },
        ],
      },
      codec('video/rtx', 101, { apt: 100 }),
    ],
    headerExtensions: [
      { uri: 'urn:ietf:params:rtp-hdrext:sdes:mid', id: 1 },
      { uri: 'urn:3gpp:video-orientation', id: 8 },
      { uri: 'urn:ietf:params:rtp-hdrext:toffset', id: 9 },
    ],
    encodings: [{ ssrc: 1 }, { ssrc: 2 }],
  };
  const show = (offered: RtpParameters): ReturnType<typeof inNumbersOf> =>
    inNumbersOf(offered, { id: 'p', kind: 'video', type: 'simulcast', consumableRtpParameters: consumable as never });

  it("shows the producer in the offer's numbers, and tells the worker the router's payload type", () => {
    const { producer, capabilities } = show(h264Offered);
    const { codecs, headerExtensions, encodings } = producer.consumableRtpParameters;
    expect(codecs).toMatchObject([
      {
        payloadType: 123,
        parameters: { 'profile-level-id': '42e01f' },
        rtcpFeedback: [{ type: 'nack' }, { type: 'ccm' }],
      },
      { payloadType: 124, parameters: { apt: 123 } },
    ]);
    // Orientation was offered as 15, which one-byte headers cannot carry.
    expect(headerExtensions!.map(({ id }) => id)).toEqual([9]);
    expect(encodings).toEqual([
      { ssrc: 1, codecPayloadType: 100 },
      { ssrc: 2, codecPayloadType: 100 },
    ]);
    expect(capabilities.codecs?.map(({ preferredPayloadType }) => preferredPayloadType)).toEqual([123, 124]);
  });

  it('leaves out what the offer does not have', () => {
    const { producer } = show({ codecs: [h264(123, '42e01f', 1)] });
    expect(producer.consumableRtpParameters.codecs).toMatchObject([{ payloadType: 123, rtcpFeedback: [] }]);
    expect(producer.consumableRtpParameters.headerExtensions).toEqual([]);
  });

  it('refuses an offer without the codec, naming both sides', () => {
    expect(() => show(opusOffered)).toThrow(/audio\/opus.*video\/H264/);
  });
});
