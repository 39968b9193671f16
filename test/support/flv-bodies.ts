/** Bodies of FLV tags for test publishers, with configurations that x264, x265 and SVT-AV1 wrote. */
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'hex'));

export const AVC_HIGH = hex(
  '0164000dffe1001a6764000dacd941519e227c0440000003004000000f03c50a658001000668ebe3cb22c0fdf8f800',
);
export const AVC_BASELINE = hex('0142c00dffe100176742c00dd901419f9f011000003e90000ea600f142a48001000568cb83cb20');
export const HEVC = hex(
  '0101600000009000000000003cf000fcfdf8f800000f03a00001001840010c01ffff01600000030090000003000003003c959809a10001002a' +
    '42010101600000030090000003000003003ca00a480b9c9796566924caf0168080000003008000000f04a2000100074401c172b46240',
);
export const AV1 = hex('81000c000a0b000000043d06cc02f80040');
/** AAC LC, 44.1 kHz, stereo; 48 kHz, mono. */
export const AAC_44 = hex('1210');
export const AAC_48 = hex('1188');

/** A NAL unit with its 4-byte length. */
export function nal(payload: Uint8Array): Uint8Array {
  const out = Buffer.alloc(4 + payload.length);
  out.writeUInt32BE(payload.length);
  out.set(payload, 4);
  return out;
}

export const avcHeader = (config: Uint8Array): Uint8Array => Buffer.concat([Buffer.of(0x17, 0, 0, 0, 0), config]);

export function avcFrame(key: boolean, compositionOffset: number, data: Uint8Array): Uint8Array {
  const head = Buffer.of(key ? 0x17 : 0x27, 1, 0, 0, 0);
  head.writeIntBE(compositionOffset, 2, 3);
  return Buffer.concat([head, data]);
}

export const aacHeader = (config: Uint8Array): Uint8Array => Buffer.concat([Buffer.of(0xaf, 0), config]);
export const aacFrame = (data: Uint8Array): Uint8Array => Buffer.concat([Buffer.of(0xaf, 1), data]);

/** E-RTMP video: packet type 0 start, 1 frame with composition offset, 2 end, 3 frame without. */
export function exVideo(
  fourCc: string,
  packetType: number,
  data: Uint8Array,
  options: { key?: boolean; offset?: number } = {},
): Uint8Array {
  const frameType = options.key === false ? 2 : 1;
  const offset = Buffer.alloc(options.offset === undefined ? 0 : 3);
  if (options.offset !== undefined) offset.writeIntBE(options.offset, 0, 3);
  return Buffer.concat([Buffer.of(0x80 | (frameType << 4) | packetType), Buffer.from(fourCc, 'latin1'), offset, data]);
}

/** E-RTMP audio: packet type 0 start, 1 frame. */
export const exAudio = (fourCc: string, packetType: number, data: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.of(0x90 | packetType), Buffer.from(fourCc, 'latin1'), data]);
