/** Offers of many clients, and the answers to them. */
import fc from 'fast-check';
import * as ortc from 'mediasoup/ortc';
import { describe, expect, it } from 'vitest';
import { dtlsRoles, writeAnswer } from '../../../plugins/webrtc/shared/sdp/answer.ts';
import { parseFragment } from '../../../plugins/webrtc/shared/sdp/fragment.ts';
import { preferring, takeForPublishing, takeForWatching } from '../../../plugins/webrtc/shared/sdp/negotiate.ts';
import { parseOffer, SdpError } from '../../../plugins/webrtc/shared/sdp/offer.ts';
import { address, capabilities, fixture, fixtures, sectionsOf } from './sdp-fixtures.ts';

const VIDEO = ['h264', 'vp9', 'av1', 'vp8'] as const;
const take = (name: string, options: object = {}) =>
  takeForPublishing(parseOffer(fixture(name)), capabilities, { video: VIDEO, ...options });
const encodings = (name: string, options: object = {}) =>
  take(name, options).find(({ kind }) => kind === 'video')!.rtpParameters.encodings;
const mLines = (sdp: string): string[] => sdp.split('\r\n').filter((line) => line.startsWith('m='));

describe('offers to publish', () => {
  it.each(fixtures('whip'))('%s is answered as RFC 9725 asks, and mediasoup takes what it sends', (name) => {
    const offer = parseOffer(fixture(name));
    const taken = takeForPublishing(offer, capabilities, { video: VIDEO });
    expect(taken.map(({ kind }) => kind).sort()).toEqual(['audio', 'video']);
    for (const { rtpParameters, kind } of taken) {
      const copy = structuredClone(rtpParameters) as never;
      ortc.validateAndNormalizeRtpParameters(copy);
      // Throws where mediasoup would refuse the producer.
      const mapping = ortc.getProducerRtpParametersMapping(copy, capabilities as never);
      ortc.getConsumableRtpParameters(kind, copy, capabilities as never, mapping);
    }
    const answer = writeAnswer(offer, taken, address, { direction: 'recvonly' });
    const [session, ...media] = sectionsOf(answer);
    expect(session).toContain(`a=group:BUNDLE ${offer.media.map(({ mid }) => mid).join(' ')}`);
    expect(session).toContain('a=ice-lite');
    expect(media).toHaveLength(offer.media.length);
    for (const [index, section] of media.entries()) {
      expect(section[0]).toMatch(new RegExp(`^m=${offer.media[index]!.type} 9 UDP/TLS/RTP/SAVPF \\d+`));
      for (const line of ['a=recvonly', 'a=rtcp-mux', `a=mid:${offer.media[index]!.mid}`])
        expect(section).toContain(line);
      expect(section).toContain(`a=setup:${offer.setup === 'passive' ? 'active' : 'passive'}`);
      expect(section).toContain('a=ice-ufrag:serverufrag');
      expect(section).toContain(`a=fingerprint:sha-256 ${address.dtlsFingerprints[1].value}`);
      expect(section.filter((line) => line.startsWith('a=candidate:'))).toHaveLength(index === 0 ? 2 : 0);
    }
    expect(media[0]).toContain('a=end-of-candidates');
    // Our own reader takes the answer for a well-formed SDP too.
    expect(parseOffer(answer).media.map(({ mid }) => mid)).toEqual(offer.media.map(({ mid }) => mid));
  });

  it.each([
    ['chromium-156-whip', 'H264', '42e01f'],
    ['chromium-156-whip-av1', 'AV1', undefined],
    ['firefox-128-whip', 'H264', '42e01f'],
    ['safari-17-whip', 'H264', '42e01f'],
    ['firefox-153-whip', 'VP9', undefined],
    ['ffmpeg-8-whip', 'H264', '42400d'],
  ])('%s: %s %s is taken, with its RTX', (name, codec, profile) => {
    const [media, rtx] = take(name).find(({ kind }) => kind === 'video')!.codecs;
    expect(media!.name).toBe(codec);
    expect(media!.parameters['profile-level-id']).toBe(profile);
    expect(rtx!.parameters.apt).toBe(String(media!.payloadType));
  });

  it.each([
    ['gstreamer-1.22-whip', '42c015'],
    ['libdatachannel-0.24-whip', '42e01f'],
  ])('%s: H264 %s is taken, though it offers no RTX', (name, profile) => {
    const codecs = take(name).find(({ kind }) => kind === 'video')!.codecs;
    expect(codecs.map((codec) => [codec.name, codec.parameters['profile-level-id']])).toEqual([['H264', profile]]);
  });

  it('takes the codecs that the pipeline prefers, and only those', () => {
    const codec = (video: readonly string[]) =>
      take('chromium-156-whip', { video }).find(({ kind }) => kind === 'video')?.codecs[0]!.name;
    expect(codec(['vp8', 'h264'])).toBe('VP8');
    expect(codec(['av1'])).toBe('AV1');
    expect(() => take('chromium-156-whip-av1', { video: ['h264'] })).toThrow(/none of the offered codecs.*AV1/);
  });

  it('takes simulcast layers from the lowest up, however they are named', () => {
    const rids = (name: string, options = {}) => encodings(name, options)!.map(({ rid }) => rid);
    expect(rids('chromium-156-whip-simulcast')).toEqual(['q', 'h', 'f']);
    for (const firefox of ['firefox-128', 'firefox-153'])
      expect(rids(`${firefox}-whip-simulcast`)).toEqual(['l', 'm', 'h']);
    expect(rids('obs-31-whip-simulcast', { highestLayerFirst: true })).toEqual(['2', '1', '0']);
    const sized = fixture('obs-31-whip-simulcast')
      .replace('a=rid:0 send', 'a=rid:0 send max-width=640;max-height=360')
      .replace('a=rid:1 send', 'a=rid:1 send max-width=1280;max-height=720')
      .replace('a=rid:2 send', 'a=rid:2 send max-width=320;max-height=180');
    const offer = parseOffer(sized);
    const taken = takeForPublishing(offer, capabilities, { video: VIDEO });
    const video = taken.find(({ kind }) => kind === 'video')!;
    expect(video.rtpParameters.encodings!.map(({ rid }) => rid)).toEqual(['2', '0', '1']);
    // The answer keeps the offer's order (RFC 8853).
    const answer = writeAnswer(offer, taken, address, { direction: 'recvonly' });
    expect(answer).toContain('a=simulcast:recv 0;1;2');
    expect(answer).toMatch(/a=rid:0 recv\r\na=rid:1 recv\r\na=rid:2 recv/);
  });

  it('takes layers in a codec whose layers the SFU forwards, else only the highest one', () => {
    const answer = (video: readonly ('h264' | 'vp8' | 'vp9' | 'av1')[]) => {
      const offer = parseOffer(fixture('firefox-153-whip-simulcast'));
      const taken = takeForPublishing(offer, capabilities, { video });
      const { codecs, rtpParameters } = taken.find(({ kind }) => kind === 'video')!;
      const lines = writeAnswer(offer, taken, address, { direction: 'recvonly' }).split('\r\n');
      return {
        codec: codecs[0]!.name,
        rids: rtpParameters.encodings!.map(({ rid }) => rid),
        answered: lines.filter((line) => /^a=(rid|simulcast):/.test(line)),
      };
    };
    expect(answer(VIDEO)).toMatchObject({ codec: 'VP8', rids: ['l', 'm', 'h'] });
    expect(answer(['vp9', 'av1'])).toEqual({
      codec: 'VP9',
      rids: ['h'],
      answered: ['a=rid:h recv', 'a=simulcast:recv h'],
    });
  });

  it('knows a stream by its SSRC and that of its RTX, or by its MID alone', () => {
    expect(encodings('ffmpeg-8-whip')).toEqual([{ ssrc: expect.any(Number), rtx: { ssrc: expect.any(Number) } }]);
    const bare = fixture('ffmpeg-8-whip').replace(/a=ssrc.*\r\n/g, '');
    const taken = takeForPublishing(parseOffer(bare), capabilities, { video: VIDEO });
    expect(taken.map(({ rtpParameters }) => rtpParameters.encodings)).toEqual([[{}], [{}]]);
    expect(encodings('chromium-156-whip-av1', { scalabilityMode: 'L3T3' })).toMatchObject([
      { scalabilityMode: 'L3T3' },
    ]);
    // Sound has none: the worker refuses it.
    const audio = take('chromium-156-whip-av1', { scalabilityMode: 'L3T3' }).find(({ kind }) => kind === 'audio')!;
    expect(audio.rtpParameters.encodings![0]).not.toHaveProperty('scalabilityMode');
  });

  it('lets the DTLS client begin: us, where the offer can only wait', () => {
    const roles = (setup: string) =>
      dtlsRoles(parseOffer(fixture('chromium-156-whip').replaceAll('setup:actpass', `setup:${setup}`)));
    expect(roles('actpass')).toEqual({ client: 'client', answer: 'passive' });
    expect(roles('active')).toEqual({ client: 'client', answer: 'passive' });
    expect(roles('passive')).toEqual({ client: 'server', answer: 'active' });
  });

  it('refuses other m-lines with port 0, outside the bundle, in their place', () => {
    const data =
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\nc=IN IP4 0.0.0.0\r\na=mid:2\r\na=sctp-port:5000\r\n';
    const offer = parseOffer(fixture('chromium-156-whip').replace('BUNDLE 0 1', 'BUNDLE 0 1 2') + data);
    const taken = takeForPublishing(offer, capabilities, { video: VIDEO });
    const answer = writeAnswer(offer, taken, address, { direction: 'recvonly' });
    expect(mLines(answer)[2]).toBe('m=application 0 UDP/DTLS/SCTP webrtc-datachannel');
    expect(answer).toContain('a=group:BUNDLE 0 1\r\n');
  });

  it.each(fixtures('whep'))('%s, which only receives, is unacceptable', (name) => {
    expect(() => take(name)).toThrow(expect.objectContaining({ reason: 'unacceptable' }));
  });
});

describe('offers to watch', () => {
  it.each(fixtures('whep'))('%s is answered in its own numbers', (name) => {
    const offer = parseOffer(fixture(name));
    const taken = takeForWatching(offer, capabilities);
    const answer = writeAnswer(offer, taken, address, { direction: 'sendonly', stream: 'eddy' });
    expect(answer).not.toContain('a=ssrc');
    const offered = sectionsOf(fixture(name));
    for (const [index, section] of sectionsOf(answer).entries()) {
      if (index === 0) continue;
      expect(section).toContain('a=sendonly');
      expect(section.filter((line) => line.startsWith('a=msid:eddy '))).toHaveLength(1);
      for (const line of section.filter((each) => /^a=(rtpmap|fmtp|extmap|rtcp-fb):/.test(each))) {
        // Nothing that the client did not say, number by number. `/recvonly` was its direction.
        expect(offered[index]!.map((each) => each.replace(/^(a=extmap:\d+)\/\w+/, '$1'))).toContain(line);
      }
    }
  });

  it('tells SSRCs to a client without the MID extension, which has nothing else to go by, and to no other', () => {
    const answer = (name: string): string => {
      const offer = parseOffer(fixture(name));
      const encodings = () => [{ ssrc: 4711, rtx: { ssrc: 4712 } }];
      const options = { direction: 'sendonly', stream: 'eddy', encodings } as const;
      return writeAnswer(offer, takeForWatching(offer, capabilities), address, options);
    };
    const [, video] = sectionsOf(answer('libdatachannel-0.24-whep'));
    for (const line of ['a=ssrc-group:FID 4711 4712', 'a=ssrc:4711 cname:eddy', 'a=ssrc:4712 cname:eddy'])
      expect(video).toContain(line);
    expect(answer('chromium-156-whep')).not.toContain('a=ssrc');
  });

  it('takes every codec that a camera may have, and every RTX of those', () => {
    const names = (name: string) =>
      takeForWatching(parseOffer(fixture(name)), capabilities)
        .find(({ kind }) => kind === 'video')!
        .codecs.map((codec) => codec.name);
    const chromium = names('chromium-156-whep');
    expect(new Set(chromium)).toEqual(new Set(['VP8', 'rtx', 'VP9', 'H264', 'AV1']));
    expect(chromium.filter((name) => name === 'rtx')).toHaveLength(chromium.length / 2);
    expect(new Set(names('safari-17-whep'))).toEqual(new Set(['H264', 'rtx', 'VP8', 'VP9']));
    expect(names('libdatachannel-0.24-whep')).toEqual(['H264']);
  });

  it('keeps MID and one way of estimating bandwidth', () => {
    const taken = takeForWatching(parseOffer(fixture('chromium-156-whep')), capabilities);
    const video = taken.find(({ kind }) => kind === 'video')!;
    expect(video.extensions).toContainEqual({ id: 9, uri: 'urn:ietf:params:rtp-hdrext:sdes:mid' });
    const feedback = [...video.feedback.values()].flat().map(({ type }) => type);
    expect(feedback).toContain('transport-cc');
    expect(feedback).not.toContain('goog-remb');
    // Without either header extension neither can work.
    const bare = parseOffer(fixture('libdatachannel-0.24-whep'));
    const plain = takeForWatching(bare, capabilities).find(({ kind }) => kind === 'video')!;
    expect([...plain.feedback.values()].flat().map(({ type, parameter }) => `${type} ${parameter}`)).toEqual([
      'nack ',
      'nack pli',
    ]);
  });

  it('puts the codec first that flows first', () => {
    const video = takeForWatching(parseOffer(fixture('chromium-156-whep')), capabilities).find(
      ({ kind }) => kind === 'video',
    )!;
    const first = (mimeType: string, parameters = {}) =>
      preferring(video, { mimeType, payloadType: 1, clockRate: 90_000, parameters })
        .codecs.slice(0, 2)
        .map(({ name }) => name);
    expect(first('video/AV1')).toEqual(['AV1', 'rtx']);
    expect(first('video/VP8')).toEqual(['VP8', 'rtx']);
    expect(first('video/H264', { 'packetization-mode': 1, 'profile-level-id': '42e01f' })).toEqual(['H264', 'rtx']);
  });

  it('takes audio alone', () => {
    const [session, , audio] = fixture('chromium-156-whep').split(/(?=m=)/) as [string, string, string];
    const offer = parseOffer(session.replace('BUNDLE 0 1', 'BUNDLE 1') + audio);
    expect(takeForWatching(offer, capabilities).map(({ kind }) => kind)).toEqual(['audio']);
  });
});

describe('what is no offer', () => {
  const good = fixture('chromium-156-whip');
  it.each([
    ['nothing', ''],
    ['JSON', '{"sdp": "v=0"}'],
    ['no m-line', good.split('m=')[0]!],
    ['no ICE password', good.replace(/a=ice-pwd.*\r\n/g, '')],
    ['a short ICE password', good.replace(/a=ice-pwd:.*\r\n/g, 'a=ice-pwd:short\r\n')],
    ['no fingerprint', good.replace(/a=fingerprint.*\r\n/g, '')],
    ['a broken fingerprint', good.replace(/a=fingerprint:.*\r\n/g, 'a=fingerprint:sha-256 12:34\r\n')],
    ['an unknown role', good.replaceAll('setup:actpass', 'setup:holdconn')],
    ['the same mid twice', good.replace('a=mid:1', 'a=mid:0')],
    ['a thousand m-lines', good + 'm=video 9 UDP/TLS/RTP/SAVPF 96\r\n'.repeat(1000)],
    ['a layer without a=rid', fixture('chromium-156-whip-simulcast').replace('a=rid:q send\r\n', '')],
    ['a thousand layers', good.replace('a=mid:0', `a=simulcast:send ${'q;'.repeat(1000)}q\r\na=mid:0`)],
  ])('%s', (_what, sdp) => {
    expect(() => parseOffer(sdp)).toThrow(expect.objectContaining({ name: 'SdpError', reason: 'malformed' }));
  });

  it('holds nothing but data channels', () => {
    const data = good.split('m=')[0]! + 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n';
    expect(() => parseOffer(data)).toThrow(expect.objectContaining({ reason: 'unacceptable' }));
  });

  it('never fails in another way, whatever is done to a good one', () => {
    const all = [...fixtures('whip'), ...fixtures('whep')].map(fixture);
    const edit = fc.record({
      line: fc.nat(),
      what: fc.constantFrom('drop', 'double', 'cut', 'swap', 'noise'),
      noise: fc.string({ maxLength: 30 }),
    });
    const mutated = fc
      .tuple(fc.constantFrom(...all), fc.array(edit, { minLength: 1, maxLength: 8 }))
      .map(([sdp, edits]) => {
        const lines = sdp.split('\r\n');
        for (const { line, what, noise } of edits) {
          const at = line % lines.length;
          const text = lines[at]!;
          if (what === 'drop') lines.splice(at, 1);
          if (what === 'double') lines.splice(at, 0, text);
          if (what === 'cut') lines[at] = text.slice(0, line % (text.length + 1));
          if (what === 'swap') [lines[at], lines[0]] = [lines[0]!, text];
          if (what === 'noise') lines[at] = text.slice(0, text.indexOf(':') + 1) + noise;
        }
        return lines.join('\r\n');
      });
    fc.assert(
      fc.property(mutated, (sdp) => {
        try {
          const offer = parseOffer(sdp);
          for (const use of [
            () => takeForPublishing(offer, capabilities, { video: VIDEO }),
            () => takeForWatching(offer, capabilities),
          ]) {
            try {
              writeAnswer(offer, use(), address, { direction: 'sendonly', stream: 'eddy' });
            } catch (error) {
              if (!(error instanceof SdpError)) throw error;
            }
          }
        } catch (error) {
          if (!(error instanceof SdpError)) throw error;
        }
      }),
      { numRuns: 300 },
    );
  });
});

describe('ICE fragments', () => {
  it('are read as clients write them', () => {
    const simple = 'a=ice-ufrag:abcd\r\na=ice-pwd:0123456789012345678901\r\nm=audio 9 RTP/AVP 0\r\na=mid:7\r\n';
    const candidate =
      'a=candidate:1 1 udp 2122260223 192.0.2.1 61764 typ host generation 0 ufrag abcd network-id 1\r\n';
    expect(parseFragment(`${simple}${candidate}a=end-of-candidates\r\n`)).toEqual({
      usernameFragment: 'abcd',
      password: '0123456789012345678901',
      candidates: 1,
      complete: true,
    });
    expect(parseFragment(`${candidate}`)).toMatchObject({ usernameFragment: undefined, candidates: 1 });
    expect(parseFragment('a=candidate:2 1 UDP 1 a1b2.local 9 typ host tcptype active\n')).toMatchObject({
      candidates: 1,
    });
  });

  it.each([
    ['empty', ''],
    ['prose', 'hello'],
    ['says nothing of ICE', 'm=audio 9 RTP/AVP 0\r\na=mid:0\r\n'],
    ['a broken candidate', 'a=ice-ufrag:abcd\r\na=candidate:nonsense\r\n'],
    ['a short ufrag', 'a=ice-ufrag:a\r\n'],
    ['a thousand candidates', 'a=candidate:1 1 udp 1 192.0.2.1 1 typ host\r\n'.repeat(1000)],
  ])('%s is malformed', (_what, text) => {
    expect(() => parseFragment(text)).toThrow(expect.objectContaining({ reason: 'malformed' }));
  });
});
