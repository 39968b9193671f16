import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  MediaError,
  parseRtcp,
  parseRtp,
  readNtp,
  rtpExtension,
  RtpStreamWriter,
  writeNtp,
  writeRtp,
  writeSenderReport,
} from '../../../core/media/index.ts';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'));

describe('RTP packets', () => {
  it('come back as they were written', () => {
    const header = fc.record({
      marker: fc.boolean(),
      payloadType: fc.nat(127),
      sequence: fc.nat(65535),
      timestamp: fc.nat(0xffffffff),
      ssrc: fc.nat(0xffffffff),
    });
    const extensions = fc.uniqueArray(
      fc.record({ id: fc.integer({ min: 1, max: 14 }), data: fc.uint8Array({ minLength: 1, maxLength: 16 }) }),
      { selector: ({ id }) => id, maxLength: 5 },
    );
    fc.assert(
      fc.property(header, extensions, fc.uint8Array({ maxLength: 50 }), (head, exts, payload) => {
        const packet = parseRtp(writeRtp({ ...head, extensions: exts }, payload));
        expect(packet).toMatchObject(head);
        expect(packet.payload).toEqual(payload);
        for (const { id, data } of exts) expect(rtpExtension(packet, id)).toEqual(data);
        expect(rtpExtension(packet, 15)).toBeUndefined();
      }),
    );
  });

  it('are read with contributors, two-byte extensions and padding', () => {
    const packet = parseRtp(
      bytes('b1e0 0001 00000064 0000002a 0000000b 1000 0002 0502abcd 0000 0700 aabb 0003'.replace('0003', '000003')),
    );
    expect(packet).toMatchObject({ marker: true, payloadType: 96, sequence: 1, timestamp: 100, ssrc: 42 });
    expect(packet.payload).toEqual(bytes('aabb'));
    expect(rtpExtension(packet, 5)).toEqual(bytes('abcd'));
    expect(rtpExtension(packet, 7)).toEqual(bytes(''));
  });

  it('of padding alone have no payload', () => {
    expect(parseRtp(bytes('a060 0001 00000000 00000001 00 00 03'.replace('00 00 03', '000003'))).payload).toHaveLength(
      0,
    );
  });

  it('that are broken are refused, whatever they hold', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (data) => {
        for (const parse of [parseRtp, parseRtcp]) {
          try {
            parse(data);
          } catch (error) {
            expect(error).toBeInstanceOf(MediaError);
          }
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe('RTCP', () => {
  it('a sender report comes back, its moment to a microsecond', () => {
    const report = {
      ssrc: 0xfedcba98,
      senderTime: 1_790_000_000_123.456,
      rtpTimestamp: 0xfffffff0,
      packets: 7,
      bytes: 900,
    };
    for (const cname of ['', 'a', 'abc', 'camera-1']) {
      const compound = writeSenderReport({ ...report, cname });
      expect(compound.length % 4).toBe(0);
      const [sr, sdes, ...rest] = parseRtcp(compound);
      expect(sr).toMatchObject({ ...report, type: 'sender-report', senderTime: expect.closeTo(report.senderTime, 3) });
      expect(sdes).toEqual({ type: 'other', packetType: 202 });
      expect(rest).toEqual([]);
      expect(Buffer.from(compound.subarray(38, 38 + cname.length)).toString()).toBe(cname);
    }
  });

  it('NTP time is that of RFC 5905, and goes on after 2036', () => {
    const at = new Uint8Array(8);
    writeNtp(at, 0, 0);
    expect(at).toEqual(bytes('83aa7e80 00000000'));
    expect(readNtp(bytes('00000000 80000000'), 0)).toBe(Date.UTC(2036, 1, 7, 6, 28, 16) + 500);
  });

  it('reports, PLI and FIR are told apart in a compound', () => {
    const rr = '81c9 0007 00000001 0000002a 40fffffe 00000000 00000010 00000000 00000000';
    const pli = '81ce 0002 00000001 0000002a';
    const fir = '84ce 0004 00000001 00000000 0000002a 05000000';
    expect(parseRtcp(bytes(rr + pli + fir))).toEqual([
      { type: 'receiver-report', ssrc: 1, blocks: [{ ssrc: 42, fractionLost: 0.25, packetsLost: -2, jitter: 16 }] },
      { type: 'pli', ssrc: 42 },
      { type: 'fir', entries: [{ ssrc: 42, command: 5 }] },
    ]);
  });
});

describe('a stream that is sent', () => {
  it('numbers its packets, marks the last of a frame, and counts for its report', () => {
    const writer = new RtpStreamWriter({ ssrc: 9, payloadType: 100, cname: 'x', sequence: 65535 });
    const packets = writer.frame([[bytes('01'), bytes('0203')], [bytes('04')]], 2 ** 32 + 5).map(parseRtp);
    expect(packets).toMatchObject([
      { sequence: 65535, marker: false, timestamp: 5, ssrc: 9, payloadType: 100, payload: bytes('010203') },
      { sequence: 0, marker: true, timestamp: 5, payload: bytes('04') },
    ]);
    expect(parseRtcp(writer.report(1000, 5))[0]).toMatchObject({ packets: 2, bytes: 4, rtpTimestamp: 5 });
  });
});
