/**
 * Why the reading half of node-media-server's protocol class is replaced (docs/decisions). Each fault is shown on the
 * library as it is: when a new version mends one, its test fails, and the decision can be taken anew.
 */
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { amf0 } from '../../support/amf0-writer.ts';
import { basicHeader, chunks } from '../../support/rtmp-client.ts';

const require = createRequire(import.meta.url);
const Rtmp = require('node-media-server/src/protocol/rtmp.js');
const AMF = require('node-media-server/src/protocol/amf.js');

function read(...parts: Uint8Array[]): { dts: number; body: Buffer }[] {
  const rtmp = new Rtmp();
  const got: { dts: number; body: Buffer }[] = [];
  rtmp.onPacketCallback = (packet: { dts: number; data: Buffer; size: number }) =>
    got.push({ dts: packet.dts, body: Buffer.from(packet.data.subarray(0, packet.size)) });
  const bytes = Buffer.concat(parts);
  rtmp.chunkRead(bytes, 0, bytes.length);
  return got;
}

const body = (length: number, fill: number): Buffer => Buffer.alloc(length, fill);

describe('node-media-server 4.4.3 as it is', () => {
  it('is the version that was read', () => {
    expect(require('node-media-server/package.json').version).toBe('4.4.3');
    expect(require('../../../package.json').dependencies['node-media-server']).toBe('4.4.3');
  });

  it('mixes chunk streams of 3-byte ids', () => {
    const [a, b] = [321, 576].map((chunkStream, i) => chunks({ type: 8, body: body(200, i + 1), chunkStream }));
    const first = 3 + 11 + 128;
    const parts = [a!.subarray(0, first), b!.subarray(0, first), a!.subarray(first), b!.subarray(first)];
    expect(() => expect(read(...parts).map((one) => one.body)).toEqual([body(200, 1), body(200, 2)])).toThrow();
  });

  it('loses its place when the chunk size changes inside a message', () => {
    const video = body(6000, 7);
    const size = chunks({ type: 1, body: Buffer.of(0, 0, 16, 0), chunkStream: 2 });
    const begun = chunks({ type: 9, body: video, chunkStream: 6 }).subarray(0, 12 + 128);
    const next = 128 + 4096;
    const rest = [basicHeader(3, 6), video.subarray(128, next), basicHeader(3, 6), video.subarray(next)];
    expect(read(begun, size, ...rest).map((one) => one.body)).not.toEqual([video]);
  });

  it('drops every message after 2^32 ms', () => {
    const next = Buffer.concat([basicHeader(1, 3), Buffer.of(0, 0, 0x20, 0, 0, 4, 9), body(4, 2)]);
    expect(read(chunks({ type: 9, body: body(4, 1), timestamp: 0xfffffff0 }), next)).toHaveLength(1);
  });

  it('throws on an empty video message, and on a chunk size without bytes', () => {
    expect(() => read(chunks({ type: 9, body: body(0, 0) }), Buffer.of(0))).toThrow(RangeError);
    expect(() => read(chunks({ type: 1, body: body(0, 0), chunkStream: 2 }), Buffer.of(0))).toThrow(RangeError);
  });

  it('reads a byte too far after an ECMA array', () => {
    const inner = new Map([['audio', 2]]);
    const bytes = amf0({ tracks: inner, width: 640 });
    expect(() => expect(AMF.amf0DecodeOne(bytes).value).toEqual({ tracks: { audio: 2 }, width: 640 })).toThrow();
  });

  it('keeps a buffer of 1 MiB a connection that it never uses', () => {
    expect(new Rtmp().flv.parserTagData.length).toBe(1024 * 1024);
  });
});
